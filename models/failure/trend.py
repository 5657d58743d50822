"""The rung of time to limit: a robust trend over running hours, and when it reaches a limit, with an interval.

The slope is Theil's and Sen's: the median of the slopes between all pairs of points (Theil 1950; Sen 1968), its 90 %
interval by the variance of Kendall's S (Sen 1968, in the form of Gilbert 1987, "Statistical Methods for Environmental
Pollution Monitoring", 16.5). Points are medians of BLOCK_H hours of running, since residuals of neighbouring hours say
the same again. All assets at once; nothing of a plant is known here.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from models.failure.switches import After, Switches, step
from models.records import Remaining

HOURS = 168
"""Hours of running that a trend looks back on: a week, all hours of the day and days of the week. Our choice."""
BLOCK_H = 6
"""Hours to a point: at that distance residuals of simulated healthy pumps have nearly nothing in common any more."""
LEAST_POINTS = 8
"""Two days of running; fewer give no interval worth its name. Our choice."""
Z = 1.6448536269514722
"""Of the normal distribution: 5 % lie above, so that an interval from -Z to Z holds 90 %."""
FARTHEST = 10.0
"""The interval is wider by the error of the line's middle, but not by more than for a limit as near to it as this."""
MOST_REPEATED = 0.8
WEEK_H = 168
NEVER_H = -(1 << 40)
"""An hour long before any."""

NEAR_H, LOW_H = 24.0, 24.0
"""Near is a limit that is reached within a day, by the median and by the low end: machines fail days behind their
limits. Settled with health.OPEN on 22 simulated plants that judge nothing, seeds 9101 to 9122 under the laws of the
recipe: of what cost at most 0.143 unfounded a machine-month there, this caught most."""
CLEAR_H = 2.0 * NEAR_H
AFTER = After(open_h=6, clear_h=24)
"""A day of running in which nothing comes near ends it. Our choice."""


class Trends(Struct):
    """The last HOURS hourly values of each asset, the newest last: arrays whose first axis is assets.

    A value that is not known is NaN; before the first hour of a life all are.
    """

    since_us: np.ndarray  # int64 [assets], start of the life that they are of
    hour: np.ndarray  # int64 [assets, HOURS], hours since 1970, NEVER_H where there is none
    running_h: np.ndarray  # float64 [assets, HOURS], hours run in the life by then
    values: np.ndarray  # float32 [assets, tracks, HOURS]
    expected: np.ndarray  # float32 [assets, tracks, HOURS], level that a track is over, NaN for one over nothing

    @classmethod
    def none(cls, assets: int, tracks: int) -> Trends:
        """Assets of which nothing is known."""
        values = np.full((assets, tracks, HOURS), np.nan, np.float32)
        hour, running_h = np.full((assets, HOURS), NEVER_H), np.full((assets, HOURS), np.nan)
        return cls(np.zeros(assets, np.int64), hour, running_h, values, values.copy())

    def grow(self, assets: int) -> None:
        """Make room for `assets` in all."""
        fresh = Trends.none(assets - len(self.hour), self.values.shape[1])
        for name in self.__struct_fields__:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(fresh, name)]))

    def copy_of(self, assets: np.ndarray) -> Trends:
        """Those alone, to be moved on without moving these."""
        return Trends(*(getattr(self, name).take(assets, axis=0) for name in self.__struct_fields__))

    def put(self, assets: np.ndarray, moved: Trends) -> None:
        """Those as they were moved on."""
        for name in self.__struct_fields__:
            getattr(self, name)[assets] = getattr(moved, name)


class Hours(NamedTuple):
    """One hour of some assets: arrays [assets], and [assets, tracks]."""

    since_us: np.ndarray
    hour: np.ndarray
    running_h: np.ndarray
    values: np.ndarray
    expected: np.ndarray


def push(trends: Trends, hours: Hours) -> Trends:
    """The assets' trends with an hour more: another life begins with nothing, an hour not newer changes nothing.

    Of assets each once.
    """
    anew = hours.since_us != trends.since_us
    fresh = Trends.none(len(anew), trends.values.shape[1])
    newer = anew | (hours.hour > trends.hour[:, -1])
    parts = []
    for name in ("hour", "running_h", "values", "expected"):
        old, blank, now = getattr(trends, name), getattr(fresh, name), getattr(hours, name)
        kept = np.where(_like(anew, old), blank, old)
        shifted = np.concatenate([kept[..., 1:], now.astype(old.dtype)[..., None]], axis=-1)
        parts.append(np.where(_like(newer, old), shifted, kept))
    return Trends(hours.since_us.copy(), *parts)


def _like(mask: np.ndarray, of: np.ndarray) -> np.ndarray:
    return mask.reshape(-1, *[1] * (of.ndim - 1))


