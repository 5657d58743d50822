"""What a live partition says by groups of features: whose usual, what is missing, work on components as it is told."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from models.bins import MINUTE_US
from models.features import Groups
from models.plant import parse
from models.records import (
    AnyInput,
    Confidence,
    Forecast,
    Frame,
    Maintenance,
    MaintenanceAction,
    Tick,
    Whose,
    decode,
)
from pipelines.driver import Driver
from pipelines.partition import Partition
from tests.kit import changes, grouped
from tests.kit.streams import START_US

HOUR = 60
SPEC = grouped.SPEC


class Log:
    """A partition of the plant with a model of all groups, and what it published and was asked about."""

    def __init__(self, failures: int = 0) -> None:
        self.hazard = grouped.hazard(failures=failures, limit=0.01)
        self.partition = Partition(grouped.plant(), grouped.models() | {"grouped": self.hazard})
        self.driver, self.said = Driver([self.partition], batch=1), []

    def take(self, *records: AnyInput) -> Log:
        for _, effects in self.driver.feed(records):
            self.said += [decode(output.value) for output in effects.outputs]
        return self

    def steady(self, first: int, last: int, every: int = 1) -> Log:
        return self.take(*(record for minute in range(first, last, every) for record in (tick(minute), frame(minute))))

    def forecast(self, minute: int) -> Forecast:
        """The last that was said of the minute that ends then."""
        found = [f for f in self.said if isinstance(f, Forecast) and f.window_end_us == at(minute)]
        return found[-1]


def at(minute: float) -> int:
    return START_US + int(minute * MINUTE_US)


def tick(minute: float) -> Tick:
    return Tick(plant="tiny", time_us=at(minute))


def frame(minute: float, asset: str = "pump-01") -> Frame:
    signals: dict[str, list] = {"pressure_bar": [5.0 + minute % 7 / 10], "temp_degc": [61.0 + minute % 5 / 10]}
    return Frame(plant="tiny", asset=asset, source="test", times_us=[at(minute)], signals=signals)


def repaired(minute: float, mode: str = "BRD") -> Maintenance:
    return Maintenance(plant="tiny", asset="pump-01", time_us=at(minute), action=MaintenanceAction.REPAIRED, mode=mode)


@pytest.fixture(scope="module")
def two_days() -> Log:
    return Log(failures=20).steady(0, 48 * HOUR, every=10)


def test_a_machine_says_whose_usual_it_is_held_against_and_is_less_sure_until_it_is_its_own(two_days):
    young, old = two_days.forecast(20 * HOUR + 1), two_days.forecast(40 * HOUR + 1)
    assert (young.baseline, young.confidence) == (Whose.FLEET, Confidence.MEDIUM)
    assert (old.baseline, old.confidence) == (Whose.OWN, Confidence.HIGH)
    alerts = [alert for alert in two_days.said if hasattr(alert, "evidence")]
    assert alerts[0].confidence is Confidence.MEDIUM, "a warning of the first day is as sure as what it rests on"


def test_what_is_missing_is_said_and_no_more_once_it_is_there(two_days):
    assert two_days.forecast(1).missing == ("pressure_bar", "temp_degc", "product", "bearing", "seal")
    assert two_days.forecast(20 * HOUR + 1).missing == ("product", "bearing", "seal")
    log = Log().steady(0, 60).take(repaired(60)).steady(60, 120)
    assert "bearing" in log.forecast(60).missing and "bearing" not in log.forecast(70).missing


def ages(log: Log, *minutes: int) -> list[float]:
    """Hours since maintenance of the bearing by the entries of minutes that can still change."""
    entries = log.partition.state.blocks["pump"].small.entries[0]
    column = SPEC.column("bearing.since_maintenance_h")
    rows = [np.frombuffer(entries[at(minute) // MINUTE_US - 1].features, np.float32) for minute in minutes]
    return [round(float(row[column]) * 60, 3) for row in rows]


def test_a_work_order_counts_by_its_date_and_only_from_when_it_was_told():
    log = Log().steady(0, 100).take(grouped.order("pump-01", "BRD", at(40))).steady(100, 104)
    assert ages(log, 102, 103) == [62.0, 63.0]
    assert "bearing" in log.forecast(96).missing, "what was final did not know of it"
    assert "bearing" not in log.forecast(98).missing and log.forecast(98).revision == 1
    assert log.forecast(97).revision == 0, "it ends a lateness before the order came"


def test_a_work_order_of_a_minute_ago_counts_from_its_date():
    log = Log().steady(0, 100).take(grouped.order("pump-01", "bearing", at(97.5))).steady(100, 101)
    assert ages(log, 99, 100) == [1.5, 2.5]
    assert "bearing" in log.forecast(97).missing


def test_a_date_that_lies_ahead_counts_once_it_has_come():
    log = Log().steady(0, 10).take(grouped.order("pump-01", "BRD", at(30))).steady(10, 40)
    assert "bearing" in log.forecast(30).missing and "bearing" not in log.forecast(31).missing


@pytest.mark.parametrize("mode", ["", "OHE", "ELP"])
def test_work_that_names_no_component_or_another_says_nothing_of_it(mode):
    log = Log().steady(0, 10).take(grouped.order("pump-01", mode, at(5))).steady(10, 20)
    assert "bearing" in log.forecast(19).missing
    assert ("seal" in log.forecast(19).missing) is (mode != "ELP")


def test_a_repair_is_work_on_the_component_that_it_names_and_a_failure_is_not():
    failed = replace(repaired(10), action=MaintenanceAction.FAILED)
    log = Log().steady(0, 10).take(failed).steady(10, 20)
    assert "bearing" in log.forecast(19).missing
    assert ages(log.take(repaired(20)).steady(20, 30), 29) == [9.0]


def test_the_same_order_twice_says_nothing_more():
    once = Log().steady(0, 100).take(grouped.order("pump-01", "BRD", at(40))).steady(100, 110)
    twice = Log().steady(0, 100).take(*[grouped.order("pump-01", "BRD", at(40))] * 2).steady(100, 110)
    assert once.said == twice.said


def test_what_was_done_to_components_stays_when_the_plant_changes_and_the_model_with_it():
    log = Log().steady(0, 20).take(grouped.order("pump-01", "BRD", at(15))).steady(20, 22)
    changed = parse(grouped.TOML.replace('alarms = ["E1", "E2"]', 'alarms = ["E1", "E2", "E3"]'))
    log.take(changes.change(changed)).steady(22, 26)
    assert ages(log, 25) == [10.0]
    gear = parse(grouped.TOML.replace('[assets.pump-01]\ntype = "pump"', '[assets.pump-01]\ntype = "gear"'))
    log.take(changes.change(gear))
    assert log.partition.state.blocks["gear"].small.serviced[0] == {"bearing": [(at(17), at(15))]}


def test_a_type_without_components_keeps_no_works():
    log = Log().take(frame(0, "mixer-01"), grouped.order("mixer-01", "BRD", at(0)))
    assert not log.partition.state.blocks["mixer"].small.serviced


def test_groups_of_a_type_are_what_its_plant_file_tells():
    assert Groups.of(grouped.plant().types["pump"]) == Groups(
        counted=("error", "error:E1", "error:E2"), components=("bearing", "seal"), product="product"
    )
    assert Groups.of(grouped.plant().types["mixer"]) == Groups()
