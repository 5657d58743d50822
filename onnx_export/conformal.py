"""Levels of a forecast's distribution between which 90 % of failures come, by split conformal over lives.

What is counted: rows at or over a chance within the last horizon, of machines that the model did not learn from, each
life with the same weight however long it is. Of a row that fails within the last horizon the level is that at its
failure. One that is known to outlive the horizon is covered where the interval has no end, and missed where it has one.
Left out is a row whose outcome the history does not show that far, and every row within the last horizon of the
history's end, also where a failure came: else early failures would count and late ones not. A repair before a failure
hides what would have come: such rows are left out, which is fair where nobody repairs by the forecast.

Source: R. Dunn, L. Wasserman, A. Ramdas, Distribution-free prediction sets for two-layer hierarchical models, JASA 118
(2023) 2491-2502, pooling the groups' distributions. That is asymptotic in the number of lives, so what was covered on
others is measured, and told beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from models.alerting.life import CLEAR_SHARE
from models.failure.hazard import ENOUGH_FAILURES
from models.failure.interval import COVERED, LAST_H, MEDIAN, Levels, covers, ends, within
from onnx_export.episodes import Replay
from onnx_export.history import HOUR_US

DECIMALS = 4
TAIL = (1.0 - COVERED) / 2
HIGH_LEVELS = tuple(round(0.01 * step, 2) for step in range(51, 100))
"""That are tried for the upper end, the least that serves is taken: finer steps differ by less than lives do."""
LOW_MOST = MEDIAN - 10.0**-DECIMALS
"""A lower end lies before the median."""
DRAWS = 2000
"""Of a bootstrap over lives: its 95 % limits then move by under half a percent from draw to draw."""
SEED = 20261126


class TooFewFailures(ValueError):
    """Nothing is said of time to failure, since too little is known; the message says how little."""


class Rows(NamedTuple):
    """Forecasts with what came: chances [rows, horizons], hours to failure, and the life that each is of.

    Hours over the last horizon, infinite ones too, say only that the machine outlived it.
    """

    chances: np.ndarray
    hours: np.ndarray
    life: np.ndarray

    def told(self, from_chance: float) -> Rows:
        """Those whose interval is told."""
        chosen = self.chances[:, -1] >= from_chance
        return self.where(chosen)

    def where(self, chosen: np.ndarray) -> Rows:
        """Those that a mask chooses."""
        return Rows(*(column[chosen] for column in self))

    @property
    def events(self) -> int:
        """Lives in which a failure came within the last horizon of a row."""
        return len(np.unique(self.life[self.hours <= LAST_H]))

    @property
    def weight(self) -> np.ndarray:
        """Of each row, so that lives weigh the same and all together 1."""
        _, place, count = np.unique(self.life, return_inverse=True, return_counts=True)
        return 1.0 / count[place] / len(count)


class Found(NamedTuple):
    """What intervals covered of some rows: lives weigh the same in `coverage`, rows in `by_row`.

    `at_first` is of the first row that is told in each life. `low` and `high` are the ends of a 95 % interval of
    `coverage`, by a bootstrap over lives; `early` is the share that failed before the interval, what else was missed
    came behind it. `width_h` is the median width of those that have an end, `open_share` the share of rows that have
    none; `with_end` and `without_end` are what each of the two kinds covered.
    """

    rows: int
    lives: int
    events: int
    coverage: float
    low: float
    high: float
    by_row: float
    at_first: float
    early: float
    width_h: float
    open_share: float
    with_end: float
    without_end: float


def rows_of(runs: Sequence[Replay]) -> Rows:
    """All rows whose outcome is known that count, as the module says; a life is a machine's, between two repairs."""
    parts = []
    for number, (history, chances) in enumerate(runs):
        seen_h = (history.end_us - history.window_end_us) / HOUR_US
        known = history.known & (seen_h >= LAST_H)
        who = np.stack([np.full(len(known), number), history.asset, history.since_us], axis=1)[known]
        parts.append((chances[known], history.hours[known], who))
    chances, hours, who = (np.concatenate(part) for part in zip(*parts, strict=True))
    _, life = np.unique(who, axis=0, return_inverse=True)
    return Rows(chances, hours, life.ravel())


def fit(rows: Rows, from_chance: float) -> Levels:
    """Levels that leave out half of what is not to be covered on either side, or all of it below where there is no end.

    Each kind of interval is fitted on its own rows, so that neither makes up for the other. Raises TooFewFailures.
    """
    told = rows.told(from_chance)
    if told.events < ENOUGH_FAILURES:
        raise TooFewFailures(
            f"an interval of time to failure rests on {ENOUGH_FAILURES} lives with a failure or more, here are "
            f"{told.events}: the card says nothing of it"
        )
    high = next((level for level in HIGH_LEVELS if _is_high_enough(told, level)), 1.0)
    ended = told.chances[:, -1] >= high
    return Levels(
        low=_low(told.where(ended), TAIL),
        high=high,
        alone=_low(told.where(~ended), 1.0 - COVERED),
        from_chance=from_chance,
        events=told.events,
    )


