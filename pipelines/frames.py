"""Frames of a batch to columns: every sample lands in one flat array per asset type, nothing is done twice per row."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass, field
from itertools import chain, compress, repeat
from operator import attrgetter
from typing import NamedTuple, TypeVar

import numpy as np

from models.plant.layout import Layout
from models.quality import WRONG_KIND_MARK
from models.records import Frame, Maintenance, Quality, Sample, WorkOrder
from pipelines.ledger import Ledger

T = TypeVar("T")

_PLAIN = frozenset((float, type(None)))
_signals, _quality, _times, _source = map(attrgetter, ("signals", "quality", "times_us", "source"))


class Frames(NamedTuple):
    """Frames in order of arrival: the place of each in the batch, its asset, the present it came in, its times.

    Times are as the source's clock is believed. `names` and `columns` are those of all frames, one after the other,
    `width` is how many each has.
    """

    frame: list[Frame]
    at: np.ndarray
    asset: np.ndarray
    present_us: np.ndarray
    times_us: list[list[int]]
    rows: np.ndarray
    width: np.ndarray
    names: list[str]
    columns: list[list[Sample]]

    @classmethod
    def of(cls, frames: list[Frame], at: np.ndarray, asset: np.ndarray, present_us: np.ndarray) -> Frames:
        """Frames as they came."""
        times_us, signals = list(map(_times, frames)), list(map(_signals, frames))
        rows, width = _lengths(times_us), _lengths(signals)
        return cls(frames, at, asset, present_us, times_us, rows, width, *_flat(signals))

    def where(self, chosen: np.ndarray) -> Frames:
        """The frames that a mask chooses; these themselves where it chooses all."""
        if chosen.all():
            return self
        flags, of_column = chosen.tolist(), np.repeat(chosen, self.width).tolist()
        return Frames(
            list(compress(self.frame, flags)),
            self.at[chosen],
            self.asset[chosen],
            self.present_us[chosen],
            list(compress(self.times_us, flags)),
            self.rows[chosen],
            self.width[chosen],
            list(compress(self.names, of_column)),
            list(compress(self.columns, of_column)),
        )

    def uneven(self) -> np.ndarray:
        """Which have a column, of samples or of quality, whose length is not that of their times: bool [frames]."""
        out = np.zeros(len(self.frame), bool)
        _find_uneven(out, self.rows, self.width, self.columns)
        if any(map(_quality, self.frame)):
            quality = list(map(_quality, self.frame))
            _find_uneven(out, self.rows, _lengths(quality), _flat(quality)[1])
        return out

    def without_bad(self) -> Frames:
        """With nothing where a value's quality is bad; none of the frames may be uneven."""
        if not any(map(_quality, self.frame)):
            return self
        names, columns = _flat([frame.signals if not frame.quality else _good_of(frame) for frame in self.frame])
        return self._replace(names=names, columns=columns)


def _lengths(things: Sequence[Sized]) -> np.ndarray:
    return np.fromiter(map(len, things), np.int64, len(things))


def _flat(by_name: list[dict[str, list[T]]]) -> tuple[list[str], list[list[T]]]:
    return list(chain.from_iterable(by_name)), list(chain.from_iterable(map(dict.values, by_name)))


def _find_uneven(out: np.ndarray, rows: np.ndarray, width: np.ndarray, columns: Sequence[Sized]) -> None:
    of_column = np.repeat(np.arange(len(rows)), width)
    out[of_column[_lengths(columns) != rows[of_column]]] = True


class Objects(NamedTuple):
    """A column of a frame that holds no numbers by its kind, or is of no known signal.

    It has a value for each of the frame's rows, or only for those at the places `at` among them.
    """

    frame: int
    name: str
    values: Sequence[Sample]
    at: Sequence[int] | None = None


