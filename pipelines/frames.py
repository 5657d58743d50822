"""Frames of a batch to columns: every sample lands in one flat array per asset type, nothing is done twice per row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, compress, repeat
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from models.plant.layout import Layout
from models.quality import WRONG_KIND_MARK
from models.records import Frame, Maintenance, Quality, Sample, WorkOrder
from pipelines.ledger import Ledger

_PLAIN = frozenset((float, type(None)))
_signals, _quality, _times, _source = map(attrgetter, ("signals", "quality", "times_us", "source"))


class Frames(NamedTuple):
    """Frames in order of arrival: the place of each in the batch, its asset, the present it came in, and its times.

    Times are as the source's clock is believed.
    """

    frame: list[Frame]
    at: np.ndarray
    asset: np.ndarray
    present_us: np.ndarray
    times_us: list[list[int]]

    def where(self, chosen: np.ndarray) -> Frames:
        """The frames that a mask chooses; these themselves where it chooses all."""
        if chosen.all():
            return self
        flags = chosen.tolist()
        times_us = list(compress(self.times_us, flags))
        at, asset, present_us = self.at[chosen], self.asset[chosen], self.present_us[chosen]
        return Frames(list(compress(self.frame, flags)), at, asset, present_us, times_us)


class Objects(NamedTuple):
    """A column of a frame that holds no numbers by its kind, or is of no known signal."""

    frame: int
    name: str
    values: Sequence[Sample]


@dataclass(slots=True)
class Columns:
    """Records of one asset type in a batch; `said` is each value as its frame has it.

    What is no number stands in `value` as its mark of models.quality.
    """

    layout: Layout
    sources: tuple[str, ...]
    frame_at: np.ndarray  # [frames] place in the batch
    frame_asset: np.ndarray  # [frames]
    frame_source: np.ndarray  # [frames] place in sources
    frame_present_us: np.ndarray  # [frames]
    row_frame: np.ndarray  # [rows]
    row_time_us: np.ndarray  # [rows]
    value_row: np.ndarray  # [values]
    value_signal: np.ndarray  # [values]
    value: np.ndarray  # float64 [values]
    said: list[Sample]  # [values]
    objects: list[Objects]
    maintenance: list[tuple[int, int, Maintenance]] = field(default_factory=list)
    orders: list[tuple[int, WorkOrder]] = field(default_factory=list)

    @property
    def says_something(self) -> bool:
        """Whether the batch has records of this type."""
        return bool(len(self.frame_at) or self.maintenance or self.orders)

    @property
    def row_source(self) -> np.ndarray:
        """Place in `sources` of each row."""
        return self.frame_source[self.row_frame]

    def count_read(self, ledger: Ledger) -> None:
        """Count the frames' rows and values as read."""
        rows = np.bincount(self.row_source, minlength=len(self.sources))
        values = np.bincount(self.row_source[self.value_row], minlength=len(self.sources))
        for column in self.objects:
            values[self.frame_source[column.frame]] += len(column.values)
        ledger.read(dict(zip(self.sources, zip(rows.tolist(), values.tolist(), strict=True), strict=True)))


def columns_of(layout: Layout, frames: Frames) -> Columns:
    """Frames of one type as arrays. Columns of a frame have its number of times each."""
    of_source = list(map(_source, frames.frame))
    sources = {name: place for place, name in enumerate(dict.fromkeys(of_source))}
    rows = np.fromiter(map(len, frames.times_us), np.int64, len(of_source))
    signals = [frame.signals if not frame.quality else _without_bad(frame) for frame in frames.frame]
    names = list(chain.from_iterable(signals))
    columns = list(chain.from_iterable(map(dict.values, signals)))
    frame = np.repeat(np.arange(len(signals)), np.fromiter(map(len, signals), np.int64, len(signals)))
    signal = np.fromiter(map(layout.numeric_index.get, names, repeat(-1)), np.int64, len(names))
    numbers = signal >= 0
    objects: list[Objects] = []
    if not numbers.all():
        others = np.flatnonzero(~numbers).tolist()
        objects = [Objects(int(frame[column]), names[column], columns[column]) for column in others]
        frame, signal, columns = frame[numbers], signal[numbers], list(compress(columns, numbers.tolist()))
    said = list(chain.from_iterable(columns))
    value_row, lengths = _rows_of(rows, frame)
    return Columns(
        layout=layout,
        sources=tuple(sources),
        frame_at=frames.at,
        frame_asset=frames.asset,
        frame_source=np.fromiter(map(sources.__getitem__, of_source), np.int64, len(of_source)),
        frame_present_us=frames.present_us,
        row_frame=np.repeat(np.arange(len(rows)), rows),
        row_time_us=np.fromiter(chain.from_iterable(frames.times_us), np.int64, int(rows.sum())),
        value_row=value_row,
        value_signal=np.repeat(signal, lengths),
        value=_numbers(said),
        said=said,
        objects=objects,
    )


def uneven_of(frames: Sequence[Frame]) -> np.ndarray:
    """Which frames have a column, of samples or of quality, whose length is not that of their times: bool [frames]."""
    rows = np.fromiter(map(len, map(_times, frames)), np.int64, len(frames))
    uneven = np.zeros(len(frames), bool)
    for columns in (list(map(_signals, frames)), list(map(_quality, frames))):
        width = np.fromiter(map(len, columns), np.int64, len(frames))
        frame = np.repeat(np.arange(len(frames)), width)
        if len(frame):
            length = np.fromiter(map(len, chain.from_iterable(map(dict.values, columns))), np.int64, len(frame))
            uneven[frame[length != rows[frame]]] = True
    return uneven


def _without_bad(frame: Frame) -> dict[str, list[Sample]]:
    """A frame's signals with nothing where the quality is bad."""
    out = dict(frame.signals)
    for name in out.keys() & frame.quality.keys():
        pairs = zip(out[name], frame.quality[name], strict=True)
        out[name] = [None if quality >= Quality.BAD else value for value, quality in pairs]
    return out


def _rows_of(rows: np.ndarray, frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The row of each value of columns that belong to `frame` [columns], and the length of each column."""
    first_row = np.cumsum(rows) - rows
    lengths = rows[frame]
    if len(lengths) and lengths.max() == 1:
        return first_row[frame], lengths
    begins = np.cumsum(lengths) - lengths
    return np.repeat(first_row[frame] - begins, lengths) + np.arange(int(lengths.sum())), lengths


def _numbers(said: list[Sample]) -> np.ndarray:
    if set(map(type, said)) <= _PLAIN:
        return np.array(said, np.float64)
    return np.array([_number(value) for value in said], np.float64)


def _number(value: Sample) -> float | None:
    if value is None:
        return None
    return float(value) if type(value) in (float, int) else WRONG_KIND_MARK
