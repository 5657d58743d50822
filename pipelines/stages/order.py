"""Event time over a batch: each asset's watermark, record by record, and where the batch must be cut for it.

Records of an asset that only add to its open minutes, or close them, may be taken together. A record that reaches
back into a closed minute, or a repair in the past, begins a new segment: what came before is evaluated first. So the
effects are those of one record at a time, at the price of one pass over arrays.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import merge
from typing import NamedTuple

import numpy as np

from models.bins import MINUTE_US
from models.records import MaintenanceAction
from pipelines.late import Told, look, mark
from pipelines.stages.decode import Columns, Flat
from pipelines.stages.screen import Screened
from pipelines.state import NEVER, Block

SECOND_US = 1_000_000


@dataclass(slots=True)
class Segment:
    """Records of one asset to take together: place of the first, watermark before it and after the last.

    With the repairs and failures among them.
    """

    first_at: int
    before_us: int
    after_us: int
    repaired_us: list[int] = field(default_factory=list)
    failed_us: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Track:
    """One asset's way through the batch: its segments, and where its watermark rose to what."""

    segments: list[Segment] = field(default_factory=list)
    rises_at: list[int] = field(default_factory=list)
    rises_us: list[int] = field(default_factory=list)

    def reached_at(self, time_us: int) -> int:
        """Place of the record that brought the watermark to `time_us` or beyond."""
        return self.rises_at[bisect_left(self.rises_us, time_us)]


class Silence(NamedTuple):
    """An asset that was last heard at `since_us` is silent at `time_us`, or heard again: place, asset, whether."""

    at: int
    asset: int
    since_us: int
    time_us: int
    is_silent: bool


@dataclass(slots=True)
class Ordered:
    """Tracks by asset; per frame its segment and the watermark before it; per row whether it came too late for bins.

    And which assets fell silent or were heard again, and which late spans to tell of.
    """

    tracks: dict[int, Track]
    frame_segment: np.ndarray
    late: np.ndarray
    silences: list[Silence]
    told: list[Told]


class _Walk:
    """Watermarks of one block while the batch passes."""

    def __init__(self, block: Block, lateness_us: int, tick_us: int) -> None:
        self.block, self.lateness_us = block, lateness_us
        self.pending = _pending(block)
        self.floor_us = NEVER if tick_us == NEVER else tick_us - lateness_us
        self.now_us: dict[int, int] = {}
        self.tracks: dict[int, Track] = {}
        deadman_s = block.layout.asset_type.deadman_s
        self.deadman_us = None if deadman_s is None else deadman_s * SECOND_US
        self.silences: list[Silence] = []
        self.told: list[Told] = []

    def watermark_us(self, asset: int) -> int:
        own = self.now_us.get(asset)
        return max(own if own is not None else int(self.block.watermark_us[asset]), self.floor_us)

    def repaired_us(self, asset: int) -> int:
        """When the last repair began a life."""
        in_batch = (us for segment in self.tracks.get(asset, Track()).segments for us in segment.repaired_us)
        return max((*self.block.small.repairs_us.get(asset, ()), *in_batch), default=NEVER)

    def segment(self, at: int, asset: int, reopens: bool) -> int:
        """Number of the segment that the record at `at` joins or begins."""
        track = self.tracks.get(asset)
        if track is None:
            track = self.tracks[asset] = Track()
        if reopens or not track.segments:
            now_us = self.watermark_us(asset)
            track.segments.append(Segment(at, now_us, now_us))
        return len(track.segments) - 1

    def rise(self, at: int, asset: int, time_us: int) -> None:
        if time_us <= self.watermark_us(asset):
            return
        track = self.tracks[asset]
        self.now_us[asset] = track.segments[-1].after_us = time_us
        track.rises_at.append(at)
        track.rises_us.append(time_us)

    def hear(self, at: int, asset: int, time_us: int) -> None:
        """An asset said something newer than all before."""
        since_us = self.block.small.silent_us.pop(asset, None)
        if since_us is not None:
            self.silences.append(Silence(at, asset, since_us, time_us, False))
        self.block.heard_us[asset] = time_us

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
        for asset in sorted(self.pending):
            if self.watermark_us(asset) < floor_us:
                self.segment(at, asset, False)
                self.rise(at, asset, floor_us)
        self.floor_us = floor_us
        for asset, own in sorted(self.block.small.late.items()):
            found = look(own, at, asset, time_us, self.watermark_us(asset) - self.lateness_us)
            if found is not None:
                self.told.append(found)


