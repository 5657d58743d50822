"""Changes of one machine's daily means: since when (ADWIN), at once or little by little, within one life.

A repair is no drift: nothing is compared across lives. What the reference did by itself is the bar.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from river.drift import ADWIN

from onnx_export.drift.rows import Daily

DELTA = 0.002
"""Chance that ADWIN errs. Source: its default in A. Bifet, R. Gavalda, Learning from Time-Changing Data with Adaptive
Windowing, SDM 2007, and in river."""
SIDE_DAYS, LEAST_AFTER = 6, 3
"""Days on either side of a step that lines are laid through, and how many must be there after it. Our choice."""
RISE_DAYS = 5
"""Days over which a machine's rise is looked at. Our choice: the fastest wear takes about a week."""
ABRUPT_DAYS = 3.0
"""A step is worth as many days of the slopes beside it at least; fast wear is not. Our choice."""
MOST_MEMORY = 0.95
"""Of a day in the next: more cannot be told from a trend in weeks. Our choice."""
AT_ONCE = 0.7
"""Share of a change that comes within two days if it is a step, and within one if it is no rise. Our choice."""

LEAST_SIZES = 6
"""Machines of which a law of extremes is laid. Our choice."""


class Series(NamedTuple):
    """A machine's known days of one life and one feature, in order."""

    asset: int
    day: np.ndarray  # int64
    value: np.ndarray  # float64


class Change(NamedTuple):
    """Of an asset: the day it began, and how large, in the feature's unit (a day, for a rise)."""

    asset: int
    day: int
    size: float


def lives(days: Daily, column: int) -> Iterator[Series]:
    """One after the other."""
    known = ~np.isnan(days.values[:, column])
    asset, since, day, value = (
        days.asset[known], days.since_us[known], days.day[known], days.values[known, column],
    )  # fmt: skip
    if not len(asset):
        return
    cuts = np.flatnonzero((np.diff(asset) != 0) | (np.diff(since) != 0)) + 1
    for part in np.split(np.arange(len(asset)), cuts):
        yield Series(int(asset[part[0]]), day[part], value[part])


def noise(series: list[Series]) -> float:
    """How far a day lies from the middle of its neighbours, a standard deviation; robust to what changes.

    The second difference of independent values has 1.225 times their deviation; a median deviation is 0.6745 of one.
    """
    bends = [one.value[1:-1] - (one.value[:-2] + one.value[2:]) / 2 for one in series if len(one.value) > 2]
    every = np.abs(np.concatenate(bends)) if bends else np.array([])
    return float(np.median(every)) / 0.6745 / 1.225 if len(every) else float("nan")


def steps(one: Series) -> Iterator[Change]:
    """How far apart lines through the days before and after each day are at it: curves of wear have none."""
    for at in range(2, len(one.day) - LEAST_AFTER + 1):
        day = int(one.day[at])
        near = np.flatnonzero((one.day >= day - SIDE_DAYS) & (one.day < day + SIDE_DAYS))
        before, after = near[near < at], near[near >= at]
        if len(before) < LEAST_AFTER or len(after) < LEAST_AFTER:
            continue
        (first, falls), (second, goes) = _line(one, before, day), _line(one, after, day)
        levels = float(one.value[after].mean() - one.value[before].mean())
        size = min(second - first, levels, key=abs)
        at_once = float(one.value[after[0] + 1] - one.value[before[-1]]) if len(after) > 1 else 0.0
        is_abrupt = (second - first) * levels > 0 and abs(size) >= ABRUPT_DAYS * max(abs(falls), abs(goes))
        yield Change(one.asset, day, size if is_abrupt and at_once / size >= AT_ONCE else 0.0)


