"""Records of a batch told apart: samples go into columns per asset type, what cannot be used leaves with its reason.

Changes no state but the order in which assets and sources are first seen, clocks, ticks, and counts of the ledger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from operator import attrgetter, itemgetter
from typing import cast

import numpy as np

from models.clocks import Clock, Heard, hear
from models.plant import Plant
from models.records import (
    Control,
    DeadLetter,
    FeedReport,
    Frame,
    Maintenance,
    Notice,
    Reject,
    Tick,
    WorkOrder,
)
from pipelines.controls.clocks import TOO_MANY, Quarantined, closing, opening
from pipelines.frames import Columns, Frames, columns_of, joined
from pipelines.parse import Parsed, Rejected, parse
from pipelines.ports import RawRecord
from pipelines.refused import check_old, check_sensor, check_time, moved, out_of_place, rejected, size, unequal
from pipelines.state import NEVER, PLACE_BITS, State

_arrived_ms, _asset, _source = itemgetter(1), attrgetter("asset"), attrgetter("source")


@dataclass(slots=True)
class Decoded:
    """A batch told apart: columns per asset type, ticks, dead letters, with their records' places in the batch."""

    tick_us: int  # the last tick before the batch
    columns: dict[str, Columns] = field(default_factory=dict)
    ticks: list[tuple[int, int]] = field(default_factory=list)
    letters: list[tuple[int, DeadLetter]] = field(default_factory=list)
    held: list[tuple[int, Quarantined | Notice]] = field(default_factory=list)  # of clocks that jumped
    end: int = 0  # place behind the last record that was told apart
    control: Control | None = None  # that last one, if those behind it wait for what it changes


SLICE = 512
"""Records that are parsed and made columns of at once: their objects fit a processor's cache, and a batch's do not."""


def decode(batch: Sequence[RawRecord], start: int, plant: Plant, state: State) -> Decoded:
    """Tell a batch apart from a place on, up to a control record. Counts what was read and rejected; takes ticks."""
    out = Decoded(state.tick_us, end=start)
    parts: dict[str, list[Columns]] = {name: [] for name in state.blocks}
    while out.end < len(batch) and out.control is None:
        _Reading(batch, out, plant, state).read(parts)
    out.columns = {name: joined(state.blocks[name].layout, of_type) for name, of_type in parts.items()}
    return out


