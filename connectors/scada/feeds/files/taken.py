"""What was taken already: a small file of JSON lines, one appended when a whole file was taken."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from connectors.scada.feed import FeedError
from connectors.scada.feeds.files.opened import Stamp


class Entry(Struct, frozen=True, kw_only=True):
    """A file that was taken; `unread_by` is the mark of the config by which some of it could not be read."""

    name: str
    size: int
    mtime_ns: int
    unread_by: str = ""


class Taken:
    """Remembers files by name, size and time of change. Raises FeedError where its own file cannot be used."""

    def __init__(self, path: Path, config_mark: str) -> None:
        self._path, self._mark = path, config_mark
        self._stamps: dict[str, Stamp] = {}
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
        """Whether the file was taken as it is now. One with errors is not, once the config changed."""
        return self._stamps.get(_key(name)) == stamp

    def add(self, name: str, stamp: Stamp, *, clean: bool, on_disk: bool = True) -> None:
        """The whole file was taken, `clean` if all of it could be read. Raises FeedError."""
        self._stamps[_key(name)] = stamp
        if not on_disk:
            return
        entry = Entry(name=_key(name), size=stamp.size, mtime_ns=stamp.mtime_ns, unread_by="" if clean else self._mark)
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
        if entry.unread_by in ("", self._mark):
            self._stamps[entry.name] = Stamp(entry.size, entry.mtime_ns)
        else:
            self._stamps.pop(entry.name, None)

    def _unusable(self, wrong: OSError) -> FeedError:
        return FeedError(f"{self._path}: what was read cannot be remembered: {wrong}: name another file as `state`")


def _key(name: str) -> str:
    """A name as JSON can carry it: one of a file may hold bytes that are no UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()
