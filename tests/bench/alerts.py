"""What delivery costs and keeps: matching, a storm, crashes, and a storm over a real Kafka: `make bench ONLY=alerts`.

A thousand subscriptions of all kinds over a plant of 2,000 machines at 8 sites with 5 areas each; a storm is 10,000
warnings of all machines within 10 s, each of its own failure mode, in no order of place. Matching is measured in
processor time a warning, with all that a first sight costs (cold) and again (warm). The storm is stepped in event time
for one who wants all of it, grouped by place as a subscription is by itself, and by machine; then it goes through the
role with ports in memory, whose log fails at every second thing it is to keep, and through `forewarn deliver` on Kafka
to a webhook receiver on the loopback that keeps its first posts waiting.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import structlog

from connectors.memory import ManualClock
from connectors.memory_delivery import (
    DeliveryShelf,
    MemoryActions,
    MemoryAlerts,
    MemoryDeliveryLog,
    MemorySink,
    MemoryWishes,
)
from infra.bin import services
from infra.bin.layout import Options
from models.delivery.dispatch import Answer, Dispatcher
from models.delivery.outcomes import Delivered
from models.delivery.plan import Plan
from models.delivery.reading import parse
from models.delivery.subscriptions import Match, Subscription
from models.plant import Plant
from models.plant import parse as parse_plant
from models.records import Alert, Notification
from pipelines.deliver.role import Deliverer
from tests.kit.bench import Row, report
from tests.kit.delivering import Delivering
from tests.kit.hooked import OK, Receiver
from tests.kit.warned import BEGIN_US, SECOND_US, alert

MACHINES, SITES, AREAS, WARNINGS, SUBSCRIPTIONS = 2000, 8, 5, 10_000, 1000
STORM_S = 10.0
TYPES = ("pump", "fan", "valve", "mill")
MATCH_MS, STORM_MOST = 1.0, 50
"""Asked for: under 1 ms a warning, at most 50 notifications."""
ALL = '[subscriptions.all]\nsink = "desk"\n'
BY_MACHINE = f'{ALL}group = {{ by = ["asset"] }}\n'
SLOW_S = 3.0


def plant_text() -> str:
    """Machines of four types, spread over sites and areas."""
    types = "\n".join(f'[types.{kind}.signals.oil_temp_degc]\nkind = "gauge"' for kind in TYPES)
    assets = "\n".join(
        f'[assets.m{at:04}]\ntype = "{TYPES[at % 4]}"\nsite = "site-{at % SITES}"\narea = "area-{at // SITES % AREAS}"'
        for at in range(MACHINES)
    )
    return f'plant = "north"\n{types}\n{assets}\n'


def subscriptions() -> dict[str, Subscription]:
    """A thousand, of every kind of match."""
    kinds: tuple[Callable[[int], Match], ...] = (
        lambda at: Match(site=(f"site-{at % SITES}",), severity=at % 900),
        lambda at: Match(asset=(f"m{at % MACHINES:04}", f"m{at * 7 % MACHINES:04}")),
        lambda at: Match(asset=(f"m{at % 20:02}*",), type=(TYPES[at % 4],)),
        lambda at: Match(area=(f"area-{at % AREAS}", "none"), mode=(f"mode-{at % 50}", "bearing*")),
        lambda at: Match(tag=("oil_*",), site=(f"*-{at % SITES}",), severity=at % 1000),
    )
    return {f"s{at:04}": Subscription(sink="desk", match=kinds[at % len(kinds)](at)) for at in range(SUBSCRIPTIONS)}


def storm() -> list[Alert]:
    """Warnings in the order in which they come."""
    draw = random.Random(7)
    found = [
        alert(f"m{at % MACHINES:04}", 0.0, f"mode-{at // MACHINES}", 100 + at * 37 % 900) for at in range(WARNINGS)
    ]
    draw.shuffle(found)
    return found


def matching(asked: Plant) -> list[Row]:
    """Milliseconds a warning, of the first pass and of another."""
    plan, warnings = Plan(asked, subscriptions()), storm()
    rows = []
    for name in ("cold", "warm"):
        took, hits = [], 0
        for one in warnings:
            begun = time.thread_time()
            hits += len(plan.wanted(one))
            took.append((time.thread_time() - begun) * 1000)
        figures = {"mean": statistics.mean(took), "99.9 %": sorted(took)[len(took) * 999 // 1000]}
        rows += [most(f"1,000 subscriptions, {name}, {of}", ms, "ms a warning", MATCH_MS) for of, ms in figures.items()]
    rows.append(Row(name="subscriptions that a warning is for", value=hits / len(warnings), unit="of 1,000"))
    return rows


def stepped(of: Plant, book: str, name: str) -> list[Row]:
    """The storm in event time, a step each 0.2 s until a minute after it."""
    dispatcher = Dispatcher(Plan(of, parse(book).subscriptions), ["desk"])
    warnings, sent, longest_s = storm(), list[Notification](), 0.0
    a_step = round(WARNINGS * 0.2 / STORM_S)
    for tick in range(round((STORM_S + 60) / 0.2)):
        now_us = BEGIN_US + round(tick * 0.2 * SECOND_US)
        begun = time.perf_counter()
        sends = dispatcher.step(warnings[tick * a_step : (tick + 1) * a_step], now_us).sends
        dispatcher.step([Answer(one.id, Delivered()) for one in sends], now_us)
        longest_s = max(longest_s, time.perf_counter() - begun)
        sent += sends
    return [*told(f"storm {name}", sent, warnings), Row(name=f"storm {name}, longest step", value=longest_s, unit="s")]


def most(name: str, value: float, unit: str, bar: float) -> Row:
    """A figure that may be no more than a bar."""
    return Row(name=name, value=value, unit=unit, bar=bar, at_most=True)


def told(name: str, sent: Iterable[Notification], warnings: list[Alert]) -> list[Row]:
    """Notifications, and warnings that none of them tells of."""
    by_id = {one.id: one for one in sent}
    mentioned = Counter(each.alert for one in by_id.values() for each in one.mentions)
    return [
        most(f"{name}, notifications", len(by_id), "of 10,000", STORM_MOST),
        most(f"{name}, missing", len(warnings) - len(mentioned), "warnings", 0),
        most(f"{name}, told twice", sum(mentioned.values()) - len(mentioned), "warnings", 0),
    ]


async def crashing(of: Plant) -> list[Row]:
    """The storm through the role, whose log fails in every fifth step; whoever comes next goes on."""
    shelf, sink, clock, warnings = DeliveryShelf(), MemorySink(), ManualClock(time_us=BEGIN_US), storm()
    shelf.warn(warnings)
    crashes = 0
    for _ in range(100):
        log = MemoryDeliveryLog(shelf, "north", crash_after=1)
        role = Deliverer(
            of, parse(ALL).subscriptions, {"desk": sink}, alerts=MemoryAlerts(shelf, most=700), log=log,
            wishes=MemoryWishes(shelf), actions=MemoryActions(), clock=clock,
        )  # fmt: skip
        running = asyncio.create_task(role.run())
        for _ in range(30):
            await asyncio.sleep(0)
            clock.advance(0.2)
        crashes += running.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    mentioned = {each.alert for one in sink.sent for each in one.mentions}
    ids, contents = {one.id for one in sink.sent}, {(one.id, repr(one)) for one in sink.sent}
    return [
        Row(name="crashing role, crashes", value=crashes, unit="", bar=5),
        most("crashing role, missing", len(warnings) - len(mentioned), "warnings", 0),
        most("crashing role, ids with two contents", len(contents) - len(ids), "ids", 0),
        Row(name="crashing role, doubles", value=len(sink.sent) - len(ids), unit="notifications with the same id"),
    ]


def over_kafka(of_file: str) -> list[Row]:
    """The storm through the command, to a receiver that keeps its first requests waiting."""

    def answer(number: int, _: object) -> tuple[int, dict[str, str]]:
        time.sleep(SLOW_S if number < 2 else 0)
        return OK  # type: ignore[return-value]

    with tempfile.TemporaryDirectory() as folder, Receiver(answer) as receiver:
        sink = f'[sinks.desk]\nkind = "webhook"\nurl = "{receiver.url}"\ntimeout_s = 2.0\n'
        with Delivering(Path(folder), sink + ALL + 'group = { wait = "5s", interval = "10s" }\n') as rig:
            (rig.folder / "plant.toml").write_text(of_file)
            rig.deliver()
            warnings = storm()
            began_s = time.monotonic()
            for at in range(10):
                rig.warn(warnings[at * 1000 : (at + 1) * 1000])
                time.sleep(max(0.0, began_s + at + 1 - time.monotonic()))
            rig.wait(lambda: not left(receiver, warnings), 120)
            took_s = time.monotonic() - began_s
            rig.wait(lambda: all(one.done_us for one in rig.deliveries()), 60)
        ids = [one.headers["Idempotency-Key"] for one in receiver.requests]
        missing = left(receiver, warnings)
    return [
        most("over Kafka, notifications", len(set(ids)), "of 10,000", STORM_MOST),
        most("over Kafka, missing", missing, "warnings", 0),
        Row(name="over Kafka, from the first warning to the last told", value=took_s, unit="s"),
        Row(name="over Kafka, doubles to a receiver that was slow", value=len(ids) - len(set(ids)), unit="posts"),
    ]


def left(receiver: Receiver, warnings: list[Alert]) -> int:
    """Warnings that the receiver was not told of."""
    return len(warnings) - len({each["alert"] for one in receiver.requests for each in one.event["data"]["mentions"]})


def main() -> None:
    """All of it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    of = parse_plant(plant_text())
    rows = matching(of)
    rows += stepped(of, ALL, "by place") + stepped(of, BY_MACHINE, "by machine")
    rows += asyncio.run(crashing(of))
    with tempfile.TemporaryDirectory() as instances:
        options = Options(instance="alerts", only="kafka", instances=Path(instances), kafka_port=29192)
        started = services.up(options)
        assert started.kafka
        try:
            os.environ["FOREWARN_TEST_KAFKA"] = started.kafka.bootstrap
            rows += over_kafka(plant_text())
        finally:
            services.down(options)
    report("alerts", rows)


if __name__ == "__main__":
    main()