class Bounds(NamedTuple):
    """What tracks must not reach: `limit` [tracks] is from below where `high`, else from above; NaN is none.

    `absolute` limits are of a level: what is left for a residual is the limit less what is expected in the worst tenth
    of the last hours.
    """

    limit: np.ndarray  # float64 [tracks]
    high: np.ndarray  # bool [tracks]
    absolute: np.ndarray  # bool [tracks]


WORST = 0.9
"""Quantile of what is expected that a level's limit is held against: the demanding hours, but not a lone one. Our
choice, settled by how simulated plants came out that judge nothing, seeds 9001 to 9006."""


class Ahead(NamedTuple):
    """Hours of the clock until limits are reached, [assets, tracks] each; NaN without a significant trend to one.

    0 is a limit that has been reached. `high_h` is infinite where the interval has no end.
    """

    low_h: np.ndarray
    median_h: np.ndarray
    high_h: np.ndarray
    limit: np.ndarray  # what each track is held against, in its unit
    level: np.ndarray  # where each track's trend is now


def ahead(trends: Trends, bounds: Bounds) -> Ahead:
    """When each asset's tracks reach their limits. A batch of assets is one call."""
    limit = limits(trends, bounds)
    sign = np.where(bounds.high, 1.0, -1.0)
    room = (limit[:, :, None] - trends.values) * sign[:, None]
    at, points = _points(trends.running_h, room)
    count = np.count_nonzero(~np.isnan(points), axis=2)
    slopes, pairs = _slopes(at, points)
    slope = _median(slopes, pairs)
    centre, spread = _centre(at, points, count)
    level = _level(at, points, slope)
    with np.errstate(invalid="ignore", divide="ignore"):
        reach = level / -slope
        wider = np.hypot(1.0, spread / np.maximum(np.abs(reach - centre), spread / FARTHEST))
    ends = _ends(slopes, pairs, count, wider * _repeats(at, points, count, slope, level))
    pivot = level + slope * centre
    left = [_hours(pivot, end, centre) for end in ends]
    enough, clock = count >= LEAST_POINTS, 1.0 / duty(trends)[:, None]
    reached, falls = enough & (level <= 0.0), enough & (ends[1] < 0.0)
    shown = [np.where(reached, 0.0, np.where(falls, hours, np.nan)) * clock for hours in (left[0], reach, left[1])]
    return Ahead(np.minimum(shown[0], shown[1]), shown[1], np.maximum(shown[2], shown[1]), limit, limit - level * sign)


