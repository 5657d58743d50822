"""What roles beside the workers show of themselves: metrics and probes on the endpoint that workers have."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace

import pytest

from connectors.memory import ManualClock
from connectors.memory_delivery import MemorySink
from models.delivery.outcomes import Failed, Refused
from models.records import DeliveryState
from pipelines.cli.role_shown import LOOKED_S, of_deliveries, of_plans, of_suggestions, shown
from pipelines.deliver.role import Deliverer
from pipelines.meters import Doings
from pipelines.plan.role import ROLL_US
from pipelines.roles import ROLES, Port
from pipelines.settings import Settings
from tests.kit.warned import alert
from tests.unit.connectors.scada.opcua_plant import free_port
from tests.unit.connectors.test_endpoint import asked
from tests.unit.connectors.test_metrics import scraped
from tests.unit.infra.test_watch_rules import ALERTS
from tests.unit.pipelines import test_deliver_role
from tests.unit.pipelines.test_deliver_role import Rig


def test_a_role_answers_as_a_worker_does_with_its_work_its_age_and_its_own() -> None:
    async def scene() -> None:
        doings = Doings(done=3, failed=1)
        settings = Settings(metrics_port=free_port())
        async with shown(settings, "deliver", doings, lambda: {"deliveries": {"new": 2, "failing": 0}}) as endpoint:
            port = endpoint.port
            assert port is not None
            assert (await asyncio.to_thread(asked, port, "/healthz"))[0] == 200
            status, said = await asyncio.to_thread(asked, port, "/readyz")
            assert status == 503 and said["reasons"] == {"topics": "the topics have not been read yet"}
            assert "forewarn_role_look_age_seconds role=deliver" not in await asyncio.to_thread(scraped, port)
            doings.looked_s = time.monotonic() - 5
            assert (await asyncio.to_thread(asked, port, "/readyz"))[0] == 200
            told = await asyncio.to_thread(scraped, port)
            doings.looked_s = time.monotonic() - LOOKED_S - 5
            assert (await asyncio.to_thread(asked, port, "/readyz"))[0] == 503
        assert told["forewarn_role_done_total role=deliver"] == 3
        assert told["forewarn_role_failed_total role=deliver"] == 1
        assert 5 <= told["forewarn_role_look_age_seconds role=deliver"] < 10
        assert told["forewarn_deliveries state=new"] == 2 and told["forewarn_deliveries state=failing"] == 0

    asyncio.run(scene())


def test_a_delivery_counts_what_arrived_what_failed_and_what_was_refused(monkeypatch) -> None:
    roles: list[Deliverer] = []

    def kept(*given, **named) -> Deliverer:
        roles.append(Deliverer(*given, **named))
        return roles[-1]

    monkeypatch.setattr(test_deliver_role, "Deliverer", kept)
    rig = Rig(alerts=[alert()], boss=MemorySink([Refused("no such address")]), desk=MemorySink([Failed("away")] * 9))
    rig.run(lambda: len(roles) == 1 and roles[0].doings.failed == 2 and told(roles[0])["refused"] == 1)
    assert roles[0].doings.done == 0 and roles[0].doings.looked_s is not None
    assert told(roles[0]) == {"new": 0, "failing": 1, "refused": 1}


def told(role: Deliverer) -> dict:
    return dict(of_deliveries(role.deliveries)["deliveries"])


def test_a_notification_that_waits_is_new_until_it_was_tried() -> None:
    states = [(DeliveryState.WAITING, 0), (DeliveryState.WAITING, 2), (DeliveryState.DELIVERED, 1)]
    found = {str(at): SimpleNamespace(state=state, attempts=tries) for at, (state, tries) in enumerate(states)}
    assert of_deliveries(found) == {"deliveries": {"new": 1, "failing": 1, "refused": 0}}


@pytest.mark.parametrize(("made_s", "has_orders", "age"), [(100, True, 300.0), (100, False, None), (None, True, None)])
def test_a_plan_has_an_age_while_there_are_orders(made_s, has_orders, age) -> None:
    plan = None if made_s is None else SimpleNamespace(made_us=made_s * 1_000_000)
    clock = ManualClock(time_us=400_000_000)
    planner = SimpleNamespace(board=SimpleNamespace(plan=plan, has_orders=has_orders), now_us=clock.now_us())
    assert of_plans(planner) == ({} if age is None else {"plan_age_seconds": age})


def test_suggestions_that_wait_are_counted() -> None:
    tuners = {one: SimpleNamespace(open=one if one else None) for one in (0, 1, 2)}
    assert of_suggestions(SimpleNamespace(board=SimpleNamespace(tuners=tuners))) == {"suggestions_open": 2}


def test_roles_that_serve_metrics_are_all_but_the_console_which_has_its_own_port() -> None:
    assert {role.name for role in ROLES if role.port is not Port.METRICS} == {"console"}


def test_limits_of_alerts_are_those_of_the_roles() -> None:
    assert ALERTS["ForewarnRoleStuck"]["expr"].endswith(f"> {LOOKED_S:g}")
    assert ALERTS["ForewarnPlanOld"]["expr"].endswith(f"> {2 * ROLL_US // 1_000_000}")
