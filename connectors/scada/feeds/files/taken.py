"""What was read already: a small file of JSON lines, one appended when a whole file was taken.

A file of which something could not be used is remembered with a mark of how it was read, and counts as read while that
is the mark.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from connectors.scada.feed import FeedError
from connectors.scada.feeds.files.opened import Stamp


class Entry(Struct, frozen=True, kw_only=True):
    """A file that was taken; `unread_by` is the mark by which some of it could not be used."""

    name: str
    size: int
    mtime_ns: int
    unread_by: str = ""


class _Known(NamedTuple):
    stamp: Stamp
    unread_by: str


class Taken:
    """Remembers files by name, size and time of change; without a path in memory alone.

    `mark` says how a file would be read now. Raises FeedError where its own file cannot be used.
    """

    def __init__(self, path: Path | None, mark: Callable[[], str]) -> None:
        self._path, self.mark = path, mark
        self._known: dict[str, _Known] = {}
        if path is not None:
            self._remember(path)

    def _remember(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a+b") as file:
                file.seek(0)
                line = b"\n"
                for line in file:
                    self._learn(line)
                if not line.endswith(b"\n"):  # half a line of a crash: the next begins on its own
                    file.write(b"\n")
        except OSError as wrong:
            raise self._unusable(wrong) from wrong

    def has(self, name: str, stamp: Stamp) -> bool:
        """Whether the file was taken as it is now, and all of it, or as much as could be used by the mark of now."""
        known = self._known.get(_key(name))
        return known is not None and known.stamp == stamp and known.unread_by in ("", self.mark())

    def add(self, name: str, stamp: Stamp, *, unread_by: str = "", on_disk: bool = True) -> None:
        """The whole file was taken; `unread_by` the mark by which some of it could not be used. Raises FeedError."""
        self._known[_key(name)] = _Known(stamp, unread_by)
        if self._path is None or not on_disk:
            return
        entry = Entry(name=_key(name), size=stamp.size, mtime_ns=stamp.mtime_ns, unread_by=unread_by)
        try:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(entry) + b"\n")
        except OSError as wrong:
            raise self._unusable(wrong) from wrong

    def _learn(self, line: bytes) -> None:
        try:
            entry = msgspec.json.decode(line, type=Entry)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return  # the file that it told of is read again
        self._known[entry.name] = _Known(Stamp(entry.size, entry.mtime_ns), entry.unread_by)

    def _unusable(self, wrong: OSError) -> FeedError:
        return FeedError(f"{self._path}: what was read cannot be remembered: {wrong}: name another file as `state`")


def _key(name: str) -> str:
    """A name as JSON can carry it: one of a file may hold bytes that are no UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()
