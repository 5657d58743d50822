"""The demo's production: orders and a tariff for three days after its history, and the plan that is made of them.

Prices are a typical day's shape, invented; what they are is said where they are shown.
"""

from __future__ import annotations

import math
import subprocess
import sys
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from rich.console import Console

from connectors.kafka.plain import LogProducer
from models.records import Order, Plan, PlannedCare, Tariff, decode, encode, key_of
from pipelines.cli import environment
from pipelines.cli.demo_child import BUILD
from pipelines.cli.planned_chart import draw
from pipelines.settings import Settings
from pipelines.topics import Topic, named, partition_of

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
ORDERS, SEED = 24, 7
SECONDS = 6.0
"""Of the search: the demo is to be over soon."""
PRICES = (92, 86, 83, 80, 82, 95, 118, 141, 150, 128, 97, 71, 58, 52, 60, 84, 118, 162, 188, 171, 142, 121, 108, 98)
"""Money a MWh by hour: two peaks and a trough at noon, as solar power makes them. Invented."""
LONGEST_S = 60


class Planned(NamedTuple):
    """What the demo's plan came to; why there is none, where there is none."""

    plan: Plan | None
    why: str = ""

    @property
    def problem(self) -> str:
        """What is wrong with it, empty where nothing is."""
        if self.plan is None:
            return f"there is no plan: {self.why}"
        if self.plan.unplanned:
            return f"{len(self.plan.unplanned)} of {ORDERS} orders are not planned: {self.plan.unplanned[0].detail}"
        return ""


class Planning:
    """Orders and prices go onto their topics, and `forewarn plan` begins to plan as of a time, beside the rest."""

    def __init__(self, settings: Settings, plant: str, now_us: int) -> None:
        begin_us = now_us // (HOUR_US // 4) * (HOUR_US // 4)
        _send(settings, orders(plant, begin_us), tariff(plant, begin_us))
        command = [sys.executable, "-m", "pipelines.cli", "plan", "--once", "--json", "--seconds", str(SECONDS),
                   "--at", _written(now_us)]  # fmt: skip
        self._process = subprocess.Popen(
            command, env=environment(settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
        )

    def wait(self) -> Planned:
        """The plan, or why there is none."""
        try:
            said, wrong = self._process.communicate(timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return Planned(None, f"`forewarn plan` took over {LONGEST_S} s")
        (BUILD / "demo-plan.log").write_bytes(wrong)
        if self._process.returncode:
            return Planned(None, f"`forewarn plan` ended with {self._process.returncode}: see {BUILD}/demo-plan.log")
        made = decode(said)
        assert isinstance(made, Plan)
        draw(made, "UTC", BUILD / "plan.svg")
        return Planned(made)


def orders(plant: str, begin_us: int) -> list[Order]:
    """Batches that come over two days, each due about a day after it may begin."""
    random = np.random.default_rng(SEED)
    found = []
    for number in range(ORDERS):
        release_us = begin_us + int(random.uniform(0, 40)) * HOUR_US
        found.append(
            Order(
                plant=plant,
                order=f"B-{number + 1:03}",
                product=("raw", "soft")[int(random.integers(2))],
                units=int(random.integers(9, 28)) * 10,
                due_us=release_us + int(random.uniform(14, 30)) * HOUR_US,
                release_us=release_us,
                time_us=begin_us,
            )
        )
    return found


def tariff(plant: str, begin_us: int) -> Tariff:
    """Three days of prices by the hour, and a grid that is cleaner at noon."""
    first = begin_us // HOUR_US * HOUR_US
    hours = [(first // HOUR_US + at) % 24 for at in range(73)]
    price = [PRICES[hour] / 1000 for hour in hours]
    co2 = [round(0.15 - 0.05 * math.exp(-(((hour - 13) / 3.0) ** 2)), 4) for hour in hours]
    return Tariff(
        plant=plant,
        begin_us=first,
        step_min=60,
        price_per_kwh=price,
        co2_kg_per_kwh=co2,
        time_us=begin_us,
        source="demo",
    )


def lines(found: Planned) -> list[str]:
    """The plan for people."""
    plan = found.plan
    if plan is None:
        return []
    saving = plan.saving
    share = 100 * saving.kwh / plan.usual.kwh if plan.usual.kwh else 0.0
    gap = "" if plan.gap is None else f", at most {100 * plan.gap:.0f} % of its cost left to gain"
    out = [
        f"a plan of {ORDERS} batches on {len({job.asset for job in plan.jobs})} pumps for 72 h: {saving.kwh:,.0f} kWh "
        f"({share:.0f} %) less than the usual rule ({saving.kwh_low:,.0f} to {saving.kwh_high:,.0f}), cost "
        f"{saving.cost:,.2f} less of {plan.usual.energy_cost + plan.usual.demand_cost:,.2f}; "
        f"{plan.figures.late_orders} late, {plan.usual.late_orders} by the usual rule{gap}"
    ]
    for one in plan.care:
        out.append(_care(plan, one))
    return out


def _care(plan: Plan, one: PlannedCare) -> str:
    hours, left_h = ((at - one.begin_us) / HOUR_US for at in (plan.begin_us, one.deadline_us))
    when = "at once" if hours == 0 else f"in {-hours:.1f} h"
    due = f"{left_h:.0f} h before it must be" if left_h >= 0 else f"{-left_h:.0f} h after it should have been"
    return f"maintenance of {one.asset} for its warning {when}, {due}; chance that it fails before: {one.chance:.1%}"


def show(found: Planned, console: Console) -> None:
    """Print it."""
    for line in lines(found):
        console.print(line, highlight=False, soft_wrap=True)


def _send(settings: Settings, of: list[Order], prices: Tariff) -> None:
    with LogProducer(settings.cluster) as producer:
        for one in of:
            _put(producer, settings, Topic.ORDERS, key_of(one.plant, one.order), encode(one))
        _put(producer, settings, Topic.TARIFFS, key_of(prices.plant, str(prices.begin_us)), encode(prices))
        producer.flush()


def _put(producer: LogProducer, settings: Settings, topic: Topic, key: bytes, value: bytes) -> None:
    place = partition_of(key, settings.partitions)
    producer.send(named(settings.topic_prefix, topic), key, value, place)


def _written(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1e6, UTC).isoformat()
