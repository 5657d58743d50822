"""Rungs alone on azure_pdm: when they hold, and that a machine's limits are of other machines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from msgspec.structs import replace

from models.records import Alert, AlertReason, Rung
from tests.kit import azure, azure_rungs
from tests.kit.azure_rungs import BEGIN_US, HOUR_US, held
from tests.kit.runs import by_rules
from tests.unit.kit.test_quality import HOURS, made

FOLDS = tuple(tuple(range(at, azure.MACHINES, 5)) for at in range(5))


@pytest.fixture(autouse=True)
def fleet(monkeypatch: pytest.MonkeyPatch) -> Iterator[azure.Fleet]:
    found = made()
    monkeypatch.setattr(azure, "fleet", lambda: found)
    azure_rungs.features.cache_clear()
    yield found
    azure_rungs.features.cache_clear()


def told(machine: int, *revisions: tuple[int, AlertReason]) -> list[Alert]:
    """A case of rules, its revisions at the first minute of these hours."""
    (alert,) = by_rules(f"machine-{machine:02}", 0)
    return [
        replace(alert, revision=at, reason=reason, window_end_us=BEGIN_US + hour * HOUR_US + 60_000_000)
        for at, (hour, reason) in enumerate(revisions)
    ]


def rows(alerts: list[Alert], machine: int) -> list[int]:
    found = held(alerts, lambda one: one.rung is Rung.RULES).reshape(azure.MACHINES, HOURS)
    assert found.sum() == found[machine].sum()
    return np.flatnonzero(found[machine]).tolist()


@pytest.mark.parametrize("end", [AlertReason.CLEARED, AlertReason.REPAIRED])
def test_a_rung_holds_from_the_reading_that_brought_it_about_to_the_end_of_its_evidence(end: AlertReason) -> None:
    case = told(2, (10, AlertReason.OPENED), (12, AlertReason.RAISED), (20, end))
    assert rows(case, 2) == list(range(10, 20))


def test_a_case_that_is_open_at_the_end_holds_to_the_end() -> None:
    assert rows(told(0, (190, AlertReason.OPENED)), 0) == list(range(190, HOURS))


def test_what_another_rung_says_of_a_case_does_not_count() -> None:
    assert not held(told(0, (190, AlertReason.OPENED)), lambda one: one.rung is Rung.HEALTH).any()


def test_limits_are_of_the_machines_that_are_not_judged(fleet: azure.Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [azure_rungs.limits_of(fold) for fold in FOLDS[:2]]
    readings = fleet.readings.copy()
    readings[list(FOLDS[0])] *= 3.0
    monkeypatch.setattr(azure, "fleet", lambda: fleet._replace(readings=readings))
    azure_rungs.features.cache_clear()
    assert azure_rungs.limits_of(FOLDS[0]) == before[0]
    assert azure_rungs.limits_of(FOLDS[1]) != before[1]


def test_limits_lie_on_the_side_on_which_a_signal_gets_worse() -> None:
    for signal, (warning, alarm) in azure_rungs.limits_of(FOLDS[0]).items():
        assert (alarm < warning < 100.0) if signal in azure.FALLS else (100.0 < warning < alarm)
