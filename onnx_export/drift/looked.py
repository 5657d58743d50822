"""A recent time of an asset type held against a reference time: every figure with its bar, moved or not.

Pure: rows in, findings out. Why something moved is told in `told_apart`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from models.failure.coverage import Outcome
from models.records import DriftKind
from onnx_export.drift import changes, stability
from onnx_export.drift.changes import RISE_DAYS, SIDE_DAYS, Change, Series
from onnx_export.drift.findings import BARS, Bars, Finding, Shape, Verdict
from onnx_export.drift.labelled import CHANCE, calibrated, covered
from onnx_export.drift.rows import Daily, Role, Rows, Watched, daily
from onnx_export.drift.stability import Sample
from onnx_export.history import DAY_US

SLOPE = 1.0 / (RISE_DAYS * (RISE_DAYS**2 - 1) / 12) ** 0.5
"""Standard deviation of a slope through so many days, in that of a day: of least squares."""
LEAST_CHANCE = 0.01
"""Chances under it are alike: a young fleet's grow a hundredfold and are still none. Our choice."""
SPREADS = {Role.RESIDUAL: 1.0, Role.OPERATING: 1.0, Role.AMBIENT: 0.5}
"""Of the reference's rows, by which a machine's mean must move to be named; what all share needs less. Our choice."""
BEFORE_DAYS = 2
"""A change that is placed so early before the recent time is of it. Our choice: half of what a step needs after it."""


class Looked(NamedTuple):
    """Rows of both times and all since the first, daily means, names of assets by number, and the bars."""

    reference: Rows
    recent: Rows
    later: Rows
    before: Daily
    both: Daily
    names: Sequence[str]
    bars: Bars

    @property
    def from_day(self) -> int:
        """The first day whose changes are recent."""
        return int(self.recent.window_end_us.min()) // DAY_US - BEFORE_DAYS

    @property
    def late(self) -> Daily:
        """Days of `both` that recent changes are looked for in: all that lies beside them."""
        return self.both.since(self.from_day - 2 * SIDE_DAYS)

    @property
    def days(self) -> float:
        """How long the reference is."""
        return max(1.0, float(np.ptp(self.reference.window_end_us)) / DAY_US)

    @property
    def block_us(self) -> int:
        """How long the recent time is."""
        return int(np.ptp(self.recent.window_end_us)) + DAY_US // 2


def looked(
    reference: Rows,
    recent: Rows,
    names: Sequence[str],
    watch: Sequence[Watched],
    *,
    later: Rows | None = None,
    intervals: Sequence[Outcome | None] = (),
    bars: Bars = BARS,
) -> tuple[Finding, ...]:
    """Every figure of an asset type, moved or not; nothing where either time has no rows.

    `later` are all rows since the reference, the recent ones if not given: labels arrive late, and days between tell
    when something began. `intervals` are what became of intervals that were told.
    """
    if not len(reference.asset) or not len(recent.asset):
        return ()
    columns = np.array([one.column for one in watch], np.int64)
    later = recent if later is None else later
    before, both = daily(reference, columns), daily(reference.joined(later), columns)
    at = Looked(reference, recent, later, before, both, names, bars)
    found = [finding for place, one in enumerate(watch) for finding in _of_feature(at, one, place)]
    found.append(_of_chances(at))
    found.append(calibrated(later, names, bars))
    if intervals:
        found.append(covered(intervals, int(recent.window_end_us.min())))
    return tuple(found)


def _of_feature(at: Looked, one: Watched, place: int) -> Iterator[Finding]:
    """Its PSI, and the steps and rises of single machines."""
    yield _mix(at, one, place)
    was, now = list(changes.lives(at.before, place)), list(changes.lives(at.late, place))
    spread = changes.noise(was)
    least = at.bars.sigmas * spread
    stepped = _changes(at, was, now, changes.steps, (least, at.bars.step_days))
    yield from _told(at, one, Shape.STEP, _going(stepped, now) if one.role is Role.RESIDUAL else stepped)
    if one.role is Role.RESIDUAL:
        rose = _changes(at, was, now, changes.rises, (least * SLOPE, at.bars.rise_days))
        yield from _told(at, one, Shape.RISE, _but(rose, stepped))


