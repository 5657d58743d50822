"""Plain MQTT payloads to readings: a bare number or word, JSON with paths, or JSON whose keys are signals.

Sans-IO: a message and the time of its arrival go in, readings and what could not be read come out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from connectors.scada.feed import Read, Reading, Unread
from connectors.scada.feeds.mqtt.config import Plain
from connectors.scada.waveform import is_burst, read_burst
from models.records import Quality, Reject, Sample

MOST_US = 253_402_300_800_000_000
"""The end of the year 9999, the latest time a record can have."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = {"s": 1_000_000, "ms": 1_000, "us": 1}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NO_NUMBER = {"nan", "+nan", "-nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"}
_MISSING: Any = object()


class _Refused(Exception):
    def __init__(self, reason: Reject, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def read_plain(plain: Plain, topic: str, payload: bytes, arrived_us: int, *, retained: bool = False) -> Read:
    """What a message holds. A retained one was said long before it arrived, so it needs a time of its own."""
    try:
        content = _bare(payload) if plain.is_bare else _document(payload)
        time_us = _time_us(plain, content, arrived_us, retained=retained)
        quality = _quality(plain, content)
        value: Any = content if plain.is_bare else _at(content, plain.value)
        if value is _MISSING:
            raise _Refused(Reject.UNREADABLE, f"there is nothing at '{plain.value}'")
        if plain.fields and not isinstance(value, dict):
            raise _Refused(Reject.WRONG_KIND, f"what is at '{plain.value}' is no object, so it has no fields")
    except _Refused as why:
        return Read(unread=(Unread(why.reason, f"'{topic}': {why}", payload),))
    # An object of fields that is a burst itself has none.
    named = _fields(plain, topic, value) if plain.fields and not is_burst(value) else iter([(topic, value)])
    readings: list[Reading] = []
    unread: list[Unread] = []
    for address, one in named:
        if is_burst(one):
            read = read_burst(plain.waveforms, address, time_us, one, quality)
            readings.extend(read.readings)
            unread.extend(read.unread)
        elif isinstance(one, dict | list):
            unread.append(Unread(Reject.WRONG_KIND, f"'{address}' is {type(one).__name__}, not one value", payload))
        else:
            readings.append(_reading(address, time_us, one, quality))
    return Read(readings, unread)


def _reading(address: str, time_us: int, value: Sample | int, quality: Quality) -> Reading:
    if isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < 1 << 1023 else None
    if value is None or quality is Quality.BAD or (isinstance(value, float) and not math.isfinite(value)):
        return Reading(address, time_us, None, Quality.BAD)
    return Reading(address, time_us, value, quality)


def _fields(plain: Plain, topic: str, found: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Addresses and values of an object, without the keys that are its time and its quality."""
    beginning = f"{plain.value}." if plain.value else ""
    paths = [path for path in (plain.time, plain.quality) if path and path.startswith(beginning)]
    others = {path.removeprefix(beginning).partition(".")[0] for path in paths}
    return ((f"{topic}#{key}", value) for key, value in found.items() if key not in others)


def _document(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError, ValueError) as wrong:
        raise _Refused(Reject.NOT_JSON, f"is not JSON: {wrong}") from wrong


def _bare(payload: bytes) -> Sample:
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError as wrong:
        raise _Refused(Reject.UNREADABLE, f"is neither a number nor a word in UTF-8: {wrong}") from wrong
    if not text:
        raise _Refused(Reject.UNREADABLE, "came without a payload")
    if _NUMBER.fullmatch(text):
        return float(text)
    if text.lower() in _NO_NUMBER:
        return None
    return text == "true" if text in ("true", "false") else text


def _at(document: Any, path: str) -> Any:
    for key in path.split(".") if path else ():
        if not isinstance(document, dict) or key not in document:
            return _MISSING
        document = document[key]
    return document


def _quality(plain: Plain, document: Any) -> Quality:
    """UNCERTAIN where the quality that the config names is not there: our choice."""
    said = _at(document, plain.quality) if plain.quality else None
    if not plain.quality or _word(said) in map(_word, plain.good):
        return Quality.GOOD
    return Quality.UNCERTAIN if said is _MISSING or _word(said) in map(_word, plain.uncertain) else Quality.BAD


def _word(said: Any) -> str:
    return str(said).casefold()


def _time_us(plain: Plain, document: Any, arrived_us: int, *, retained: bool) -> int:
    said = _at(document, plain.time) if plain.time else _MISSING
    if said is _MISSING or said is None:
        if not plain.arrival_time:
            raise _Refused(Reject.NO_TIME, f"there is no time at '{plain.time}'")
        if retained:
            raise _Refused(Reject.NO_TIME, "is a retained message without a time: nobody knows when it was said")
        return arrived_us
    time_us = _from_text(said, plain.time_unit) if isinstance(said, str) else _from_number(said, plain.time_unit)
    if time_us is None or not 0 <= time_us < MOST_US:
        raise _Refused(
            Reject.NO_TIME, f"{str(said)[:60]!r} is no time in '{plain.time_unit}', with its zone, from 1970"
        )
    return time_us


def _from_text(said: str, unit: str) -> int | None:
    if unit != "iso":
        return _from_number(float(said), unit) if len(said) < 40 and _NUMBER.fullmatch(said) else None
    try:
        when = datetime.fromisoformat(said)
        return None if when.tzinfo is None else (when - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        return None


def _from_number(said: Any, unit: str) -> int | None:
    if unit == "iso" or isinstance(said, bool) or not isinstance(said, int | float):
        return None
    scaled = said * _US[unit]
    return round(scaled) if isinstance(scaled, int) or math.isfinite(scaled) else None
