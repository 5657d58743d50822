"""Event time over a batch: each asset's watermark, record by record, and where the batch must be cut for it.

Records of an asset that only add to its open minutes, or close them, may be taken together. A record that reaches
back into a closed minute, or a repair in the past, begins a new segment: what came before is evaluated first. So the
effects are those of one record at a time, at the price of one pass over arrays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from typing import NamedTuple, TypeVar

import numpy as np

from models.bins import MINUTE_US, changes
from pipelines.frames import Columns
from pipelines.late import Told, mark
from pipelines.stages.screen import Screened
from pipelines.state import NEVER, Block, floor_of
from pipelines.walk import SECOND_US, GoodFrames, Silence, Steps, Walk

T = TypeVar("T")

_SECOND_BITS = 40
"""Seconds since 1970 of any record's time fit."""


class Segments(NamedTuple):
    """Records of one asset to take together, by asset and number: place of the first, watermark before and after.

    `repaired_us` and `failed_us` have the repairs and failures among them, by asset and number, `serviced` works on
    components: each its name, from when it is known, and when it was done.
    """

    asset: np.ndarray
    number: np.ndarray
    first_at: np.ndarray
    before_us: np.ndarray
    after_us: np.ndarray
    repaired_us: dict[tuple[int, int], list[int]]
    failed_us: dict[tuple[int, int], list[int]]
    serviced: dict[tuple[int, int], list[tuple[str, int, int]]]

    def told_in(self, told: dict[tuple[int, int], list[T]]) -> Iterator[tuple[int, int, list[T]]]:
        """Asset, watermark before, and what is told in those of these segments in which something is."""
        for (asset, number), of_segment in told.items():
            at = np.flatnonzero((self.asset == asset) & (self.number == number))
            if len(at):
                yield asset, int(self.before_us[at[0]]), of_segment

    @property
    def rounds(self) -> int:
        """How many segments the asset with most of them has."""
        return int(self.number.max(initial=-1)) + 1

    def of_round(self, number: int) -> Segments:
        """The segments that have this number: one an asset."""
        chosen = self.number == number
        asset, numbers, first_at, before_us, after_us = (column[chosen] for column in self[:5])
        return Segments(asset, numbers, first_at, before_us, after_us, *self[5:])


class Rises(NamedTuple):
    """Where the watermarks of assets rose, by asset and place; `second` is asset and second of the watermark in one."""

    asset: np.ndarray
    second: np.ndarray
    at: np.ndarray

    @classmethod
    def of(cls, asset: np.ndarray, time_us: np.ndarray, at: np.ndarray) -> Rises:
        """From watermarks in order of asset and place."""
        return cls(asset, _second(asset, time_us), at)

    @property
    def assets(self) -> np.ndarray:
        """Each asset once."""
        return self.asset[changes(self.asset)]

    def reached_at(self, asset: np.ndarray, time_us: np.ndarray) -> np.ndarray:
        """Places of the records that brought the assets' watermarks to these whole seconds or beyond."""
        return self.at[np.searchsorted(self.second, _second(asset, time_us))]

    def known_at(
        self, asset: np.ndarray, minute: np.ndarray, lateness_us: int, pauses: dict[tuple[int, int], int]
    ) -> np.ndarray:
        """Places of the records that made minutes final; of pauses, not before the one that ended them.

        What ends a pause may come when a tick has made it final, so that no watermark rises with it.
        """
        places = np.searchsorted(self.second, _second(asset, (minute + 1) * MINUTE_US + lateness_us))
        rose = places < np.searchsorted(self.asset, asset, side="right")
        final_at = np.where(rose, np.append(self.at, NEVER)[places], NEVER)
        ended_at = [pauses.get(pair, NEVER) for pair in zip(asset.tolist(), minute.tolist(), strict=True)]
        places = np.maximum(final_at, ended_at)
        if (places == NEVER).any():
            raise IndexError("a minute is final that no record of the batch made so")
        return places


