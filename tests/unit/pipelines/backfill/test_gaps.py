"""Gaps: where an asset said nothing for too long, whatever the order and the cut of its rows."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.backfill.gaps import Gaps
from pipelines.ports import Rows
from tests.kit import tiny

FROM_US, MINUTE_US = tiny.ROWS_BEGIN_US, 60_000_000
ASSETS = ("pump-01", "pump-02")
SPOKE_MIN = [0, 5, 9, 30, 31, 55, 100, 101]
"""A pump counts as heard for ten minutes."""


def rows(spoke: list[tuple[int, float]]) -> Rows:
    """By number of the asset and minute, in the order in which they came."""
    index = np.array([asset for asset, _ in spoke], np.int64)
    return Rows("pump", "tiny", ASSETS, index, np.array([at(minute) for _, minute in spoke], np.int64), {})


def at(minute: float) -> int:
    return FROM_US + round(minute * MINUTE_US)


def told(found) -> list[tuple[str, float, float]]:
    return sorted((asset, (begin - FROM_US) / MINUTE_US, (end - FROM_US) / MINUTE_US) for asset, begin, end in found)


WANTED = [(asset, *gap) for asset in ASSETS for gap in ((9, 30), (31, 55), (55, 100), (101, 120))]


def test_gaps_of_rows_in_order_are_told_as_they_end():
    gaps = Gaps(tiny.plant(), FROM_US)
    spoke = [(asset, minute) for asset in (0, 1) for minute in SPOKE_MIN]
    found = gaps.take([rows(spoke)], in_order=True)
    assert len(found) == 6
    assert told(found + gaps.finish(ASSETS, at(120))) == WANTED


@pytest.mark.parametrize("seed", range(20))
def test_gaps_of_a_log_are_the_same_in_any_order_and_cut(seed):
    random = np.random.default_rng(seed)
    spoke = [(asset, minute) for asset in (0, 1) for minute in (*SPOKE_MIN, -40, 5)]
    random.shuffle(spoke)
    gaps, left = Gaps(tiny.plant(), FROM_US), [tuple(each) for each in spoke]
    while left:
        size = int(random.integers(1, 6))
        batch, left = left[:size], left[size:]
        assert gaps.take([rows([(int(asset), int(minute)) for asset, minute in batch])], in_order=False) == []
        gaps = Gaps(tiny.plant(), FROM_US, gaps.last_us, gaps.held)  # as after a crash
    assert told(gaps.finish(ASSETS, at(120))) == WANTED
