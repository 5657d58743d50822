"""The decoder: from a row of a table, or a line of JSON, to readings. No file is opened here, and no clock is read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from connectors.scada.documents import MISSING, Wrong, at_path, parsed
from connectors.scada.feed import Reading
from connectors.scada.feeds.files.config import Config
from connectors.scada.feeds.files.times import Times
from connectors.scada.waveform import is_burst, read_burst
from models.records import Quality, Reject, Sample

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NO_NUMBER = frozenset({"nan", "inf", "+inf", "-inf", "infinity", "null", "none"})
_TRUTH: Mapping[str, bool] = {"true": True, "false": False}
_WHOLE_DIGITS = 15
"""A whole number of so many digits is the same as a float (IEEE 754 binary64: 2^53 is over 9e15)."""

Cells = Sequence[object]


class Rows:
    """What the rows of a config mean."""

    def __init__(self, config: Config) -> None:
        self._config, self._times = config, Times(config)
        self._states = frozenset(_word(state) for state in (*config.states, *config.more_states))
        self._qualities = {_word(said): Quality.UNCERTAIN for said in config.uncertain}
        self._qualities |= {_word(said): Quality.GOOD for said in config.good}

    def of(self, header: Sequence[str]) -> Callable[[Cells], Iterator[Reading]]:
        """The decoder of rows under a header. Both raise Wrong, this one where a column is missing or named twice."""
        names = [name.strip() for name in header]
        columns = self._config.columns
        wide = self._config.format == "wide"
        needed = [columns.time] if wide else [columns.tag, columns.time, columns.value]
        needed += [columns.quality] if columns.quality and not wide else []
        for name in needed:
            if name not in names:
                ask = f": is `delimiter` '{self._config.delimiter}' right?" if len(names) == 1 else ""
                raise Wrong(Reject.NOT_A_RECORD, f"there is no column '{name}' among {names}"[:500] + ask)
        for name in {one for one in (names if wide else needed) if one and names.count(one) > 1}:
            raise Wrong(Reject.NOT_A_RECORD, f"the column '{name}' is there twice")
        decode = self._wide(names) if wide else self._long([names.index(name) for name in needed])

        def checked(cells: Cells) -> Iterator[Reading]:
            if len(cells) != len(names):
                raise Wrong(Reject.NOT_A_RECORD, f"the line has {len(cells)} cells, and the header {len(names)}")
            return decode(cells)

        return checked

    def json(self, line: bytes) -> Iterator[Reading]:
        """The reading of a line of JSON, or the features of its burst. Raises Wrong, of a burst after what it has."""
        body, columns = parsed(line), self._config.columns
        tag, time, value = (at_path(body, path) for path in (columns.tag, columns.time, columns.value))
        for path, found in ((columns.tag, tag), (columns.value, value)):
            if found is MISSING:
                raise Wrong(Reject.NOT_A_RECORD, f"nothing at '{path}'")
        quality = at_path(body, columns.quality) if columns.quality else None
        said = None if quality is MISSING else quality
        if is_burst(value):
            moment = self._reading(tag, time, 0, said)
            read = read_burst(self._config.waveforms, moment.address, moment.time_us, value, moment.quality)
            yield from read.readings
            if read.unread:
                raise Wrong(read.unread[0].reason, "; ".join(one.detail for one in read.unread))
        else:
            yield self._reading(tag, time, value, said, texts=True)

    def _long(self, places: Sequence[int]) -> Callable[[Cells], Iterator[Reading]]:
        tag, time, value, *quality = places

        def decode(cells: Cells) -> Iterator[Reading]:
            yield self._reading(cells[tag], cells[time], cells[value], cells[quality[0]] if quality else None)

        return decode

    def _wide(self, names: Sequence[str]) -> Callable[[Cells], Iterator[Reading]]:
        time = names.index(self._config.columns.time)
        others = [(at, self._config.prefix + name) for at, name in enumerate(names) if name and at != time]

        def decode(cells: Cells) -> Iterator[Reading]:
            time_us = self._times.us(cells[time])
            for at, address in others:
                cell = cells[at]
                if cell is None or (isinstance(cell, str) and not cell.strip()):
                    continue  # another column has its moment here
                sample = self._sample(cell)
                yield Reading(address, time_us, sample, Quality.BAD if sample is None else Quality.GOOD)

        return decode

    def _reading(self, tag: object, time: object, value: object, said: object, *, texts: bool = False) -> Reading:
        if isinstance(tag, bool) or not isinstance(tag, str | int) or not (name := str(tag).strip()):
            raise Wrong(Reject.NOT_A_RECORD, "there is no tag")
        quality = Quality.GOOD if said in (None, "") else self._qualities.get(_word(said), Quality.BAD)
        sample = self._sample(value, texts=texts)
        if sample is None or quality is Quality.BAD:
            sample, quality = None, Quality.BAD
        return Reading(self._config.prefix + name[:1000], self._times.us(time), sample, quality)

    def _sample(self, cell: object, *, texts: bool = False) -> Sample:
        """A value, or None where there is none; with `texts`, a text that looks like a number stays one."""
        if cell is None or isinstance(cell, bool | int):
            return cell
        if isinstance(cell, float):
            return cell if math.isfinite(cell) else None
        if not isinstance(cell, str):
            raise Wrong(Reject.WRONG_KIND, f"a {type(cell).__name__} is no value")
        text, word = cell.strip(), _word(cell)
        if not text or word in self._states:
            return None
        return text if texts else self._of_text(text, word)

    def _of_text(self, text: str, word: str) -> Sample:
        digits = text
        if self._config.decimal == ",":
            digits = text.replace(",", ".") if "." not in text else ""
        if _NUMBER.fullmatch(digits):
            if digits.isdecimal() and len(digits) <= _WHOLE_DIGITS:
                return int(digits)
            return number if math.isfinite(number := float(digits)) else None
        return None if word in _NO_NUMBER else _TRUTH.get(word, text)


def _word(said: object) -> str:
    return str(said).strip().casefold()
