"""Plans on real servers: orders and prices by the command line, the role as a process, rows of machines in InfluxDB."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.kafka.plain import LogProducer, read
from models.records import (
    EnergyProfile,
    Maintenance,
    MaintenanceAction,
    Plan,
    PlanReason,
    decode,
    encode,
    frame,
    key_of,
)
from pipelines.cli import environment
from pipelines.topics import Topic, named, partition_of
from tests.kit.installation import ROOT, Installation
from tests.kit.production import FOLDER, HOUR_US, MONDAY_US, order, tariff, warning
from tests.kit.rows import shift_of_a_press

pytestmark = pytest.mark.servers
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def shop(servers, tmp_path_factory) -> Iterator[Installation]:
    with Installation(tmp_path_factory.mktemp("plan"), plant=(FOLDER / "plant.toml").read_text()) as made:
        yield made


def ran(shop: Installation, *arguments: str) -> Any:
    """What a `forewarn` command prints as JSON."""
    command = [sys.executable, "-m", "pipelines.cli", *arguments, "--json"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(shop.settings), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def records(shop: Installation, topic: Topic, kind: type) -> list[Any]:
    found = read(shop.settings.kafka, named(shop.settings.topic_prefix, topic))
    return [one for record in found if isinstance(one := decode(record.value or b""), kind)]


def put(shop: Installation, topic: Topic, key: bytes, record: Any) -> None:
    with LogProducer(shop.settings.kafka) as producer:
        place = partition_of(key, shop.settings.partitions)
        producer.send(named(shop.settings.topic_prefix, topic), key, encode(record), place)
        producer.flush()


def until(shop: Installation, topic: Topic, kind: type, fits) -> Any:
    given_up = time.monotonic() + PATIENCE_S
    while True:
        found = [one for one in records(shop, topic, kind) if fits(one)]
        if found:
            return found[-1]
        assert time.monotonic() < given_up, [(one.reason, one.care) for one in records(shop, Topic.PLANS, Plan)]
        time.sleep(0.5)


def test_orders_and_prices_of_files_are_planned_by_one_command(shop):
    assert ran(shop, "orders", "put", str(FOLDER / "orders.csv"))["orders"] == 10
    assert ran(shop, "tariffs", "put", str(FOLDER / "prices.csv"), "--source", "test")["step_min"] == 60
    assert len(ran(shop, "orders", "list")) == 10
    made = ran(shop, "plan", "--once", "--seconds", "1", "--dry", "--at", "2099-01-01T00:00Z")
    assert made["type"] == "plan"
    assert records(shop, Topic.PLANS, Plan) == []


def test_the_newest_plan_is_shown_and_drawn(shop, tmp_path):
    ran(shop, "plan", "--once", "--seconds", "1")
    assert ran(shop, "plans", "show")["type"] == "plan"
    command = [sys.executable, "-m", "pipelines.cli", "plans", "chart", str(tmp_path / "plan.svg")]
    subprocess.run(command, cwd=ROOT, env=environment(shop.settings), check=True, timeout=60)
    assert "press-1" in (tmp_path / "plan.svg").read_text()


@pytest.fixture
def replayed(servers, tmp_path) -> Iterator[Installation]:
    """A shop whose last word was said on a Monday of the past: its time is that Monday's."""
    with Installation(tmp_path, plant=(FOLDER / "plant.toml").read_text()) as made:
        yield made


def test_the_role_plans_at_orders_warnings_and_breakdowns_and_learns_what_machines_take(replayed):
    shop = replayed
    for number in range(6):
        one = order(f"o-{number}", due_h=20 + number)
        put(shop, Topic.ORDERS, key_of("moulding", one.order), one)
    week = shift_of_a_press("press-1", MONDAY_US - 7 * 24 * HOUR_US)
    worker = shop.worker_at_work()
    of_day = [week.slice(at, 1440) for at in range(0, len(week), 1440)]
    shop.send([
        frame("moulding", "press-1", "plc", day["time_us"].to_list(), {
            name: day[name].to_list() for name in ("power_kw", "parts", "product")
        })
        for day in of_day
    ])  # fmt: skip
    shop.finish()
    role = shop.worker(program=("pipelines.cli", "plan", "--seconds", "1"))
    first = until(shop, Topic.PLANS, Plan, lambda one: one.reason is PlanReason.FIRST or one.jobs)
    assert len({job.order for job in first.jobs}) == 6
    learned = until(shop, Topic.ENERGY, EnergyProfile, lambda one: one.asset == "press-1")
    assert learned.products[0].product == "cover"
    put(shop, Topic.ALERTS, key_of("moulding", "press-2"), warning("press-2"))
    cared = until(shop, Topic.PLANS, Plan, lambda one: one.care)
    assert cared.care[0].alert == "warning-press-2"
    failed = Maintenance(
        plant="moulding", asset="press-3", time_us=MONDAY_US, action=MaintenanceAction.FAILED, mode="seal-leak"
    )
    shop.send([failed])
    broken = until(shop, Topic.PLANS, Plan, lambda one: one.reason is PlanReason.BREAKDOWN)
    assert "press-3" not in {job.asset for job in broken.jobs}
    put(shop, Topic.TARIFFS, b"moulding/1", tariff([0.2] * 72, time_us=MONDAY_US + HOUR_US))
    until(shop, Topic.PLANS, Plan, lambda one: one.reason is PlanReason.PRICES)
    for process in (role, worker):
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
