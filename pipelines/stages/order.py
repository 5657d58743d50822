"""Event time over a batch: each asset's watermark, record by record, and where the batch must be cut for it.

Records of an asset that only add to its open minutes, or close them, may be taken together. A record that reaches
back into a closed minute, or a repair in the past, begins a new segment: what came before is evaluated first. So the
effects are those of one record at a time, at the price of one pass over arrays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import merge
from typing import NamedTuple

import numpy as np

from models.bins import MINUTE_US, changes
from models.records import Maintenance, MaintenanceAction
from pipelines.frames import Columns
from pipelines.late import Told, look, mark
from pipelines.stages.screen import Screened
from pipelines.state import NEVER, Block

SECOND_US = 1_000_000
_SECOND_BITS = 40
"""Seconds since 1970 of any record's time fit."""


class Segments(NamedTuple):
    """Records of one asset to take together, by asset and number: place of the first, watermark before and after.

    `repaired_us` and `failed_us` have the repairs and failures among them, by asset and number.
    """

    asset: np.ndarray
    number: np.ndarray
    first_at: np.ndarray
    before_us: np.ndarray
    after_us: np.ndarray
    repaired_us: dict[tuple[int, int], list[int]]
    failed_us: dict[tuple[int, int], list[int]]

    def told_in(self, times_us: dict[tuple[int, int], list[int]]) -> Iterator[tuple[int, int, list[int]]]:
        """Asset, watermark before, and times of those of these segments that repairs, or failures, are told in."""
        for (asset, number), told_us in times_us.items():
            at = np.flatnonzero((self.asset == asset) & (self.number == number))
            if len(at):
                yield asset, int(self.before_us[at[0]]), told_us

    @property
    def rounds(self) -> int:
        """How many segments the asset with most of them has."""
        return int(self.number.max(initial=-1)) + 1

    def of_round(self, number: int) -> Segments:
        """The segments that have this number: one an asset."""
        chosen = self.number == number
        asset, numbers, first_at, before_us, after_us = (column[chosen] for column in self[:5])
        return Segments(asset, numbers, first_at, before_us, after_us, self.repaired_us, self.failed_us)


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


def _second(asset: np.ndarray, time_us: np.ndarray) -> np.ndarray:
    return (asset << _SECOND_BITS) | (time_us // SECOND_US)


class Silence(NamedTuple):
    """An asset that was last heard at `since_us` is silent at `time_us`, or heard again: place, asset, whether."""

    at: int
    asset: int
    since_us: int
    time_us: int
    is_silent: bool


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


class _Frames(NamedTuple):
    """Frames of which something is good: place, asset, earliest and latest good time, the watermark before each."""

    number: np.ndarray  # among all frames
    at: np.ndarray
    asset: np.ndarray
    lowest_us: np.ndarray
    highest_us: np.ndarray
    before_us: np.ndarray


@dataclass(slots=True)
class _Steps:
    """What moves watermarks or begins segments beside frames, as columns: ticks that close minutes, maintenance."""

    asset: list[int] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    before_us: list[int] = field(default_factory=list)
    reopens: list[bool] = field(default_factory=list)
    rise_us: list[int] = field(default_factory=list)
    events: list[tuple[int, bool, int]] = field(default_factory=list)
    """Place of a maintenance record, whether it is a repair, and its time."""

    def add(self, asset: int, at: int, before_us: int, *, reopens: bool = False, rise_us: int = NEVER) -> None:
        self.asset.append(asset)
        self.at.append(at)
        self.before_us.append(before_us)
        self.reopens.append(reopens)
        self.rise_us.append(rise_us)


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
    walk = _Walk(block, frames, tick_us, lateness_us)
    late_frames = np.flatnonzero(frames.lowest_us < frames.before_us - lateness_us).tolist()
    for at, what, which in _events(frames, late_frames, columns, ticks):
        walk.pass_frames(at)
        if what == _TICK:
            walk.tick(at, which)
        elif what == _LATE:
            _mark(block, frames, which, columns, late & screened.row_good)
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
) -> tuple[np.ndarray, _Frames]:
    """The watermark before each frame, and those frames of which something is good."""
    lowest_us, highest_us = _extremes(columns, screened)
    own_us = _highest_before(columns.frame_asset, highest_us, block.watermark_us)
    tick_at = np.array([at for at, _ in ticks], np.int64)
    floor_us = np.array([_floor(us, lateness_us) for us in (tick_us, *(us for _, us in ticks))], np.int64)
    before_us = np.maximum(own_us, floor_us[np.searchsorted(tick_at, columns.frame_at)])
    good = np.flatnonzero(highest_us != NEVER)
    parts = (columns.frame_at, columns.frame_asset, lowest_us, highest_us, before_us)
    return before_us, _Frames(good, *(part[good] for part in parts))