class Moved(NamedTuple):
    """The largest recent change of each asset, and what it must pass."""

    of: dict[int, Change]
    bar: float


def _changes(
    at: Looked,
    was: list[Series],
    now: list[Series],
    find: Callable[[Series], Iterator[Change]],
    least: tuple[float, float],
) -> Moved:
    """Changes of a shape, and the bar: what the reference did by itself, with a margin, or once in so many days.

    `least` is the smallest bar, and those days.
    """
    own = [abs(change.size) for change in changes.largest(change for one in was for change in find(one)).values()]
    level = changes.return_level(own, least[1] / at.days)
    tops = (change for one in now for change in changes.peaks(list(find(one))))
    recent = changes.largest(change for change in tops if change.day >= at.from_day)
    return Moved(recent, max(least[0], at.bars.own_margin * max(own, default=0.0), level))


def _but(rose: Moved, stepped: Moved) -> Moved:
    """Rises, but for those that are a step seen over some days."""
    steps = {asset: change.day for asset, change in stepped.of.items() if abs(change.size) > stepped.bar}
    kept = {
        asset: change
        for asset, change in rose.of.items()
        if asset not in steps or not -RISE_DAYS <= change.day - steps[asset] <= SIDE_DAYS
    }
    return Moved(kept, rose.bar)


def _going(stepped: Moved, now: list[Series]) -> Moved:
    """Steps of lives that still run: what a machine did before it was repaired is no sensor's, and over."""
    begun = {one.asset: int(one.day[0]) for one in now}  # the last of each asset
    return Moved({asset: change for asset, change in stepped.of.items() if change.day >= begun[asset]}, stepped.bar)


def _told(at: Looked, one: Watched, shape: Shape, moved: Moved) -> Iterator[Finding]:
    """Machines that changed; one finding of all, or the largest that stays under the bar."""
    if not moved.of:
        return
    over = [change for change in moved.of.values() if abs(change.size) > moved.bar]
    bar = moved.bar if are_together(over, shape) else at.bars.alone * moved.bar
    over = [change for change in over if abs(change.size) > bar]
    largest = max(moved.of.values(), key=lambda change: abs(change.size))
    some = sorted(over, key=lambda change: change.asset) or [largest]
    left = None
    if shape is Shape.STEP and over and one.role is Role.RESIDUAL:
        left = float(np.median([_left(at, one, change) for change in some]))
    yield Finding(
        kind=DriftKind.INPUT, what=one.feature, shape=shape,
        # a step whose relation to the load is not known yet is told once it is
        verdict=Verdict.MOVED if over and not (left is not None and np.isnan(left)) else Verdict.STAYS,
        assets=tuple(at.names[change.asset] for change in some),
        since_us=int(np.median([change.day for change in some])) * DAY_US,
        value=abs(largest.size), bar=bar, signal=one.signal, role=one.role, terms=one.terms, left=left,
    )  # fmt: skip