def _second(asset: np.ndarray, time_us: np.ndarray) -> np.ndarray:
    return (asset << _SECOND_BITS) | (time_us // SECOND_US)


@dataclass(slots=True)
class Ordered:
    """Segments and rises of watermarks; per frame its segment; per row whether it came too late for bins.

    And which assets fell silent or were heard again, and which late spans to tell of.
    """

    segments: Segments
    rises: Rises
    frame_segment: np.ndarray
    late: np.ndarray
    silences: list[Silence]
    told: list[Told]
    stirred: np.ndarray
    """Assets of which more changes than samples and watermarks, some of them more than once."""


def order(
    block: Block,
    columns: Columns,
    screened: Screened,
    ticks: list[tuple[int, int]],
    tick_us: int,
    lateness_us: int,
) -> Ordered:
    """Order the batch's records of one block; moves the block's watermarks. `tick_us`: the tick before it."""
    before_us, frames = _frames(block, columns, screened, ticks, tick_us, lateness_us)
    late = columns.row_time_us < (before_us - lateness_us)[columns.row_frame]
    walk = Walk(block, frames, tick_us, lateness_us)
    late_frames = np.flatnonzero(frames.lowest_us < frames.before_us - lateness_us).tolist()
    for at, what, which in _events(frames, late_frames, columns, ticks):
        walk.pass_frames(at)
        if what == _TICK:
            walk.tick(at, which)
        elif what == _LATE:
            _mark(block, frames, which, columns, late & screened.row_good)
        elif what == _ORDER:
            walk.finish(*columns.orders[which])
        else:
            walk.maintain(*columns.maintenance[which])
    walk.pass_frames(None)
    reopens = _reopens(frames, columns, screened, lateness_us)
    segments, rises, segment_of = _segments(frames, reopens, walk.steps)
    last = np.flatnonzero(changes(rises.asset[::-1])[::-1])
    block.watermark_us[rises.asset[last]] = walk.now_us[rises.asset[last]]
    frame_segment = np.zeros(len(before_us), np.int64)
    frame_segment[frames.number] = segment_of
    moved = _moved(segments, lateness_us), frames.asset[reopens], frames.asset[late_frames], np.array(walk.moved)
    stirred = np.concatenate(moved).astype(np.int64)
    return Ordered(segments, rises, frame_segment, late, walk.silences, walk.told, stirred)


def _moved(segments: Segments, lateness_us: int) -> np.ndarray:
    """Assets of which minutes closed or became final."""
    edges_us = segments.before_us, segments.after_us
    closed, closes = (us // MINUTE_US for us in edges_us)
    final, finals = ((us - lateness_us) // MINUTE_US for us in edges_us)
    return segments.asset[(closed != closes) | (final != finals)]


def _frames(
    block: Block, columns: Columns, screened: Screened, ticks: list[tuple[int, int]], tick_us: int, lateness_us: int
) -> tuple[np.ndarray, GoodFrames]:
    """The watermark before each frame, and those frames of which something is good."""
    lowest_us, highest_us = _extremes(columns, screened)
    own_us = _highest_before(columns.frame_asset, highest_us, block.watermark_us)
    tick_at = np.array([at for at, _ in ticks], np.int64)
    floor_us = np.array([floor_of(us, lateness_us) for us in (tick_us, *(us for _, us in ticks))], np.int64)
    before_us = np.maximum(own_us, floor_us[np.searchsorted(tick_at, columns.frame_at)])
    good = np.flatnonzero(highest_us != NEVER)
    parts = (columns.frame_at, columns.frame_asset, lowest_us, highest_us, before_us)
    return before_us, GoodFrames(good, *(part[good] for part in parts))


def _extremes(columns: Columns, screened: Screened) -> tuple[np.ndarray, np.ndarray]:
    """Earliest and latest time of each frame's good rows, NEVER for a frame without one."""
    lowest, highest = np.full(len(columns.frame_at), NEVER), np.full(len(columns.frame_at), NEVER)
    row_frame, time_us = columns.row_frame[screened.row_good], columns.row_time_us[screened.row_good]
    if len(row_frame):
        heads = np.flatnonzero(changes(row_frame))
        frame = row_frame[heads]
        lowest[frame], highest[frame] = np.minimum.reduceat(time_us, heads), np.maximum.reduceat(time_us, heads)
    return lowest, highest


def _highest_before(asset: np.ndarray, highest_us: np.ndarray, own_us: np.ndarray) -> np.ndarray:
    """Of each frame, the latest time of its asset in frames before it, or the watermark that the asset came with."""
    if not len(asset):
        return highest_us
    by_asset = np.argsort(asset, kind="stable")
    heads = changes(asset[by_asset])
    before_us = np.empty(len(asset), np.int64)
    before_us[1:] = highest_us[by_asset[:-1]]
    before_us[heads] = own_us[asset[by_asset[heads]]]
    falls = (before_us[1:] < before_us[:-1]) & ~heads[1:]
    if falls.any():
        # One running maximum serves all assets, since ranks of times, unlike times, can be set apart by asset.
        times_us, rank = np.unique(before_us, return_inverse=True)
        set_apart = (np.cumsum(heads) - 1) * len(times_us) + rank
        before_us = times_us[np.maximum.accumulate(set_apart) % len(times_us)]
    out = np.empty(len(asset), np.int64)
    out[by_asset] = before_us
    return out


_LATE, _MAINTENANCE, _ORDER, _TICK = range(4)


def _events(
    frames: GoodFrames, late_frames: list[int], columns: Columns, ticks: list[tuple[int, int]]
) -> Iterator[tuple[int, int, int]]:
    """(place in the batch, kind, which of its kind or the tick's time), in order of arrival."""
    return merge(
        ((int(frames.at[which]), _LATE, which) for which in late_frames),
        ((at, _MAINTENANCE, which) for which, (at, _, _) in enumerate(columns.maintenance)),
        ((at, _ORDER, which) for which, (at, _, _) in enumerate(columns.orders)),
        ((at, _TICK, time_us) for at, time_us in ticks),
    )


def _mark(block: Block, frames: GoodFrames, which: int, columns: Columns, late_rows: np.ndarray) -> None:
    """Mark the span of a frame's good rows that came too late for bins."""
    number = frames.number[which]
    mine = slice(*np.searchsorted(columns.row_frame, (number, number + 1)))
    times = columns.row_time_us[mine][late_rows[mine]]
    mark(block.small.late, int(frames.asset[which]), int(times.min()), int(times.max()))


def _reopens(frames: GoodFrames, columns: Columns, screened: Screened, lateness_us: int) -> np.ndarray:
    """Which frames have good rows in a minute that is closed but not yet final: bool [frames]."""
    closed_us = frames.before_us // MINUTE_US * MINUTE_US
    back = frames.lowest_us < closed_us
    if not back.any():
        return back
    of_frame = np.full((2, len(columns.frame_at)), NEVER)
    of_frame[:, frames.number] = frames.before_us - lateness_us, closed_us
    final_us, closed_us = of_frame[:, columns.row_frame]
    reach = screened.row_good & (columns.row_time_us >= final_us) & (columns.row_time_us < closed_us)
    return np.bincount(columns.row_frame[reach], minlength=len(columns.frame_at))[frames.number] > 0


def _segments(frames: GoodFrames, reopens: np.ndarray, steps: Steps) -> tuple[Segments, Rises, np.ndarray]:
    """Segments by asset, rises of watermarks, and the segment's number of each frame."""
    asset, at, before_us, begins, rise_us = (
        np.concatenate([of_frames, np.array(of_steps, of_frames.dtype)])
        for of_frames, of_steps in (
            (frames.asset, steps.asset),
            (frames.at, steps.at),
            (frames.before_us, steps.before_us),
            (reopens, steps.reopens),
            (np.where(frames.highest_us > frames.before_us, frames.highest_us, NEVER), steps.rise_us),
        )
    )
    by_asset = np.lexsort((at, asset))
    asset, at, before_us, begins, rise_us = (c[by_asset] for c in (asset, at, before_us, begins, rise_us))
    heads = changes(asset)
    begins |= heads
    count = np.cumsum(begins) - 1
    number = count - count[np.flatnonzero(heads)[np.cumsum(heads) - 1]] if len(count) else count
    first = np.flatnonzero(begins)
    after_us = np.maximum(np.maximum.reduceat(rise_us, first) if len(first) else rise_us, before_us[first])
    told = _maintained(steps, at, asset, number)
    segments = Segments(asset[first], number[first], at[first], before_us[first], after_us, *told)
    rose = rise_us != NEVER
    segment_of = np.empty(len(asset), np.int64)
    segment_of[by_asset] = number
    return segments, Rises.of(asset[rose], rise_us[rose], at[rose]), segment_of[: len(frames.at)]


_Maintained = dict[tuple[int, int], list[int]]
_Serviced = dict[tuple[int, int], list[tuple[str, int, int]]]


def _maintained(
    steps: Steps, at: np.ndarray, asset: np.ndarray, number: np.ndarray
) -> tuple[_Maintained, _Maintained, _Serviced]:
    """Times of repairs and of failures, and works on components, by asset and segment."""

    def segment(place: int) -> tuple[int, int]:
        where = int(np.flatnonzero(at == place)[0])
        return int(asset[where]), int(number[where])

    repaired_us: _Maintained = defaultdict(list)
    failed_us: _Maintained = defaultdict(list)
    serviced: _Serviced = defaultdict(list)
    for place, repaired, time_us in steps.events:
        (repaired_us if repaired else failed_us)[segment(place)].append(time_us)
    for place, component, known_us, done_us in steps.serviced:
        serviced[segment(place)].append((component, known_us, done_us))
    return repaired_us, failed_us, serviced
