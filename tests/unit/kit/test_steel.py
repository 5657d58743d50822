"""The real meter of the load benchmark: a year in order, and why its tariff is not known ahead."""

from __future__ import annotations

import numpy as np
import pytest

from models.energy.wall import DAY_STEPS
from tests.kit import steel
from tests.kit.public import why_not

needs_data = pytest.mark.skipif(not steel.path().exists(), reason=why_not(steel.path()))


@needs_data
def test_a_year_is_there_without_a_gap_and_begins_at_midnight_in_seoul():
    found = steel.series()
    assert len(found.kw) == steel.DAYS * DAY_STEPS and not np.isnan(found.kw).any()
    assert found.begin_us == 1_514_732_400_000_000 and found.kw[:2].tolist() == [12.68, 16.0]


@needs_data
def test_the_tariff_is_light_throughout_on_days_that_no_calendar_tells():
    light = (steel.with_tariff().ahead["tariff"].values.reshape(-1, DAY_STEPS) == 0.0).all(axis=1)
    weekdays = np.flatnonzero(light) % 7  # 2018-01-01 was a Monday
    assert [int((weekdays == 6).sum()), int((weekdays == 5).sum()), int((weekdays < 5).sum())] == [35, 14, 13]
    daily_kwh = steel.series().kw.reshape(-1, DAY_STEPS).sum(axis=1) / 4
    assert np.median(daily_kwh[light]) < 0.15 * np.median(daily_kwh[~light])
