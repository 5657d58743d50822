"""What forecasts and warnings of a worker say beside their chances, and where they say nothing of the kind."""

from __future__ import annotations

import pytest

from models.records import Alert, AlertReason, Forecast
from tests.kit import tiny
from tests.unit.pipelines.test_plant_change import Log as Said
from tests.unit.pipelines.test_time import Log as Forecasts
from tests.unit.pipelines.test_time import frame, tick

MODES = ("seal", "bearing", "impeller")


def minutes(*pressures: float):
    """A tick and a row a minute."""
    return [record for minute, bar in enumerate(pressures) for record in (tick(minute), frame(minute, bar))]


def opening(hazard, *pressures: float) -> tuple[Alert, Forecast]:
    """The warning as it opened, and the forecast of its minute."""
    log = Said(models=tiny.models() | {"tiny": hazard}).take(tick(0), *minutes(*pressures), tick(len(pressures) + 2))
    (opened,) = [one for one in log.said if isinstance(one, Alert) and one.reason is AlertReason.OPENED]
    return opened, [one for one in log.forecasts if one.window_end_us == opened.window_end_us][-1]


def forecasts(hazard, *pressures: float) -> list[Forecast]:
    return Forecasts(hazard).take(tick(0), *minutes(*pressures), tick(len(pressures))).forecasts


RISING = (1.0, 4.0, 1.0, *(24.0,) * 8)
"""Pressures in bar: the small hazard's chance within 168 h goes from 1 % to some 23 %."""


@pytest.mark.parametrize("limit", [0.1, 0.3, 0.35])
def test_modes_are_told_from_where_a_hazard_that_holds_would_not_clear_by_its_longest_horizon(limit):
    said = forecasts(tiny.hazard(limit, modes=MODES), *RISING)
    assert [bool(one.modes) for one in said] == [one.chances[-1] >= 0.6 * limit for one in said]
    assert {bool(one.modes) for one in said} == {False, True}


def test_a_warning_says_the_modes_that_its_hazard_holds_likely_and_is_still_of_any():
    (opened, forecast) = opening(tiny.hazard(0.1, modes=MODES), *RISING)
    assert {one.mode for one in opened.modes} == {"bearing", "seal"}
    assert (opened.modes, opened.mode) == (forecast.modes, "any")


def test_a_model_without_modes_tells_none():
    assert all(said.modes == () for said in forecasts(tiny.hazard(0.5), *RISING))
