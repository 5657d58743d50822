"""Chances in bins: what was said, what came, and how many of the rows are independent, by numbers made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from models.alerting.hindsight import HOUR_US, Past
from models.alerting.precision import precision
from models.alerting.reliability import EDGES, EMPTY, Bin, added, bins_of
from models.alerting.versus import came_of

HORIZON_H = 72


def past(chance: np.ndarray, failures_h: tuple[float, ...] = (), repairs_h: tuple[float, ...] = ()) -> Past:
    """Hourly rows from hour 1 on, of which hour 72 is a calendar's edge of quiet spells."""
    return Past(
        window_end_us=np.arange(1, len(chance) + 1) * HOUR_US,
        chance=chance,
        failures_us=np.array([round(h * HOUR_US) for h in failures_h], np.int64),
        repairs_us=np.array([round(h * HOUR_US) for h in repairs_h], np.int64),
        weeks=len(chance) / 168,
        to_us=len(chance) * HOUR_US,
    )


def binned(of: Past) -> dict[float, Bin]:
    """By the low edge, those that have rows."""
    return {one.low: one for one in bins_of(of, *came_of(of)) if one.rows}


def test_rows_before_one_failure_are_one_spell_and_quiet_ones_are_one_for_each_72_h():
    chance = np.full(300, 0.05)
    chance[150:200] = 0.6
    found = binned(past(chance, failures_h=(200.0,), repairs_h=(201.0,)))
    # Hours 151 to 199 are before the failure at 200; the row at 200 is not, and is hidden by the repair at 201.
    assert found[0.5] == Bin(0.5, 0.7, rows=49, said=pytest.approx(49 * 0.6), came=49, failures=1, spells=1)
    # Quiet are hours 1 to 127, of two spells of 72 h, and 202 to 228, of two more; 128 to 150 are before the failure.
    assert found[0.03] == Bin(
        0.03, 0.1, rows=127 + 27 + 23, said=pytest.approx(177 * 0.05), came=23, failures=1, spells=5
    )


def test_a_bin_has_its_low_edge_and_the_last_one_has_1():
    chance = np.tile([0.0, 0.1, 0.2, 0.9, 1.0], 40)
    found = binned(past(chance))
    known = 200 - HORIZON_H
    assert [(one.low, one.high) for one in found.values()] == [(0.0, 0.01), (0.1, 0.2), (0.2, 0.3), (0.9, 1.0)]
    assert sum(one.rows for one in found.values()) == known
    assert found[0.9].said == pytest.approx(found[0.9].rows / 2 * 1.9, abs=1.0)


def test_the_interval_is_wilsons_over_spells_and_not_over_rows():
    one = Bin(0.1, 0.2, rows=4000, said=600.0, came=1000, failures=3, spells=20)
    assert one.mean == pytest.approx(0.15)
    assert one.share == precision(5, 20)
    assert one.share.high - one.share.low > 4 * (precision(1000, 4000).high - precision(1000, 4000).low)


def test_a_bin_without_rows_says_nothing():
    assert (EMPTY[0].mean, EMPTY[0].share) == (None, None)


def test_machines_add_up():
    one = bins_of(past(np.full(200, 0.05)), *came_of(past(np.full(200, 0.05))))
    whole = added([one, one])
    assert [bin_[2:] for bin_ in whole] == [tuple(2 * count for count in bin_[2:]) for bin_ in one]
    assert added([]) == EMPTY and len(EMPTY) == len(EDGES) - 1
