"""Readings by address to frames by asset: kinds and units are converted once, here.

Rows of one asset that follow one another and have the same signals go into one frame. Every reading is in exactly one
frame or unread; a second value of a signal at the same time has a row of its own.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from hashlib import sha256

import msgspec

from connectors.scada.feed import Read, Reading, Unread
from models.plant import Plant
from models.plant.tags import ALWAYS_US, Tag, Tags
from models.records import Frame, Quality, Reject, Sample

ROWS_A_FRAME = 500
"""Some 50 KB of eight signals."""
FRAME_COST = 800_000
"""Most bytes of a frame by `_cost`, so that none nears the limit of 1 MiB."""
TEXT_KEPT = 1000
"""Characters of a text, which in a record stands for a state or a short message; our choice."""

Cell = tuple[Sample, Quality]
Row = dict[str, Cell]


class Unusable(ValueError):
    """A reading that no frame can carry."""

    def __init__(self, reason: Reject, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Mapper:
    """Makes frames of readings by the plant's tags. `source` names the feed, in the frames and in tags."""

    def __init__(self, plant: Plant, source: str) -> None:
        self.source, self._plant, self._tags = source, plant.plant, Tags(plant.tags)
        self._kinds = {
            (asset, signal): spec.kind.python_type
            for asset, of in plant.assets.items()
            for signal, spec in plant.types[of.type].signals.items()
        }
        self.version = self._version(plant)
        """Another one where an address means something else, or a signal is of another kind; no limit changes it."""

    def frames(self, read: Read) -> tuple[list[Frame], list[Unread]]:
        """Frames in order of asset and time, and what no frame can carry with its address. Never raises."""
        rows: dict[str, dict[tuple[int, int], Row]] = defaultdict(dict)
        before: Counter[tuple[str, str, int]] = Counter()
        unread = list(read.unread)
        for reading in read.readings:
            try:
                tag = self._tag(reading)
                cell = self._cell(tag, reading)
            except Unusable as wrong:
                unread.append(Unread(wrong.reason, str(wrong), address=reading.address))
                continue
            same = tag.asset, tag.signal, reading.time_us
            rows[tag.asset].setdefault((reading.time_us, before[same]), {})[tag.signal] = cell
            before[same] += 1
        return [frame for asset in sorted(rows) for frame in self._frames(asset, rows[asset])], unread

    def _version(self, plant: Plant) -> str:
        tags = [tag for tag in plant.tags if tag.feed in ("", self.source)]
        meant = sorted(msgspec.json.encode((tag, self._kinds[tag.asset, tag.signal].__name__)) for tag in tags)
        return sha256(b"\n".join(meant)).hexdigest()[:16]

    def _tag(self, reading: Reading) -> Tag:
        if not 0 <= reading.time_us < ALWAYS_US:
            raise Unusable(Reject.NO_TIME, f"'{reading.address}' is of {reading.time_us} us, no time since 1970")
        tag = self._tags.find(reading.address, reading.time_us, self.source)
        if tag is None:
            raise Unusable(Reject.UNKNOWN_TAG, f"'{reading.address}' is no tag of the plant at its time")
        return tag

    def _cell(self, tag: Tag, reading: Reading) -> Cell:
        kind, value = self._kinds[tag.asset, tag.signal], reading.value
        if value is None or reading.quality is Quality.BAD or (isinstance(value, float) and not math.isfinite(value)):
            return None, Quality.BAD
        if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
            scaled = _scaled(tag, value)
            return (None, Quality.BAD) if scaled is None else (scaled, reading.quality)
        if kind is bool and value in (True, False):
            return bool(value), reading.quality
        if kind is str and len(text := _text(value)) <= TEXT_KEPT:
            return text, reading.quality
        raise Unusable(
            Reject.WRONG_KIND,
            f"'{reading.address}' says {str(value)[:100]!r}, but {tag.signal} of {tag.asset} is a {kind.__name__}"
            + (f" of at most {TEXT_KEPT} characters" if kind is str else ""),
        )

    def _frames(self, asset: str, rows: dict[tuple[int, int], Row]) -> Iterator[Frame]:
        together: list[tuple[int, Row]] = []
        cost = 0
        for (time_us, _), row in sorted(rows.items(), key=lambda each: each[0]):
            full = len(together) == ROWS_A_FRAME or cost + _cost(row) > FRAME_COST
            if together and (full or together[0][1].keys() != row.keys()):
                yield self._frame(asset, together)
                together, cost = [], 0
            together.append((time_us, row))
            cost += _cost(row)
        if together:
            yield self._frame(asset, together)

    def _frame(self, asset: str, rows: list[tuple[int, Row]]) -> Frame:
        signals = rows[0][1].keys()
        doubtful = [name for name in signals if any(row[name][1] is not Quality.GOOD for _, row in rows)]
        return Frame(
            plant=self._plant,
            asset=asset,
            source=self.source,
            times_us=[time_us for time_us, _ in rows],
            signals={name: [row[name][0] for _, row in rows] for name in signals},
            quality={name: [int(row[name][1]) for _, row in rows] for name in doubtful},
        )


def _scaled(tag: Tag, value: float) -> float | None:
    """In the signal's unit; None where no float can hold it."""
    try:
        scaled = float(value) * tag.scale + tag.offset
    except OverflowError:
        return None
    return scaled if math.isfinite(scaled) else None


def _text(value: Sample) -> str:
    """Words as they are, but for what no JSON can carry; a code such as 3 or 3.0 is '3', a truth 'true' or 'false'."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.15g}"
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else _digits(value)


def _digits(value: object) -> str:
    try:
        return str(value)
    except ValueError:  # Python writes no integer of over 4300 digits
        return "?" * (TEXT_KEPT + 1)


def _cost(row: Row) -> int:
    """Bytes of a row in JSON at most: a number has up to 24 characters, a text six bytes a character."""
    texts = sum(6 * len(value) for value, _ in row.values() if isinstance(value, str))
    return 20 + 32 * len(row) + texts
