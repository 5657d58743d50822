"""What a feed counted since it was first started, kept in its spool's folder: what was dropped is never forgotten.

The counts of this process come in with each call, and so does the time. No rule about what is counted.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import msgspec
import structlog

KEEP_S = 10.0
"""At most so often the file is written, but for what was dropped, which is written at once; our choice."""

_log = structlog.get_logger()


class Totals:
    """Counts of all processes before this one, and the file that says so. The spool's lock keeps others out."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._before = _read(file)
        self._kept: dict[str, int] = dict(self._before)
        self._kept_s = float("-inf")

    def of(self, counts: Mapping[str, int]) -> dict[str, int]:
        """All there ever were: those before, and this process's `counts`."""
        names = sorted(self._before.keys() | counts.keys())
        return {name: self._before.get(name, 0) + counts.get(name, 0) for name in names}

    def keep(self, counts: Mapping[str, int], now_s: float, *, at_once: bool = False) -> None:
        """Write the totals if they changed and the last time is long enough ago. A disk that is full is logged."""
        if not at_once and now_s - self._kept_s < KEEP_S:
            return
        totals = self.of(counts)
        if totals == self._kept:
            return
        self._kept_s = now_s
        try:
            _write(self._file, totals)
        except OSError as fault:  # they stay in memory and are tried again; the feed goes on
            _log.error("totals-not-kept", file=str(self._file), error=repr(fault))
            return
        self._kept = totals


def _read(file: Path) -> Counter[str]:
    """What is kept; a file that holds no counts is put aside, and the log says so."""
    try:
        return Counter(msgspec.json.decode(file.read_bytes(), type=dict[str, int]))
    except FileNotFoundError:
        return Counter()
    except msgspec.DecodeError as wrong:
        aside = file.with_suffix(".unreadable")
        file.replace(aside)
        _log.error("totals-unreadable", kept_as=str(aside), error=str(wrong), doing="counting from 0")
        return Counter()


def _write(file: Path, totals: Mapping[str, int]) -> None:
    """As a whole or not at all, whenever the power fails."""
    new = file.with_suffix(".new")
    with new.open("w") as out:
        json.dump(totals, out)
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
