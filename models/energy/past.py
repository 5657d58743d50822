"""What a meter's past says of a target: how the site runs now, and what it took at the same time of day before.

Medians over many days that the site worked say more than single days, whose noise trees would learn: lags of single
days were tried and left out. All is in shares of the site's own level. Nothing after the origin is at hand here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.energy.wall import DAY_STEPS, STEP_US, WEEK_STEPS, by_wall, wall_steps

WEEKS = 26
DAYS = 7 * WEEKS
"""Looked back at: what the weekday took in half a year. Our choice, as all numbers of days here: tried on
`steel_energy` before its last eight weeks."""
WORKED = (10, 20, 40, 80)
"""Last days worked, whose quantiles at a time of day are told."""
SHARES = (0.2, 0.35, 0.5, 0.65, 0.8)
SAME_WEEKDAYS = (4, 8, 16, 24)
"""Last weeks whose same weekday is told, at the target's time."""
RECENT = {"1h": 4, "2h": 8, "4h": 16, "8h": 32, "24h": 96, "48h": 192, "7d": 672, "28d": 2688}
"""Means up to the origin, in steps."""
LEVEL_SHARE = 0.9
"""A site's level is that share's quantile of its loads: of one that works one shift of three it is a working load."""
LEAST_LEVEL_KW = 1e-3
IDLE = 0.3
"""A day worked if its mean is above this share of that of a busy one (the 70 % quantile of days). Our choice."""
BUSY = 0.7

NAMES: tuple[str, ...] = (
    *(f"worked{days}_{'mean' if share is None else f'q{share * 100:.0f}'}" for days in WORKED
      for share in (*SHARES, None)),
    *(f"weekday{weeks}_{'mean' if share is None else f'q{share * 100:.0f}'}" for weeks in SAME_WEEKDAYS
      for share in (*SHARES, None)),
    "days21_mean", "days21_q20", "days21_q50",
    "days21_q80", "last",
    *(f"mean_{name}" for name in RECENT),
    "day_max", "max_8h", "min_8h", "spread_8h", "spread_24h", "max_2_days_ago", "to_last_week", "to_last_week_24h",
    "to_yesterday", "day_0", "day_1", "days_since_worked", "days_worked_on_end", "share_worked", "day_week_ago",
    "day_2_weeks_ago",
)  # fmt: skip
"""Of the columns that are made here, in order."""