class _Reading:
    """One pass over a slice of a batch: frames of the plant as arrays, all other records one by one.

    Places in here count from where the slice begins.
    """

    def __init__(self, batch: Sequence[RawRecord], out: Decoded, plant: Plant, state: State) -> None:
        self.plant, self.state, self.out, self.start = plant, state, out, out.end
        self.ticks_before, self.tick_us = len(out.ticks), state.tick_us
        self.wrong: dict[int, Rejected] = {}
        self.maintenance: dict[int, list[tuple[int, int, Maintenance]]] = defaultdict(list)
        self.orders: dict[int, list[tuple[int, int, WorkOrder]]] = defaultdict(list)
        raw = batch[self.start : self.start + SLICE]
        records = parse(raw)
        is_frame = [type(record) is Frame and record.plant == plant.plant for record in records]
        others = [at for at, is_one in enumerate(is_frame) if not is_one]
        end = next((at + 1 for at in others if _is_control(records[at], plant.plant)), len(records))
        self.raw, self.records, self.others = raw[:end], records[:end], [at for at in others if at < end]
        self.frames = cast("list[Frame]", list(compress(self.records, is_frame)))
        self.frame_at = np.flatnonzero(is_frame[:end])
        out.end += end
        arrived_us = np.fromiter(map(_arrived_ms, self.raw), np.int64, end) * 1000
        self.arrived_us = np.where(arrived_us == 0, NEVER, arrived_us)

    def read(self, parts: dict[str, list[Columns]]) -> None:
        """Tell all apart; adds to the columns of each type."""
        state, out = self.state, self.out
        state.ledger.records_read += len(self.records)
        self._see()
        for at in self.others:
            try:
                self._take(at, self.records[at])
            except Rejected as wrong:
                self.wrong[at] = wrong
        frames, kind = self._frames()
        for number, (name, block) in enumerate(state.blocks.items()):
            block.make_room()
            columns = columns_of(block.layout, frames.where(kind == number))
            columns.maintenance, columns.orders = self.maintenance[number], self.orders[number]
            if columns.says_something:
                columns.count_read(state.ledger)
                parts[name].append(columns)
        for at, reject in sorted(self.wrong.items()):
            letter = rejected(state.ledger, self.plant.plant, reject, self.raw[at].value)
            out.letters.append((self.start + at, letter))

    def _see(self) -> None:
        """Have assets and sources that are new get their places in the order of the records."""
        if any(isinstance(self.records[at], Maintenance | WorkOrder) for at in self.others):
            for record in self.records:
                if isinstance(record, Frame | Maintenance | WorkOrder) and record.plant == self.plant.plant:
                    self.state.places[record.asset]
        frames = [record for record in self.records if type(record) is Frame] if self.others else self.frames
        for source in dict.fromkeys(map(_source, frames)):
            self.state.ledger.of(source)

    def _take(self, at: int, record: Parsed) -> None:
        """Take a record that is no frame of this plant. Raises Rejected."""
        if isinstance(record, Rejected):
            raise record
        name, arrived_us = self.plant.plant, int(self.arrived_us[at])
        if record.plant != name:
            raise Rejected(Reject.WRONG_PLANT, f"plant '{record.plant}', but this is '{name}'", *size(record))
        if isinstance(record, Tick):
            # A tick is held against its arrival alone: one host whose clock is ahead must not move time for all.
            check_time(record.time_us, arrived_us, "")
            self.state.tick_us = max(self.state.tick_us, record.time_us)
            self.out.ticks.append((self.start + at, self.state.tick_us))
        elif isinstance(record, FeedReport):
            self.state.ledger.report(record.source, record.counts)
        elif isinstance(record, Maintenance | WorkOrder):
            place = self.state.places[record.asset]
            if place < 0:
                raise out_of_place(record, place, self.state.share)
            kind, asset = place >> PLACE_BITS, place & ((1 << PLACE_BITS) - 1)
            if isinstance(record, WorkOrder):
                # Its dates are what people typed, days off at times: they are kept as they are and move no time.
                check_old(record.reported_us, record.asset)
                self.orders[kind].append((self.start + at, asset, record))
            else:
                check_time(record.time_us, max(self.state.tick_us, arrived_us), record.asset)
                check_sensor(record, self.plant)
                self.maintenance[kind].append((self.start + at, asset, record))
        else:
            self.out.control = cast("Control", record)

    def _frames(self) -> tuple[Frames, np.ndarray]:
        """The frames to take in, and the number of each one's block."""
        place = np.fromiter(map(self.state.places.__getitem__, map(_asset, self.frames)), np.int64, len(self.frames))
        placed = place >= 0
        for at in np.flatnonzero(~placed).tolist():
            self.wrong[int(self.frame_at[at])] = out_of_place(self.frames[at], int(place[at]), self.state.share)
        frames = Frames.of(self.frames, self.start + self.frame_at, place & ((1 << PLACE_BITS) - 1), self._present_us())
        uneven = frames.uneven() & placed
        for bad in np.flatnonzero(uneven).tolist():
            self.wrong[int(self.frame_at[bad])] = unequal(self.frames[bad])
        chosen = placed & ~uneven
        frames, place = frames.where(chosen), place[chosen]
        told = self._told_by_clocks(frames)
        return frames.where(told), place[told] >> PLACE_BITS

    def _present_us(self) -> np.ndarray:
        """The present of each frame: the last tick before it or its own arrival, whichever is later."""
        ticks = self.out.ticks[self.ticks_before :]
        tick_at = np.array([at for at, _ in ticks], np.int64) - self.start
        tick_us = np.array([self.tick_us, *(us for _, us in ticks)], np.int64)
        return np.maximum(tick_us[np.searchsorted(tick_at, self.frame_at)], self.arrived_us[self.frame_at])

    def _told_by_clocks(self, frames: Frames) -> np.ndarray:
        """Have each source's clock look at its frames, and move their times; which are taken in: bool [frames]."""
        times, held, known = frames.times_us, [], self.state.clocks.by_asset
        for number, (frame, present_us) in enumerate(zip(frames.frame, frames.present_us.tolist(), strict=True)):
            try:
                clock = known[frame.asset][frame.source]
            except KeyError:
                clock = _meet(int(frames.at[number]), frame, present_us, self.out, self.state)
            if clock.shift_us:
                try:
                    times[number] = moved(frame, clock.shift_us)
                except Rejected as wrong:
                    self.wrong[int(frames.at[number]) - self.start] = wrong
                    held.append(number)
                    continue
            if present_us != NEVER and not clock.follow(times[number], present_us):
                heard = hear(clock, times[number], present_us)
                _tell_clock(int(frames.at[number]), frame, heard, clock, present_us, self.out)
                if heard.verdict.jumped:
                    self.state.ledger.hold(*size(frame))
                    held.append(number)
        told = np.ones(len(times), bool)
        told[held] = False
        return told


def _is_control(record: Parsed, plant: str) -> bool:
    return isinstance(record, Control) and record.plant == plant


def _meet(at: int, frame: Frame, present_us: int, out: Decoded, state: State) -> Clock:
    """A new clock that a frame was made by; it may end the questions of another, since so many are kept."""
    clock, forgotten = state.clocks.meet(frame.asset, frame.source)
    for source, hours, since_us in forgotten:
        ended = closing(frame.plant, frame.asset, source, hours, since_us, max(since_us, present_us), TOO_MANY)
        out.held.append((at, ended))
    return clock


def _tell_clock(at: int, frame: Frame, heard: Heard, clock: Clock, present_us: int, out: Decoded) -> None:
    """Note what is to be published of a frame that its source's clock did not explain."""
    verdict, who = heard.verdict, (frame.plant, frame.asset, frame.source)
    if verdict.jumped:
        out.held.append((at, Quarantined(*who, verdict.hours)))
    if heard.opened:
        out.held.append((at, opening(*who, verdict.hours, clock.shift_us, present_us)))
    for hours, since_us in heard.ended:
        out.held.append((at, closing(*who, hours, since_us, present_us)))
