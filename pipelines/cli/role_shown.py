"""What roles beside the workers show of themselves: metrics and health, by the endpoint that workers and feeds have.

Read when they are asked for, from the threads of the endpoint: nothing is changed here, and nothing waits.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from connectors.endpoint import Served, serve
from connectors.health import Check, Health
from connectors.metrics import RoleCollector, RoleView
from models.records import Delivery, DeliveryState
from pipelines.main import WallClock
from pipelines.meters import Doings
from pipelines.ports import Clock
from pipelines.pulse import Pulse
from pipelines.settings import Settings

if TYPE_CHECKING:  # each role imports what is its own: delivery has no solver
    from pipelines.plan.role import Planner
    from pipelines.tune.role import Tuning

LOOKED_S = 60.0
"""A role that has not looked at its topics for so long is not ready: each looks every second or two. Our choice."""
US = 1_000_000

Own = Mapping[str, float | Mapping[str, float]]


@asynccontextmanager
async def shown(settings: Settings, role: str, doings: Doings, own: Callable[[], Own]) -> AsyncIterator[Served]:
    """Metrics and health of a role while it runs; `own` gives the gauges that it alone has."""
    clock = WallClock()
    pulse = Pulse(clock)
    health = Health(alive={"loop": pulse.wrong}, ready={"topics": looked(doings, clock)})
    beats = asyncio.create_task(pulse.beat())
    endpoint = served(settings, role, doings, own, health)
    try:
        yield endpoint
    finally:
        beats.cancel()
        endpoint.close()


def served(settings: Settings, role: str, doings: Doings, own: Callable[[], Own], health: Health) -> Served:
    """The endpoint of a role."""
    clock = WallClock()
    collector = RoleCollector(role, lambda: view_of(doings, clock, own))
    return serve(collector, settings.metrics_host, settings.metrics_port, health)


def looked(doings: Doings, clock: Clock) -> Check:
    """Whether the role looks at its topics."""

    def topics() -> str | None:
        age_s = age_of(doings, clock)
        if age_s is None:
            return "the topics have not been read yet"
        return f"the topics were read last {age_s:.0f} s ago" if age_s > LOOKED_S else None

    return topics


def age_of(doings: Doings, clock: Clock) -> float | None:
    """Seconds since the last look; None before the first."""
    return None if doings.looked_s is None else clock.monotonic_s() - doings.looked_s


def view_of(doings: Doings, clock: Clock, own: Callable[[], Own]) -> RoleView:
    """What metrics tell of a role."""
    return RoleView(age_of(doings, clock), doings.done, doings.failed, own())


def of_deliveries(deliveries: Mapping[str, Delivery]) -> Own:
    """Notifications that are not delivered: not tried yet, failing so far, refused for good."""
    told = Counter({"new": 0, "failing": 0, "refused": 0})
    for one in list(deliveries.values()):
        if one.state is DeliveryState.WAITING:
            told["failing" if one.attempts else "new"] += 1
        elif one.state is DeliveryState.REFUSED:
            told["refused"] += 1
    return {"deliveries": told}


def of_plans(planner: Planner) -> Own:
    """How old the newest plan is; nothing while there are no orders to plan, since none is made then."""
    made = planner.board.plan
    if made is None or not planner.board.has_orders:
        return {}
    return {"plan_age_seconds": max(0, planner.now_us - made.made_us) / US}


def of_suggestions(tuning: Tuning) -> Own:
    """How many suggestions wait for an answer."""
    return {"suggestions_open": sum(one.open is not None for one in list(tuning.board.tuners.values()))}