def _floor(tick_us: int, lateness_us: int) -> int:
    """Minutes of silent assets close by the tick, a lateness behind it."""
    return NEVER if tick_us == NEVER else tick_us - lateness_us


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


_LATE, _MAINTENANCE, _TICK = range(3)


def _events(
    frames: _Frames, late_frames: list[int], columns: Columns, ticks: list[tuple[int, int]]
) -> Iterator[tuple[int, int, int]]:
    """(place in the batch, kind, which of its kind or the tick's time), in order of arrival."""
    return merge(
        ((int(frames.at[which]), _LATE, which) for which in late_frames),
        ((at, _MAINTENANCE, which) for which, (at, _, _) in enumerate(columns.maintenance)),
        ((at, _TICK, time_us) for at, time_us in ticks),
    )


def _mark(block: Block, frames: _Frames, which: int, columns: Columns, late_rows: np.ndarray) -> None:
    """Mark the span of a frame's good rows that came too late for bins."""
    number = frames.number[which]
    mine = slice(*np.searchsorted(columns.row_frame, (number, number + 1)))
    times = columns.row_time_us[mine][late_rows[mine]]
    mark(block.small.late, int(frames.asset[which]), int(times.min()), int(times.max()))


class _Walk:
    """Watermarks of one block while what is no plain frame passes, in order."""

    def __init__(self, block: Block, frames: _Frames, tick_us: int, lateness_us: int) -> None:
        self.block, self.frames, self.lateness_us = block, frames, lateness_us
        self.floor_us = _floor(tick_us, lateness_us)
        self.now_us = block.watermark_us.copy()
        self.pending = _pending(block)
        deadman_s = block.layout.asset_type.deadman_s
        self.deadman_us = None if deadman_s is None else deadman_s * SECOND_US
        self.silences: list[Silence] = []
        self.told: list[Told] = []
        self.steps = _Steps()
        self.repaired_us: dict[int, int] = {}
        self._passed = 0

    @property
    def moved(self) -> list[int]:
        """Assets of which something changed by what is no plain frame."""
        return [*self.steps.asset, *(silence.asset for silence in self.silences), *self.block.small.late]

    def pass_frames(self, at: int | None) -> None:
        """Take the frames before a place, or all that are left, into the watermarks and what was heard."""
        frames, begin = self.frames, self._passed
        end = len(frames.at) if at is None else int(np.searchsorted(frames.at, at))
        if end == begin:
            return
        self._passed = end
        asset, highest_us = frames.asset[begin:end], frames.highest_us[begin:end]
        np.maximum.at(self.now_us, asset, highest_us)
        self.pending[asset] = True
        self._hear(frames.at[begin:end], asset, highest_us)

    def _hear(self, at: np.ndarray, asset: np.ndarray, highest_us: np.ndarray) -> None:
        """Assets said something; those that were silent are heard again by what is newer than all before."""
        heard_us, silent_us = self.block.heard_us, self.block.small.silent_us
        if silent_us:
            newer = np.flatnonzero(np.isin(asset, list(silent_us)) & (highest_us > heard_us[asset]))
            for which in newer.tolist():
                one = int(asset[which])
                since_us = silent_us.pop(one, None)
                if since_us is not None:
                    self.silences.append(Silence(int(at[which]), one, since_us, int(highest_us[which]), False))
        np.maximum.at(heard_us, asset, highest_us)

    def _miss(self, at: int, time_us: int) -> None:
        """Tell of assets that were silent for longer than their type allows."""
        if self.deadman_us is None:
            return
        heard_us, silent_us, away = self.block.heard_us, self.block.small.silent_us, self.block.small.away
        for asset in np.flatnonzero((heard_us != NEVER) & (heard_us + self.deadman_us < time_us)).tolist():
            if asset not in silent_us and asset not in away:
                silent_us[asset] = int(heard_us[asset])
                self.silences.append(Silence(at, asset, silent_us[asset], time_us, True))

    def tick(self, at: int, time_us: int) -> None:
        """Minutes of silent assets close by the tick, a lateness behind it."""
        self._miss(at, time_us)
        floor_us = time_us - self.lateness_us
        if floor_us <= self.floor_us:
            return
        for asset in np.flatnonzero(self.pending & (self.now_us < floor_us)).tolist():
            self.steps.add(asset, at, self.watermark_us(asset), rise_us=floor_us)
            self.now_us[asset] = floor_us
        self.floor_us = floor_us
        for asset, own in sorted(self.block.small.late.items()):
            found = look(own, at, asset, time_us, self.watermark_us(asset) - self.lateness_us)
            if found is not None:
                self.told.append(found)

    def maintain(self, at: int, asset: int, record: Maintenance) -> None:
        """A failure or a repair, which is told of later than it was."""
        watermark_us, time_us = self.watermark_us(asset), record.time_us
        repaired = record.action is MaintenanceAction.REPAIRED
        final_us = watermark_us - self.lateness_us
        if watermark_us != NEVER and time_us < final_us:
            mark(self.block.small.late, asset, time_us, final_us)
            if repaired and time_us <= self._last_repair_us(asset):
                return  # told before, or of before what began this life
            # What is final stays: a repair told of later than the lateness begins the new life a lateness ago.
            time_us = final_us if repaired else time_us
        reopens = watermark_us != NEVER and time_us < watermark_us // MINUTE_US * MINUTE_US
        if repaired:
            self.repaired_us[asset] = max(time_us, self.repaired_us.get(asset, NEVER))
        self.steps.add(asset, at, watermark_us, reopens=reopens)
        self.steps.events.append((at, repaired, time_us))

    def _last_repair_us(self, asset: int) -> int:
        """When the last repair began a life."""
        return max((*self.block.small.repairs_us.get(asset, ()), self.repaired_us.get(asset, NEVER)))

    def watermark_us(self, asset: int) -> int:
        """As of what passed."""
        return max(int(self.now_us[asset]), self.floor_us)


