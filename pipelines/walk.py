"""Watermarks of one block while a batch passes in order: ticks, maintenance, and who falls silent or is heard again.

Plain frames move them by arrays; what is no plain frame is taken one by one. The stage `order` calls this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from models.bins import MINUTE_US
from models.records import OF_SENSORS, Maintenance, MaintenanceAction, WorkOrder
from pipelines.late import Told, look, mark
from pipelines.state import NEVER, Block, floor_of

SECOND_US = 1_000_000


class Silence(NamedTuple):
    """An asset that was last heard at `since_us` is silent at `time_us`, or heard again: place, asset, whether."""

    at: int
    asset: int
    since_us: int
    time_us: int
    is_silent: bool


class GoodFrames(NamedTuple):
    """Frames of which something is good: place, asset, earliest and latest good time, the watermark before each."""

    number: np.ndarray  # among all frames
    at: np.ndarray
    asset: np.ndarray
    lowest_us: np.ndarray
    highest_us: np.ndarray
    before_us: np.ndarray


@dataclass(slots=True)
class Steps:
    """What moves watermarks or begins segments beside frames, as columns: ticks that close minutes, maintenance."""

    asset: list[int] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    before_us: list[int] = field(default_factory=list)
    reopens: list[bool] = field(default_factory=list)
    rise_us: list[int] = field(default_factory=list)
    events: list[tuple[int, bool, int]] = field(default_factory=list)
    """Place of a maintenance record, whether it is a repair, and its time."""
    serviced: list[tuple[int, str, int, int]] = field(default_factory=list)
    """Place of a record that tells of work on a component, its name, from when that is known, and when it was done."""

    def add(self, asset: int, at: int, before_us: int, *, reopens: bool = False, rise_us: int = NEVER) -> None:
        """Note one at a place: its asset, the watermark before it, and what it moves it to, if it does."""
        self.asset.append(asset)
        self.at.append(at)
        self.before_us.append(before_us)
        self.reopens.append(reopens)
        self.rise_us.append(rise_us)


class Walk:
    """Watermarks of one block while what is no plain frame passes, in order."""

    def __init__(self, block: Block, frames: GoodFrames, tick_us: int, lateness_us: int) -> None:
        self.block, self.frames, self.lateness_us = block, frames, lateness_us
        self.floor_us = floor_of(tick_us, lateness_us)
        self.now_us = block.watermark_us.copy()
        self.pending = _pending(block)
        deadman_s = block.layout.asset_type.deadman_s
        self.deadman_us = None if deadman_s is None else deadman_s * SECOND_US
        self.silences: list[Silence] = []
        self.told: list[Told] = []
        self.steps = Steps()
        self.repaired_us: dict[int, int] = {}
        self.recalibrated: list[int] = []
        self._passed = 0

    @property
    def moved(self) -> list[int]:
        """Assets of which something changed by what is no plain frame."""
        return [
            *self.steps.asset,
            *self.recalibrated,
            *(silence.asset for silence in self.silences),
            *self.block.small.late,
        ]

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
        if record.action in OF_SENSORS:
            self._recalibrate(asset, record)
            return
        if record.action is MaintenanceAction.REPAIRED:
            self._serve(at, asset, record.mode, record.time_us)
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
            self.pending[asset] = True
        self.steps.add(asset, at, watermark_us, reopens=reopens)
        self.steps.events.append((at, repaired, time_us))

    def finish(self, at: int, asset: int, order: WorkOrder) -> None:
        """A work order is done, by its date; it moves no time."""
        self._serve(at, asset, order.mode, order.finished_us)

    def _serve(self, at: int, asset: int, mode: str, done_us: int) -> None:
        """Somebody worked on a component, if the mode names one; what is final did not know of it and stays."""
        component = self.block.layout.component_of.get(mode)
        if component is None:
            return
        watermark_us = self.watermark_us(asset)
        known_us = done_us if watermark_us == NEVER else max(done_us, watermark_us - self.lateness_us)
        reopens = watermark_us != NEVER and known_us < watermark_us // MINUTE_US * MINUTE_US
        self.steps.add(asset, at, watermark_us, reopens=reopens)
        self.steps.serviced.append((at, component, known_us, done_us))

    def _recalibrate(self, asset: int, record: Maintenance) -> None:
        """A sensor became another; one told of later than the lateness did so a lateness ago: what is final stays."""
        watermark_us, time_us = self.watermark_us(asset), record.time_us
        known = self.block.small.recalibrated.setdefault(asset, [])
        final_us = watermark_us - self.lateness_us
        if watermark_us != NEVER and time_us < final_us:
            mark(self.block.small.late, asset, time_us, final_us)
            before_us = max((us for us, signal in known if signal in ("", record.mode)), default=NEVER)
            if time_us <= max(before_us, self._last_repair_us(asset)):
                return  # told before, or of before what began this life
            time_us = final_us
        if (time_us, record.mode) not in known:
            known.append((time_us, record.mode))
            known.sort()
        self.recalibrated.append(asset)

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
    told_us = block.small.warned_life_us
    out[[at for at, us in block.small.repairs_us.items() if us and us[-1] > told_us.get(at, 0)]] = True
    return out
