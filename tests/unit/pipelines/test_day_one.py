"""Day one: a plant file with three tags a pump and a template, no history and no model. All of it is simulated."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from connectors.scada import simulator
from connectors.scada.simulator import START_US
from models.physics.fleet import FleetSpec
from models.physics.wear import WearLaw
from models.plant import parse
from models.records import Alert, AlertReason, AnyInput, Confidence, Frame, Maintenance, MaintenanceAction, Rung, decode
from pipelines.cli.outcome import HOUR_US, judge
from pipelines.driver import Driver
from pipelines.partition import Partition

PUMPS, DAYS = 12, 8
TAGS = ("speed_rpm", "radial_bearing_temp_degc", "thrust_bearing_temp_degc")
TEMPERATURE = """
[types.pump.signals.{name}]
kind = "gauge"
unit = "degC"
max_silence = "30min"
range = [-40, 200]
stuck_after = "2h"
max_step = 6
"""
PLANT = (
    """
plant = "day-one"
[types.pump.operating]
signal = "speed_rpm"
running_above = 1200
off_below = 60
hysteresis = 20
settle = "2h"
[types.pump.signals.speed_rpm]
kind = "gauge"
unit = "rpm"
max_silence = "30min"
range = [0, 4500]
[[types.pump.templates]]
template = "bearing-temperature"
group = "pump"
signals = { radial = "radial_bearing_temp_degc", thrust = "thrust_bearing_temp_degc" }
"""
    + "".join(TEMPERATURE.format(name=name) for name in TAGS[1:])
    + "".join(f'[assets.pump-{number:02}]\ntype = "pump"\n' for number in range(1, PUMPS + 1))
)
WORN = WearLaw(first_life_used=(0.3, 0.97), part_weights=(0.0, 1.0, 1.0))
"""Pumps of all ages, of which bearings wear out: an impeller's wear is in the flow, which none of the tags tells."""
NEW = WearLaw(first_life_used=(0.0, 0.3))


class Week:
    """What a partition said of a first week."""

    def __init__(self, folder: Path, seed: int, wear: WearLaw) -> None:
        spec = FleetSpec(n_pumps=PUMPS, days=DAYS, wear=wear, start_us=START_US)
        told = simulator.records(simulator.simulate(spec, seed, folder), "day-one")
        records = [kept for record in told if (kept := of_tags(record)) is not None]
        self.alerts: list[Alert] = []
        for _, effects in Driver([Partition(parse(PLANT), {})], batch=5000).feed(records):
            said = (decode(output.value) for output in effects.outputs)
            self.alerts += [one for one in said if isinstance(one, Alert)]
        done = [record for record in records if isinstance(record, Maintenance)]
        failures = [(r.asset, r.time_us, r.mode) for r in done if r.action is MaintenanceAction.FAILED]
        repairs = [(r.asset, r.time_us) for r in done if r.action is MaintenanceAction.REPAIRED]
        self.outcome = judge(failures, self.alerts, START_US + DAYS * 24 * HOUR_US, PUMPS * DAYS * 24, repairs)

    @property
    def opened(self) -> Counter[str]:
        """Warnings that opened, by machine."""
        return Counter(one.asset for one in self.alerts if one.reason is AlertReason.OPENED)


def of_tags(record: AnyInput) -> AnyInput | None:
    """The record with what the three tags tell; None of a frame that has nothing of it."""
    if not isinstance(record, Frame):
        return record
    kept = replace(
        record,
        signals={name: column for name, column in record.signals.items() if name in TAGS},
        quality={name: column for name, column in record.quality.items() if name in TAGS},
    )
    return kept if kept.signals else None


@pytest.fixture(scope="module")
def weeks(tmp_path_factory) -> list[Week]:
    folder = tmp_path_factory.mktemp("histories")
    return [Week(folder, seed, WORN) for seed in (41, 42, 43)]


def test_bearings_that_fail_in_the_first_week_are_warned_of_a_day_before(weeks):
    failures = [failure for week in weeks for failure in week.outcome.failures]
    assert len(failures) >= 5
    in_time = [failure for failure in failures if (failure.lead_h or 0) >= 24]
    assert len(in_time) >= 0.8 * len(failures)


def test_the_first_week_brings_no_flood(weeks):
    assert max(most for week in weeks for most in week.opened.values()) <= 2
    assert max(sum(week.opened.values()) for week in weeks) <= PUMPS


def test_what_is_said_rests_on_rules_that_nobody_confirmed_and_shows_no_chance(weeks):
    alerts = [alert for week in weeks for alert in week.alerts]
    assert {(one.rung, one.confidence, one.chances) for one in alerts} == {(Rung.RULES, Confidence.LOW, ())}


def test_new_pumps_with_faulty_sensors_raise_nothing(tmp_path):
    assert Week(tmp_path, 44, NEW).alerts == []
