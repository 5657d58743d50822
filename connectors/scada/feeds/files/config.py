"""What the files of a folder hold, as an engineer writes it down; checked before anything is read."""

from __future__ import annotations

import codecs
from datetime import datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from connectors.scada.feed import FeedError
from connectors.scada.waveform import Waveform

STATES = (
    "Bad Input", "I/O Timeout", "Shutdown", "No Data", "Pt Created", "Configure", "Comm Fail", "Over Range",
    "Under Range", "Scan Off", "Intf Shut",
)  # fmt: skip
"""Texts that a PI export writes where a value should be: of the System digital state set of AVEVA PI Data Archive."""

EPOCHS = ("s", "ms", "us")
_SOME_TIME = datetime(2026, 1, 31, 6)


class Columns(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names of columns, or for `jsonl` paths of names and indexes with dots between. `wide` uses `time` alone.

    An empty `quality` is none; a cell of it that is empty or absent is good, and what is in neither list of the config
    is bad.
    """

    tag: str = "tag"
    time: str = "time"
    value: str = "value"
    quality: str = ""


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which files, what is in them, and where it is remembered that they were read.

    `time_format` is "iso" (ISO 8601), s, ms or us since 1970 UTC, or a format of Python's strptime. Times without an
    offset are of `zone`; `fold` is which of two equal local times is meant in the hour that comes twice. An address
    is `prefix` and the tag, or the name of the column. Texts in `states` and `more_states` are bad values, in capital
    or small letters.
    """

    folder: str
    format: Literal["long", "wide", "jsonl"]
    pattern: str = "*"
    period_s: float = 10.0
    settle_s: float = 5.0
    columns: Columns = Columns()
    prefix: str = ""
    time_format: str = "iso"
    zone: str = ""
    fold: Literal["first", "second", "refuse"] = "refuse"
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    decimal: Literal[".", ","] = "."
    states: tuple[str, ...] = STATES
    more_states: tuple[str, ...] = ()
    good: tuple[str, ...] = ("good", "192", "true")
    uncertain: tuple[str, ...] = ("uncertain", "64")
    state: str = ""
    waveforms: tuple[Waveform, ...] = ()


def state_file(config: Config, kept: Path | None) -> Path | None:
    """Where it is remembered what was read: where the config says, or in the feed's own folder, or nowhere."""
    if config.state:
        return Path(config.state).expanduser()
    return kept / "files.jsonl" if kept else None


def check(config: Config, state: Path | None) -> None:
    """Raises FeedError for what cannot work."""
    if not (config.period_s > 0 and config.settle_s >= 0):
        raise FeedError("period_s must be over 0, and settle_s not under 0")
    if len(config.delimiter) != 1 or config.delimiter in '"\r\n' or config.delimiter == config.decimal:
        raise FeedError(
            f"delimiter must be one character, neither a quote nor the decimal '{config.decimal}': "
            "with a decimal comma it is ';' or a tab"
        )
    try:
        codecs.lookup(config.encoding)
        "a".encode(config.encoding)
    except (LookupError, UnicodeError) as wrong:
        raise FeedError(f"encoding '{config.encoding}' is none that Python knows: try utf-8-sig or cp1252") from wrong
    _check_time(config)
    folder = Path(config.folder).expanduser().resolve()
    if state and state.resolve().parent.is_relative_to(folder):
        raise FeedError(
            f"what was read must not be remembered within {folder}, where the feed only reads: set `state`, or "
            "FOREWARN_CACHE, to a place elsewhere"
        )


def _check_time(config: Config) -> None:
    if config.zone:
        try:
            ZoneInfo(config.zone)
        except (OSError, ValueError, KeyError) as wrong:  # ZoneInfoNotFoundError is a KeyError
            raise FeedError(f"zone '{config.zone}' is none: use an IANA name such as Europe/Brussels") from wrong
    if config.time_format in ("iso", *EPOCHS):
        return
    try:
        said = datetime.strptime(_SOME_TIME.strftime(config.time_format), config.time_format)
    except ValueError:
        said = None
        if "%z" not in config.time_format:  # of which strftime writes nothing for a time without an offset
            raise FeedError(
                f"time_format '{config.time_format}' is neither iso, s, ms, us nor a strptime format"
            ) from None
    if said and said.date() != _SOME_TIME.date():
        raise FeedError(f"time_format '{config.time_format}' needs year, month and day")
    if "%z" not in config.time_format and not config.zone:
        raise FeedError(f"time_format '{config.time_format}' has no offset: give the zone, such as Europe/Brussels")
