"""What the files of a folder hold, as an engineer writes it down; checked before anything is read."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from msgspec import Struct

from connectors.files.texts import Texts, zone_misfit
from connectors.scada.feed import FeedError
from connectors.scada.waveform import Waveform

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


class Config(Texts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which files, what is in them, and where it is remembered that they were read.

    `time_format` is "iso" (ISO 8601), s, ms or us since 1970 UTC, or a format of Python's strptime. Times without an
    offset are of `zone`. An address is `prefix` and the tag, or the name of the column.
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
    if misfit := config.misfit():
        raise FeedError(misfit)
    _check_time(config)
    folder = Path(config.folder).expanduser().resolve()
    if state and state.resolve().parent.is_relative_to(folder):
        raise FeedError(
            f"what was read must not be remembered within {folder}, where the feed only reads: set `state`, or "
            "FOREWARN_CACHE, to a place elsewhere"
        )


def _check_time(config: Config) -> None:
    if config.zone and (misfit := zone_misfit(config.zone)):
        raise FeedError(misfit)
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