class Past:
    """A history that ends at an origin, by the wall's clock: `known[k]` is the 24 h that ended k days before it."""

    def __init__(self, history_kw: np.ndarray, origin_us: int, zone: str, level_kw: float) -> None:
        history_kw = history_kw[-(DAYS + 1) * DAY_STEPS :]
        count = len(history_kw)
        wall = wall_steps(zone, origin_us - count * STEP_US, count + MOST_AHEAD)
        self._wall = wall[count:]
        self._now = int(self._wall[0])
        flat = by_wall(history_kw, wall[:count], self._now, DAYS * DAY_STEPS)
        self._flat = flat / level_kw
        self._known = self._flat.reshape(DAYS, DAY_STEPS)[::-1]

    def targets(self, steps: int) -> np.ndarray:
        """Steps of the wall that are forecast, int64 [steps]."""
        return self._wall[:steps]

    def columns(self, target: np.ndarray) -> list[np.ndarray]:
        """A column for each of NAMES, float64 [steps]; NaN where nothing is known."""
        ahead = target - self._now
        worked = self._worked()
        place = ahead % DAY_STEPS
        ranks = np.cumsum(worked, axis=0)
        parts = [
            *(told[place] for last in WORKED for told in _of_days(self._known, worked & (ranks <= last))),
            *self._same_weekdays(ahead),
            *(told[place] for told in (_mean(self._known[:21]), *quantiles(self._known[:21], (0.2, 0.5, 0.8)))),
        ]
        now = [np.full(len(target), value) for value in (*self._recent(), *self._rhythm(worked))]
        return [*parts, *now, *self._weeks_ago(ahead)]

    def _worked(self) -> np.ndarray:
        """Whether the site worked on the day that a step is of, bool [DAYS, DAY_STEPS], as `_known` lies."""
        of_day = (np.arange(self._now - DAYS * DAY_STEPS, self._now) // DAY_STEPS).astype(np.int64)
        of_day -= of_day[0]
        there = ~np.isnan(self._flat)
        counts = np.bincount(of_day, there)
        sums = np.bincount(of_day, np.where(there, self._flat, 0.0))
        means = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
        busy = quantiles(means[:, None], (BUSY,))[0, 0]
        worked = means > IDLE * busy  # of a day of which nothing is known, no
        return worked[of_day].reshape(DAYS, DAY_STEPS)[::-1]

    def _same_weekdays(self, ahead: np.ndarray) -> list[np.ndarray]:
        """Of the target's time on its weekday before, in so many weeks."""
        weeks = np.stack([self._before(ahead, week * WEEK_STEPS) for week in range(1, max(SAME_WEEKDAYS) + 1)])
        return [told for last in SAME_WEEKDAYS for told in (*quantiles(weeks[:last], SHARES), _mean(weeks[:last]))]

    def _before(self, ahead: np.ndarray, steps: int) -> np.ndarray:
        """Values so many steps before the targets."""
        places = len(self._flat) + ahead - steps  # past the end only where the wall's clock jumps over an hour
        return np.where(places < len(self._flat), self._flat[np.minimum(places, len(self._flat) - 1)], np.nan)

    def _recent(self) -> list[float]:
        flat = self._flat
        return [float(flat[-1]), *(_one_mean(flat[-steps:]) for steps in RECENT.values())]

    def _rhythm(self, worked: np.ndarray) -> list[float]:
        """Of the last days as wholes: what they took, and whether they were worked on."""
        eight, day = self._flat[-RECENT["8h"] :], self._known[0]
        before = [self._flat[-steps - RECENT["8h"] : -steps] for steps in (WEEK_STEPS, DAY_STEPS)]
        busy = worked[:28].mean(axis=1) > 0.5
        since, on_end = (int(some.argmax()) if some.any() else len(some) for some in (busy, ~busy))
        return [
            *(_highest(day), _highest(eight), -_highest(-eight)),
            *(_spread(eight), _spread(day), _highest(self._known[1])),
            _ratio(_one_mean(eight), _one_mean(before[0])),
            _ratio(_one_mean(day), _one_mean(self._known[7])),
            _ratio(_one_mean(eight), _one_mean(before[1])),
            *(_one_mean(day), _one_mean(self._known[1])),
            *(float(since), float(on_end), float(busy.mean())),
        ]

    def _weeks_ago(self, ahead: np.ndarray) -> list[np.ndarray]:
        """The means of the 24 h one and two weeks before those that the target is in."""
        behind = np.array([_mean(day[:, None])[0] for day in self._known])
        return [behind[np.maximum(week * 7 - 1 - ahead // DAY_STEPS, 0)] for week in (1, 2)]


MOST_AHEAD = WEEK_STEPS
"""Steps from the origin on that can be told of: a week, since the weekday before is then known. `models.contracts`."""


def _of_days(known: np.ndarray, chosen: np.ndarray) -> list[np.ndarray]:
    """Quantiles and mean of some days at each time of day, [DAY_STEPS] each."""
    values = np.where(chosen, known, np.nan)
    return [*quantiles(values, SHARES), _mean(values)]


def level_of(history_kw: np.ndarray) -> float:
    """A site's level in kW, of its history; 1 where that has no load."""
    if not len(history_kw):
        return 1.0
    level = float(quantiles(np.abs(history_kw)[:, None], (LEVEL_SHARE,))[0, 0])
    return level if level > LEAST_LEVEL_KW else 1.0


def quantiles(values: np.ndarray, shares: Sequence[float]) -> np.ndarray:
    """Quantiles of columns without their NaNs, interpolated: [shares, columns] of [n, columns]; NaN where all are."""
    ordered = np.sort(values, axis=0)  # NaN last
    counts = (~np.isnan(values)).sum(axis=0)
    out = []
    for share in shares:
        at = share * np.maximum(counts - 1, 0)
        low = np.floor(at).astype(np.int64)
        high = np.minimum(low + 1, np.maximum(counts - 1, 0))
        below, above = (np.take_along_axis(ordered, place[None], axis=0)[0] for place in (low, high))
        out.append(below + (above - below) * (at - low))
    return np.stack(out)


def _mean(values: np.ndarray) -> np.ndarray:
    """Of columns without their NaNs."""
    there = ~np.isnan(values)
    counts = there.sum(axis=0)
    sums = np.where(there, values, 0.0).sum(axis=0)
    return np.divide(sums, counts, out=np.full(values.shape[1], np.nan), where=counts > 0)


def _one_mean(values: np.ndarray) -> float:
    return float(_mean(values[:, None])[0])


def _highest(values: np.ndarray) -> float:
    return float(np.nanmax(values)) if not np.isnan(values).all() else float("nan")


def _spread(values: np.ndarray) -> float:
    """Standard deviation of what is known."""
    return float(np.nanstd(values)) if not np.isnan(values).all() else float("nan")


def _ratio(one: float, other: float) -> float:
    return one / other if other > 0.0 else float("nan")