def interval_of(fitted: Rows, held_out: Rows, from_chance: float) -> Levels:
    """For a card: levels of the one, with what they cover on the other. Raises TooFewFailures."""
    levels = fit(fitted, from_chance)
    return measured(levels, judge(levels, held_out))


def crossed(folds: Sequence[Replay], from_chance: float) -> Levels:
    """For a card where no other machines are at hand: levels of all folds, with what those of the others cover of each.

    No machine is in two folds; all lives weigh the same in the coverage, of whichever fold. Raises TooFewFailures, also
    where the folds but one hold too few. Source: V. Vovk, Cross-conformal predictors, Annals of Mathematics and
    Artificial Intelligence 74 (2015) 9-28.
    """
    levels, found = fit(rows_of(folds), from_chance), []
    for at, fold in enumerate(folds):
        others, mine = _without(folds, at, from_chance), rows_of([fold])
        if len(mine.told(from_chance).hours):
            found.append(judge(others, mine))
    lives = sum(each.lives for each in found)
    coverage = sum(each.coverage * each.lives for each in found) / lives
    return replace(levels, coverage=round(coverage, DECIMALS), held_out=sum(each.events for each in found))


def _without(folds: Sequence[Replay], at: int, from_chance: float) -> Levels:
    """Levels of all folds but one."""
    try:
        return fit(rows_of([*folds[:at], *folds[at + 1 :]]), from_chance)
    except TooFewFailures as few:
        raise TooFewFailures(f"without the machines of fold {at + 1}, on which it would be measured, {few}") from few


def told_from(limit: float) -> float:
    """The chance within the last horizon from which on an interval is told: one that would not clear a warning."""
    return round(CLEAR_SHARE * limit, DECIMALS)


def measured(levels: Levels, found: Found) -> Levels:
    """With what was covered on machines that neither the model nor the levels have seen."""
    return replace(levels, coverage=round(found.coverage, DECIMALS), held_out=found.events)


def judge(levels: Levels, rows: Rows) -> Found:
    """What intervals between these levels cover, as they are told: in whole hours."""
    told = rows.told(levels.from_chance)
    low_h, high_h = ends(levels, told.chances)
    hit, weight, ended = covers(low_h, high_h, told.hours), told.weight, np.isfinite(high_h)
    low, high = _bootstrapped(hit, told.life)
    _, first = np.unique(told.life, return_index=True)
    return Found(
        rows=len(hit),
        lives=len(first),
        events=told.events,
        coverage=_shared(told, hit),
        low=low,
        high=high,
        by_row=float(hit.mean()),
        at_first=float(hit[first].mean()),
        early=float(weight[told.hours < low_h].sum()),
        width_h=float(np.median((high_h - low_h)[ended])) if ended.any() else np.inf,
        open_share=float(1.0 - ended.mean()),
        with_end=_shared(told.where(ended), hit[ended]),
        without_end=_shared(told.where(~ended), hit[~ended]),
    )


def _is_high_enough(told: Rows, level: float) -> bool:
    """Whether, of the intervals that end by this level, few enough end before the failure; and they are enough."""
    ended = told.where(told.chances[:, -1] >= level)
    if ended.events < ENOUGH_FAILURES:
        return False
    late = (ended.hours > LAST_H) | (within(ended.chances, np.minimum(ended.hours, LAST_H)) > level)
    return float(ended.weight[late].sum()) <= TAIL


def _low(rows: Rows, share: float) -> float:
    """The level before which such a share of the failures comes; 0 where too few are known."""
    if rows.events < ENOUGH_FAILURES:
        return 0.0
    level = within(rows.chances, np.minimum(rows.hours, LAST_H))
    level[rows.hours > LAST_H] = 1.0  # who outlived no low end can miss
    return round(min(_quantile(level, rows.weight, share), LOW_MOST), DECIMALS)


def _quantile(values: np.ndarray, weight: np.ndarray, share: float) -> float:
    """The least value at or under which so much of the weight lies."""
    order = np.argsort(values, kind="stable")
    place = int(np.searchsorted(np.cumsum(weight[order]), share - 1e-12))
    return float(values[order[min(place, len(values) - 1)]])


def _shared(rows: Rows, hit: np.ndarray) -> float:
    """What was covered, lives weighing the same; no number where there is none."""
    return float(rows.weight[hit].sum()) if len(hit) else np.nan


def _bootstrapped(hit: np.ndarray, life: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of the mean over lives of what was covered in each."""
    _, place, count = np.unique(life, return_inverse=True, return_counts=True)
    each = np.bincount(place, hit) / count
    drawn = np.random.default_rng(SEED).integers(len(each), size=(DRAWS, len(each)))
    low, high = np.quantile(each[drawn].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)