def order(
    block: Block,
    columns: Columns,
    flat: Flat,
    screened: Screened,
    ticks: list[tuple[int, int]],
    tick_us: int,
    lateness_us: int,
) -> Ordered:
    """Walk the batch's records of one block in order; moves the block's watermarks. `tick_us`: the tick before it."""
    walk = _Walk(block, lateness_us, tick_us)
    frame_segment = np.zeros(len(columns.frame_at), np.int64)
    before = np.full(len(columns.frame_at), NEVER, np.int64)
    lowest, highest = _extremes(columns, flat, screened)
    for at, what, which in _events(columns, ticks):
        if what == _TICK:
            walk.tick(at, which)
        elif what == _FRAME:
            asset = columns.frame_asset[which]
            before[which] = watermark = walk.watermark_us(asset)
            if highest[which] == NEVER:
                continue
            if highest[which] > block.heard_us[asset]:
                walk.hear(at, asset, highest[which])
            if lowest[which] < watermark - lateness_us:
                _mark(walk, asset, flat, screened, which)
            reopens = _reopens(flat, screened, which, lowest[which], watermark, lateness_us)
            frame_segment[which] = walk.segment(at, asset, reopens)
            walk.pending.add(asset)
            walk.rise(at, asset, highest[which])
        else:
            _maintained(walk, columns, which)
    for asset, watermark_us in walk.now_us.items():
        block.watermark_us[asset] = watermark_us
    late = flat.row_time_us < (before - lateness_us)[flat.row_frame]
    return Ordered(walk.tracks, frame_segment, late, walk.silences, walk.told)


_FRAME, _MAINTENANCE, _TICK = range(3)


def _events(columns: Columns, ticks: list[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """(place in the batch, kind, which of its kind or the tick's time), in order of arrival."""
    return merge(
        ((at, _FRAME, which) for which, at in enumerate(columns.frame_at)),
        ((at, _MAINTENANCE, which) for which, (at, _, _) in enumerate(columns.maintenance)),
        ((at, _TICK, time_us) for at, time_us in ticks),
    )


def _pending(block: Block) -> set[int]:
    """Assets with something that a tick could close or make final."""
    return set(np.unique(block.open.asset).tolist()) | block.small.unsettled.keys()


def _extremes(columns: Columns, flat: Flat, screened: Screened) -> tuple[list[int], list[int]]:
    """Earliest and latest time of each frame's good rows, NEVER for a frame without one."""
    frames = len(columns.frame_at)
    lowest, highest = [NEVER] * frames, [NEVER] * frames
    row_frame, time_us = flat.row_frame[screened.row_good], flat.row_time_us[screened.row_good]
    if len(row_frame):
        heads = np.flatnonzero(np.diff(row_frame, prepend=-1))
        lows, highs = np.minimum.reduceat(time_us, heads).tolist(), np.maximum.reduceat(time_us, heads).tolist()
        for frame, low, high in zip(row_frame[heads].tolist(), lows, highs, strict=True):
            lowest[frame], highest[frame] = low, high
    return lowest, highest


def _reopens(flat: Flat, screened: Screened, frame: int, lowest_us: int, watermark_us: int, lateness_us: int) -> bool:
    """Whether a frame has rows in a minute that is closed but not yet final."""
    closed_us = watermark_us // MINUTE_US * MINUTE_US
    if watermark_us == NEVER or lowest_us >= closed_us:
        return False
    if lowest_us >= watermark_us - lateness_us:
        return True
    times = _good_times(flat, screened, frame)
    return bool(((times >= watermark_us - lateness_us) & (times < closed_us)).any())


def _good_times(flat: Flat, screened: Screened, frame: int) -> np.ndarray:
    mine = slice(*np.searchsorted(flat.row_frame, (frame, frame + 1)))
    return flat.row_time_us[mine][screened.row_good[mine]]


def _mark(walk: _Walk, asset: int, flat: Flat, screened: Screened, frame: int) -> None:
    """Mark the span of a frame's good rows that came too late for bins."""
    times = _good_times(flat, screened, frame)
    late = times[times < walk.watermark_us(asset) - walk.lateness_us]
    mark(walk.block.small.late, asset, int(late.min()), int(late.max()))


def _maintained(walk: _Walk, columns: Columns, which: int) -> None:
    at, asset, record = columns.maintenance[which]
    watermark_us, time_us = walk.watermark_us(asset), record.time_us
    repaired = record.action is MaintenanceAction.REPAIRED
    final_us = watermark_us - walk.lateness_us
    if watermark_us != NEVER and time_us < final_us:
        mark(walk.block.small.late, asset, time_us, final_us)
        if repaired and time_us <= walk.repaired_us(asset):
            return  # told before, or of before what began this life
        # What is final stays: a repair told of later than the lateness begins the new life a lateness ago.
        time_us = final_us if repaired else time_us
    reopens = watermark_us != NEVER and time_us < watermark_us // MINUTE_US * MINUTE_US
    number = walk.segment(at, asset, reopens)
    segment = walk.tracks[asset].segments[number]
    (segment.repaired_us if repaired else segment.failed_us).append(time_us)