def are_together(over: Sequence[Change], shape: Shape) -> bool:
    """Whether several machines changed, and about one time if at once: what is done to sensors is one piece of work."""
    days = sorted(change.day for change in over)
    apart = (second - first for first, second in pairwise(days))
    return len(days) > 1 and (shape is Shape.RISE or min(apart) <= SIDE_DAYS // 2)


def _left(at: Looked, one: Watched, change: Change) -> float:
    """How far residuals lie about a line of the other signals after a step, over the same before it."""
    rows, day = at.reference.joined(at.later), change.day
    mine = rows.where((rows.asset == change.asset) & (abs(rows.window_end_us // DAY_US - day) <= SIDE_DAYS))
    level = mine.features[:, one.level].astype(np.float64)
    over = mine.features[:, one.column].astype(np.float64)
    known, days = ~np.isnan(level + over), mine.window_end_us // DAY_US - day
    parts = known & (days < -1), known & (days > 1)  # the day itself, and those beside it, may have some of both
    before, after = (_about(level[part] - over[part], over[part]) for part in parts)
    return after / before if before > 0 else float("inf")


def _about(load: np.ndarray, over: np.ndarray) -> float:
    """Standard deviation about the least-squares line over what is expected: an offset and a gain."""
    if len(load) < 3:
        return float("nan")
    centre, spread = load - load.mean(), np.square(load - load.mean()).sum()
    slope = (centre * over).sum() / spread if spread > 0 else 0.0
    return float(np.std(over - over.mean() - slope * centre))


def _mix(at: Looked, one: Watched, place: int) -> Finding:
    """Its PSI, each machine about its own mean."""
    was, now = (
        Sample(rows.features[:, one.column].astype(np.float64), rows.asset, rows.window_end_us)
        for rows in (at.reference, at.recent)
    )
    was, now = stability.centred(was, now)
    margin = at.bars.own_margin if one.role is Role.OPERATING else at.bars.shared_margin
    value, bar = stability.psi(was.value, now.value), stability.bar_of(was, at.block_us, at.bars.psi, margin)
    shift = _shift(one.role, was, now)
    assets, since_us = _where(at, one, place, was, now)
    least = at.bars.machines if one.role is Role.RESIDUAL else at.bars.shift
    moved = value > bar and (shift is None or shift > least)
    if one.role is Role.RESIDUAL:  # some machines always wear: they are told by steps and rises of their own
        moved = moved and 2 * len(assets) > len(at.names)
    return Finding(
        kind=DriftKind.INPUT, what=one.feature, verdict=Verdict.MOVED if moved else Verdict.STAYS, assets=assets,
        since_us=since_us, value=value, bar=bar, signal=one.signal, role=one.role, terms=one.terms, shift=shift,
    )  # fmt: skip


def _shift(role: Role, was: Sample, now: Sample) -> float | None:
    """By how many standard errors a mean moved: of days for weather, of machines for residuals, which wear apart."""
    if role is Role.AMBIENT:
        return changes.shift(_by_day(was), _by_day(now))
    if role is Role.RESIDUAL:
        known = ~np.isnan(now.value)
        _, place = np.unique(now.asset[known], return_inverse=True)
        own = np.bincount(place, now.value[known]) / np.bincount(place)
        return float(abs(own.mean()) / own.std(ddof=1) * len(own) ** 0.5) if len(own) > 1 and own.std() else None
    return None


def _by_day(sample: Sample) -> Series:
    """The mean of all machines on each day."""
    known = ~np.isnan(sample.value)
    day, place = np.unique(sample.time_us[known] // DAY_US, return_inverse=True)
    return Series(-1, day, np.bincount(place, sample.value[known]) / np.bincount(place))


def _where(at: Looked, one: Watched, place: int, was: Sample, now: Sample) -> tuple[tuple[str, ...], int]:
    """Machines whose recent mean is far from the reference's, and since when, by ADWIN on their days."""
    spread, begun = float(np.nanstd(was.value)), int(at.recent.window_end_us.min())
    assets, days = [], []
    for asset in np.unique(now.asset).tolist():
        own = now.value[(now.asset == asset) & ~np.isnan(now.value)]
        if not len(own) or abs(own.mean()) < SPREADS[one.role] * spread or not spread > 0:
            continue
        assets.append(at.names[asset])
        mine = (at.both.asset == asset) & ~np.isnan(at.both.values[:, place])
        days_of = Series(asset, at.both.day[mine], at.both.values[mine, place])
        day = changes.changed_day(days_of, spread, at.bars.delta)
        days += [] if day is None else [day]
    return tuple(assets), int(np.median(days)) * DAY_US if days else begun


def _of_chances(at: Looked) -> Finding:
    """PSI of the chances within 72 h; those that nobody would look at are alike, and machines age apart."""
    was, now = (
        Sample(np.log(np.maximum(rows.chance, LEAST_CHANCE)), rows.asset, rows.window_end_us)
        for rows in (at.reference, at.recent)
    )
    value = stability.psi(was.value, now.value)
    bar = stability.bar_of(was, at.block_us, at.bars.psi, at.bars.shared_margin)
    shift = _shift(Role.RESIDUAL, *stability.centred(was, now))
    moved = value > bar and (shift is None or shift > at.bars.machines)
    return Finding(
        kind=DriftKind.OUTPUT, what=CHANCE, verdict=Verdict.MOVED if moved else Verdict.STAYS,
        since_us=int(at.recent.window_end_us.min()), value=value, bar=bar, shift=shift,
    )  # fmt: skip