def _line(one: Series, chosen: np.ndarray, day: int) -> tuple[float, float]:
    """Where a least-squares line through some days is at a day, and its slope a day."""
    at, value = one.day[chosen] - day, one.value[chosen]
    centre, spread = at.mean(), np.square(at - at.mean()).sum()
    slope = ((at - centre) * (value - value.mean())).sum() / spread if spread else 0.0
    return float(value.mean() - slope * centre), float(slope)


def rises(one: Series) -> Iterator[Change]:
    """The slope over each RISE_DAYS, a day; the change began with them."""
    for at in range(RISE_DAYS - 1, len(one.day)):
        chosen = np.arange(at - RISE_DAYS + 1, at + 1)
        if one.day[at] - one.day[chosen[0]] < 2 * RISE_DAYS:
            first = int(one.day[chosen[0]])
            slope, most = _line(one, chosen, first)[1], float(np.abs(np.diff(one.value[chosen])).max())
            yield Change(one.asset, first, slope if most < AT_ONCE * abs(slope) * (RISE_DAYS - 1) else 0.0)


def peaks(changes: Sequence[Change]) -> Iterator[Change]:
    """Those of one life that are not the flank of a larger one near."""
    for change in changes:
        near = (other for other in changes if abs(other.day - change.day) <= SIDE_DAYS)
        if abs(change.size) >= max(abs(other.size) for other in near):
            yield change


def largest(changes: Iterable[Change]) -> dict[int, Change]:
    """Of each asset."""
    out: dict[int, Change] = {}
    for change in changes:
        if change.asset not in out or abs(change.size) > abs(out[change.asset].size):
            out[change.asset] = change
    return out


def return_level(sizes: Sequence[float], times: float) -> float:
    """The size that is passed once among `times` as many machines as these sizes are of; 0 where they are too few.

    Each is the largest of a machine's reference, so that they follow Gumbel's law, which is laid by moments. Source:
    E. J. Gumbel, Statistics of Extremes, Columbia University Press 1958, ch. 5 and 6.
    """
    if len(sizes) < LEAST_SIZES:
        return 0.0
    scale = float(np.std(sizes, ddof=1)) * 6**0.5 / np.pi
    return float(np.mean(sizes) + scale * (np.log(len(sizes) * times) - np.euler_gamma))


def shift(before: Series, after: Series) -> float:
    """How many standard errors means of days lie apart, where each day remembers the one before.

    A first-order autoregression has (1 + r) / (1 - r) times the variance of a mean of independent days. Source: G. Box,
    G. Jenkins, Time Series Analysis, Holden-Day 1970, ch. 2.
    """
    if len(before.value) < 3 or not len(after.value):
        return 0.0
    about = before.value - before.value.mean()
    total = np.square(about).sum()
    memory = min(max(float((about[1:] * about[:-1]).sum() / total), 0.0), MOST_MEMORY) if total else 0.0
    variance = total / (len(about) - 1) * (1 + memory) / (1 - memory)
    error = (variance * (1 / len(before.value) + 1 / len(after.value))) ** 0.5
    return float(abs(after.value.mean() - before.value.mean()) / error) if error else np.inf


def changed_day(one: Series, spread: float, delta: float = DELTA) -> int | None:
    """The day since which a stream of daily means is another, if ADWIN sees it change; None where it does not.

    Values are told in spreads, since its bound is made for streams of about 1. Its window tells that something changed
    and is cut coarsely, so the day is where two means fit best. Source: D. Hinkley, Biometrika 57 (1970) 1-17.
    """
    adwin = ADWIN(delta=delta, clock=1, min_window_length=LEAST_AFTER, grace_period=SIDE_DAYS)
    seen = False
    for value in one.value.tolist():
        adwin.update(value / spread)
        seen |= adwin.drift_detected
    if not seen:
        return None
    before = np.arange(1, len(one.value))
    after, total = len(one.value) - before, np.cumsum(one.value)
    gap = total[:-1] / before - (total[-1] - total[:-1]) / after
    return int(one.day[1:][np.argmax(np.square(gap) * before * after)])
