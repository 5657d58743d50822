"""Warnings over whole series are those of the life cycle, stepped through row by row."""

from __future__ import annotations

import numpy as np
import pytest

from models.alerting.episodes import OPEN_AT_THE_END, Series, episodes
from models.alerting.life import CLEAR_AFTER, CLEAR_SHARE, OPEN_AFTER, Threshold, Watch, step
from models.records import AlertReason


def row_by_row(asset: np.ndarray, since_us: np.ndarray, chance: np.ndarray, limit: float) -> list[tuple[int, int]]:
    """Rows at which the life cycle opens and ends warnings, stepped through as live does; a repair ends them."""
    found, watch, before = [], Watch(), None
    for row, (of, since, said) in enumerate(zip(asset.tolist(), since_us.tolist(), chance.tolist(), strict=True)):
        if before != (of, since):
            if watch.holds and before is not None and before[0] == of:
                found[-1] = (found[-1][0], row)
            watch, before = Watch(), (of, since)
        watch, reason = step(watch, (0.0, 0.0, 0.0, said, said, said), Threshold(limit))
        if reason is AlertReason.OPENED:
            found.append((row, OPEN_AT_THE_END))
        elif reason is AlertReason.CLEARED:
            found[-1] = (found[-1][0], row)
    return found


def wandering(seed: int, rows: int = 6000, machines: int = 4, lives: int = 40):
    """Chances that stay low, between or high for a while, machines and lives that change anywhere."""
    random = np.random.default_rng(seed)
    lengths = random.choice([1, 2, 3, 4, 5, 58, 59, 60, 61, 62, 63, 200], size=rows)
    chance = np.repeat(random.choice([0.1, 0.4, 0.6], size=rows), lengths)[:rows]
    cuts = np.sort(random.integers(rows, size=lives))
    asset = np.searchsorted(np.sort(random.integers(rows, size=machines)), np.arange(rows))
    return asset, np.searchsorted(cuts, np.arange(rows), side="right") * 1000, chance


def pairs(series, threshold: Threshold) -> list[tuple[int, int]]:
    found = episodes(Series(*series), threshold)
    return list(zip(found.opened.tolist(), found.ended.tolist(), strict=True))


@pytest.mark.parametrize("seed", range(30))
def test_warnings_over_series_are_those_of_the_life_cycle_row_by_row(seed):
    series = wandering(seed)
    found = pairs(series, Threshold(0.5))
    assert found == row_by_row(*series, limit=0.5)
    assert len(found) > 5


def by_counting(asset: np.ndarray, since_us: np.ndarray, chance: np.ndarray, th: Threshold) -> list[tuple[int, int]]:
    """The rule in words, for any threshold: so many in a row over it open, so many well under it clear."""
    found, is_open, in_a_row, before = [], False, 0, None
    for row, (of, since, said) in enumerate(zip(asset.tolist(), since_us.tolist(), chance.tolist(), strict=True)):
        reads = "over" if said >= th.limit else "under" if said < th.clear_share * th.limit else "between"
        repaired = before is not None and before[0] == of and before[1] != since
        in_a_row = in_a_row + 1 if before == (of, since, reads) else 1
        if is_open and before[0] == of and (repaired or (reads == "under" and in_a_row >= th.clear_after)):
            found[-1], is_open = (found[-1][0], row), False
        elif is_open and before[0] != of:
            is_open = False
        if not is_open and reads == "over" and in_a_row >= th.open_after:
            found, is_open = [*found, (row, OPEN_AT_THE_END)], True
        before = of, since, reads
    return found


@pytest.mark.parametrize("open_after", [1, 2, 30])
@pytest.mark.parametrize("clear", [(1, 0.9), (61, 0.6), (62, 0.2)])
def test_they_are_those_of_any_other_persistence_and_hysteresis(open_after, clear):
    threshold = Threshold(0.5, open_after, *clear)
    series = [wandering(seed) for seed in range(5)]
    assert [pairs(one, threshold) for one in series] == [by_counting(*one, threshold) for one in series]
    assert any(pairs(one, threshold) for one in series)


def test_no_rows_have_no_warnings():
    nothing = np.zeros(0)
    assert pairs((nothing, nothing, nothing), Threshold(0.5)) == []


def test_a_threshold_that_says_no_more_than_a_limit_is_that_of_the_life_cycle():
    assert Threshold(0.5)[1:] == (OPEN_AFTER, CLEAR_AFTER, CLEAR_SHARE)
