"""Which files of a folder are due: those that fit the pattern, were not read as they are, and have come to rest."""

from __future__ import annotations

import os
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from connectors.scada.feeds.files.opened import Stamp


class _Since(NamedTuple):
    stamp: Stamp
    since_s: float


class Look:
    """Looks at a folder again and again; rest is counted by a clock that comes in, not by the times of the files."""

    def __init__(self, folder: Path, pattern: str, settle_s: float) -> None:
        self._folder, self._pattern, self._settle_s = folder, pattern, settle_s
        self._since: dict[str, _Since] = {}

    def due(self, has: Callable[[str, Stamp], bool], now_s: float) -> list[tuple[Path, Stamp]]:
        """Files to read now, the longest unchanged first. Raises OSError where the folder is away."""
        new = {name: stamp for name, stamp in self._listed().items() if not has(name, stamp)}
        before, self._since = self._since, {}
        for name, stamp in new.items():
            known = before.get(name)
            self._since[name] = known if known and known.stamp == stamp else _Since(stamp, now_s)
        rested = [name for name, one in self._since.items() if now_s - one.since_s >= self._settle_s]
        rested.sort(key=lambda name: (new[name].mtime_ns, name))
        return [(self._folder / name, new[name]) for name in rested]

    def _listed(self) -> dict[str, Stamp]:
        found: dict[str, Stamp] = {}
        with os.scandir(self._folder) as entries:
            for entry in entries:
                hidden = entry.name.startswith(".") and not self._pattern.startswith(".")
                if hidden or not fnmatchcase(entry.name, self._pattern):
                    continue
                try:
                    if entry.is_file():  # a pipe would never end
                        now = Path(entry.path).stat()  # what entry.stat() says is cached, on Windows
                        found[entry.name] = Stamp(now.st_size, now.st_mtime_ns)
                except OSError:
                    continue  # it went away meanwhile
        return found