@dataclass(slots=True)
class Columns:
    """Records of one asset type in a batch.

    What is no number stands in `value` as its mark of models.quality, and in `said` as its frame has it.
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
    said: dict[int, Sample]  # by place in value
    objects: list[Objects]
    maintenance: list[tuple[int, int, Maintenance]] = field(default_factory=list)
    orders: list[tuple[int, int, WorkOrder]] = field(default_factory=list)

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
    frames = frames.without_bad()
    sources, frame_source = _sources(list(map(_source, frames.frame)))
    rows, columns = frames.rows, frames.columns
    frame = np.repeat(np.arange(len(rows)), frames.width)
    signal = np.fromiter(map(layout.numeric_index.get, frames.names, repeat(-1)), np.int64, len(frames.names))
    numbers = signal >= 0
    objects: list[Objects] = []
    if not numbers.all():
        others = np.flatnonzero(~numbers).tolist()
        objects = [Objects(int(frame[column]), frames.names[column], columns[column]) for column in others]
        frame, signal, columns = frame[numbers], signal[numbers], list(compress(columns, numbers.tolist()))
    said = list(chain.from_iterable(columns))
    value, odd = _numbers(said)
    value_row, lengths = _rows_of(rows, frame)
    return Columns(
        layout=layout,
        sources=sources,
        frame_at=frames.at,
        frame_asset=frames.asset,
        frame_source=frame_source,
        frame_present_us=frames.present_us,
        row_frame=np.repeat(np.arange(len(rows)), rows),
        row_time_us=np.fromiter(chain.from_iterable(frames.times_us), np.int64, int(rows.sum())),
        value_row=value_row,
        value_signal=np.repeat(signal, lengths),
        value=value,
        said=odd,
        objects=objects,
    )


def _sources(of_frame: list[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Each source once, in order, and the place of each frame's there."""
    place = {name: at for at, name in enumerate(dict.fromkeys(of_frame))}
    if len(place) == 1:
        return tuple(place), np.zeros(len(of_frame), np.int64)
    return tuple(place), np.fromiter(map(place.__getitem__, of_frame), np.int64, len(of_frame))


def _good_of(frame: Frame) -> dict[str, list[Sample]]:
    """A frame's signals with nothing where the quality is bad."""
    out = dict(frame.signals)
    for name in out.keys() & frame.quality.keys():
        pairs = zip(out[name], frame.quality[name], strict=True)
        out[name] = [None if quality >= Quality.BAD else value for value, quality in pairs]
    return out


def _rows_of(rows: np.ndarray, frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The row of each value of columns that belong to `frame` [columns], and the length of each column."""
    lengths = rows[frame]
    if len(rows) and rows.max() == 1:
        return frame, lengths
    first_row = np.cumsum(rows) - rows
    begins = np.cumsum(lengths) - lengths
    return np.repeat(first_row[frame] - begins, lengths) + np.arange(int(lengths.sum())), lengths


def _numbers(said: list[Sample]) -> tuple[np.ndarray, dict[int, Sample]]:
    """Values as floats, and what is no number as it was said, by place."""
    if set(map(type, said)) <= _PLAIN:
        return np.array(said, np.float64), {}
    odd = {at: value for at, value in enumerate(said) if type(value) not in _PLAIN}
    return np.array([_number(value) for value in said], np.float64), odd


def _number(value: Sample) -> float | None:
    if value is None:
        return None
    return float(value) if type(value) in (float, int) else WRONG_KIND_MARK


def joined(layout: Layout, parts: Sequence[Columns]) -> Columns:
    """Columns of one type as if their frames had come together."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        nothing = np.empty(0, np.int64)
        return columns_of(layout, Frames.of([], nothing, nothing, nothing))
    sources = {name: at for at, name in enumerate(dict.fromkeys(chain.from_iterable(part.sources for part in parts)))}
    place = [np.array([sources[name] for name in part.sources], np.int64) for part in parts]
    frames, rows, values = (_begins(parts, name) for name in ("frame_at", "row_time_us", "value"))
    said = {begin + at: v for part, begin in zip(parts, values, strict=True) for at, v in part.said.items()}

    def whole(name: str, begins: Sequence[int] = (0,) * len(parts)) -> np.ndarray:
        columns = zip(parts, begins, strict=True)
        return np.concatenate(
            [getattr(part, name) + begin if begin else getattr(part, name) for part, begin in columns]
        )

    return Columns(
        layout=layout,
        sources=tuple(sources),
        frame_at=whole("frame_at"),
        frame_asset=whole("frame_asset"),
        frame_source=np.concatenate([at[part.frame_source] for part, at in zip(parts, place, strict=True)]),
        frame_present_us=whole("frame_present_us"),
        row_frame=whole("row_frame", frames),
        row_time_us=whole("row_time_us"),
        value_row=whole("value_row", rows),
        value_signal=whole("value_signal"),
        value=whole("value"),
        said=said,
        objects=[
            column._replace(frame=column.frame + begin)
            for part, begin in zip(parts, frames, strict=True)
            for column in part.objects
        ],
        maintenance=[each for part in parts for each in part.maintenance],
        orders=[each for part in parts for each in part.orders],
    )


def _begins(parts: Sequence[Columns], name: str) -> list[int]:
    """Where each part's entries of a column begin among all."""
    lengths = [len(getattr(part, name)) for part in parts]
    return [sum(lengths[:at]) for at in range(len(parts))]