def _pending(block: Block) -> np.ndarray:
    """Assets with something that a tick could close or make final: bool [assets]."""
    out = np.zeros(len(block.watermark_us), bool)
    block.open.mark(out)
    out[list(block.small.unsettled)] = True
    return out


def _reopens(frames: _Frames, columns: Columns, screened: Screened, lateness_us: int) -> np.ndarray:
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


def _segments(frames: _Frames, reopens: np.ndarray, steps: _Steps) -> tuple[Segments, Rises, np.ndarray]:
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
    repaired_us, failed_us = _maintained(steps, at, asset, number)
    segments = Segments(asset[first], number[first], at[first], before_us[first], after_us, repaired_us, failed_us)
    rose = rise_us != NEVER
    segment_of = np.empty(len(asset), np.int64)
    segment_of[by_asset] = number
    return segments, Rises.of(asset[rose], rise_us[rose], at[rose]), segment_of[: len(frames.at)]


_Maintained = dict[tuple[int, int], list[int]]


def _maintained(
    steps: _Steps, at: np.ndarray, asset: np.ndarray, number: np.ndarray
) -> tuple[_Maintained, _Maintained]:
    """Times of repairs and of failures, by asset and segment."""
    repaired_us: _Maintained = defaultdict(list)
    failed_us: _Maintained = defaultdict(list)
    for place, repaired, time_us in steps.events:
        where = int(np.flatnonzero(at == place)[0])
        (repaired_us if repaired else failed_us)[int(asset[where]), int(number[where])].append(time_us)
    return repaired_us, failed_us