def _hours(pivot: np.ndarray, slope: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Running hours from now until a line through the pivot, which lies at the centre, is at 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.maximum(pivot / -slope + centre, 0.0)


def limits(trends: Trends, bounds: Bounds) -> np.ndarray:
    """What each asset's tracks are held against, float64 [assets, tracks]; NaN where there is nothing."""
    known = np.sort(trends.expected, axis=2).astype(np.float64)  # NaN sorts last
    count = np.count_nonzero(~np.isnan(known), axis=2)
    share = np.where(bounds.high, WORST, 1.0 - WORST)
    place = np.clip(np.rint(share * (count - 1)), 0, HOURS - 1).astype(np.int64)
    worst = np.take_along_axis(known, place[:, :, None], axis=2)[:, :, 0]
    return np.where(bounds.absolute, bounds.limit - worst, bounds.limit)


def duty(trends: Trends) -> np.ndarray:
    """Share of the clock that each asset ran in its last week, float64 [assets]: 1 where less than a day is known."""
    last = trends.hour[:, -1:]
    recent = trends.hour > last - WEEK_H
    first = np.argmax(recent, axis=1)[:, None]
    spent = (last - np.take_along_axis(trends.hour, first, axis=1))[:, 0]
    ran = (trends.running_h[:, -1:] - np.take_along_axis(trends.running_h, first, axis=1))[:, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.clip(ran / spent, 1.0 / WEEK_H, 1.0)
    return np.where(spent >= 24, share, 1.0)


def _points(running_h: np.ndarray, room: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Running hours before now [assets, points], and medians of blocks [assets, tracks, points].

    NaN of a block in which less than half is known.
    """
    assets, tracks, _ = room.shape
    blocks = np.sort(room.reshape(assets, tracks, -1, BLOCK_H), axis=3)
    known = np.count_nonzero(~np.isnan(blocks), axis=3)
    middle = [np.take_along_axis(blocks, np.maximum(at, 0)[..., None], axis=3)[..., 0] for at in _middle(known)]
    points = np.where(known * 2 >= BLOCK_H, (middle[0] + middle[1]) / 2, np.nan)
    hours = (running_h - running_h[:, -1:]).reshape(assets, -1, BLOCK_H)
    some = np.count_nonzero(~np.isnan(hours), axis=2)
    with np.errstate(invalid="ignore"):
        return np.where(np.isnan(hours), 0.0, hours).sum(axis=2) / some, points


def _middle(count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of the one or two middle ones of so many sorted values."""
    return (count - 1) // 2, count // 2


def _slopes(at: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes between all pairs of points, sorted, [assets, tracks, pairs], and how many are known."""
    left, right = np.triu_indices(points.shape[2], 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        slopes = np.sort((points[:, :, right] - points[:, :, left]) / (at[:, right] - at[:, left])[:, None], axis=2)
    return slopes, np.count_nonzero(~np.isnan(slopes), axis=2)


def _ends(slopes: np.ndarray, pairs: np.ndarray, count: np.ndarray, wider: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of Sen's 90 % interval of the slope, made so many times wider."""
    spread = wider * Z * np.sqrt(count * (count - 1.0) * (2.0 * count + 5.0) / 18.0)
    low, high = (_ranked(slopes, pairs, (pairs + side * spread + side - 1) / 2) for side in (-1, 1))
    return low, high


def _centre(at: np.ndarray, points: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the places of a track's points, [assets, tracks] each."""
    places = np.where(np.isnan(points), np.nan, at[:, None])
    known = ~np.isnan(places)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, places, 0.0).sum(axis=2) / count
        off = np.where(known, places - mean[:, :, None], 0.0)
        return mean, np.sqrt(np.square(off).sum(axis=2) / count)


def _repeats(at: np.ndarray, points: np.ndarray, count: np.ndarray, slope: np.ndarray, level: np.ndarray) -> np.ndarray:
    """How much wider an interval is for what neighbouring points say again: the root of (1 + r) / (1 - r).

    r is the autocorrelation of what is left of points beside their line, freed of the bias that a fitted mean gives it
    (Marriott and Pope 1954), and not under 0.
    """
    off = points - level[:, :, None] - slope[:, :, None] * at[:, None]
    both = ~np.isnan(off[:, :, 1:]) & ~np.isnan(off[:, :, :-1])
    with np.errstate(invalid="ignore", divide="ignore"):
        joint = np.where(both, off[:, :, 1:] * off[:, :, :-1], 0.0).sum(axis=2) / np.count_nonzero(both, axis=2)
        found = joint / (np.where(np.isnan(off), 0.0, np.square(off)).sum(axis=2) / count)
        r = np.clip((count * found + 1.0) / (count - 3.0), 0.0, MOST_REPEATED)
        return np.sqrt((1.0 + np.where(np.isnan(r), 0.0, r)) / (1.0 - np.where(np.isnan(r), 0.0, r)))


def _median(values: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Median of sorted values of which so many are known."""
    first, second = _middle(count)
    return (_ranked(values, count, first) + _ranked(values, count, second)) / 2


def _ranked(values: np.ndarray, count: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The values at places, counted from 0, in sorted ones of which so many are known; NaN of none."""
    inside = np.clip(np.rint(np.nan_to_num(place)), 0, np.maximum(count - 1, 0)).astype(np.int64)
    return np.take_along_axis(values, inside[..., None], axis=-1)[..., 0]


def _level(at: np.ndarray, points: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Where a line of a slope through the points is now: the median of what each point says, [assets, tracks]."""
    said = np.sort(points - slope[:, :, None] * at[:, None], axis=2)
    return _median(said, np.count_nonzero(~np.isnan(said), axis=2))


def nearest(found: Ahead) -> np.ndarray:
    """The track of each asset whose limit is reached first by the median, int64 [assets]; -1 where none is."""
    hours = np.where(np.isnan(found.median_h), np.inf, found.median_h)
    track = np.argmin(hours, axis=1)
    return np.where(np.isinf(hours[np.arange(len(track)), track]), -1, track)


def remaining(found: Ahead, asset: int, track: int) -> Remaining | None:
    """What is left of one asset until a track reaches its limit; None without a significant trend."""
    low, median, high = (float(hours[asset, track]) for hours in found[:3])
    if track < 0 or math.isnan(median):
        return None
    return Remaining(
        low_h=round(low, 1), median_h=round(median, 1), high_h=None if math.isinf(high) else round(high, 1)
    )


def watch(switches: Switches, since_us: np.ndarray, found: Ahead) -> tuple[Switches, np.ndarray]:
    """Take one hour of each asset into its switch: on while a limit is near, a Turn of each.

    Near is a limit that the median reaches within NEAR_H and the low end within LOW_H. Only a
    significant trend has either.
    """
    with np.errstate(invalid="ignore"):
        over = (found.median_h <= NEAR_H) & (found.low_h <= LOW_H)
        near = found.median_h <= CLEAR_H
    return step(switches, since_us, np.any(over, axis=1), ~np.any(near, axis=1), AFTER)
