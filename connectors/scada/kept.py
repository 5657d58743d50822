"""A small file that a feed keeps beside its spool, replaced as a whole: a crash leaves the old one or the new one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

import msgspec
import structlog

T = TypeVar("T")

_log = structlog.get_logger()


def put(file: Path, content: object) -> bool:
    """Replace a file by content as JSON, which is on the disk itself on return. False, and logged, where that fails."""
    partial = file.with_suffix(".partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as new:
            new.write(msgspec.json.encode(content))
            new.flush()
            os.fsync(new.fileno())
        partial.replace(file)
    except OSError as fault:
        _log.warning("not-kept", file=str(file), error=repr(fault), mend="make room on the disk, or let it be written")
        return False
    return True


def get(file: Path, kind: type[T], most_bytes: int) -> T | None:
    """What a file holds, None where there is none; one that is too large or is no such content is logged and left."""
    try:
        if file.stat().st_size > most_bytes:
            raise ValueError(f"it has over {most_bytes} bytes")
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, msgspec.DecodeError) as fault:  # a UnicodeDecodeError is a ValueError
        _log.warning("kept-unread", file=str(file), error=repr(fault), doing="going on as if it were not there")
        return None
