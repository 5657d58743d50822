"""Reads the files that a historian or an export job drops in a folder, each once: CSV, JSON lines, Parquet.

`rows` and `times` are the decoder, `opened` reads a file piece by piece, `look` and `taken` say which is due; here is
the loop. A file is remembered after all of it is safe, so a crash reads it again. None is moved, changed or deleted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import structlog

from connectors.scada.feed import FeedError, Read, Take, Unread
from connectors.scada.feeds.files.config import Columns, Config, check, state_file
from connectors.scada.feeds.files.look import Look
from connectors.scada.feeds.files.opened import Stamp, reads, stamp_of
from connectors.scada.feeds.files.taken import Taken
from models.records import Reject

__all__ = ["Columns", "Config", "FilesFeed", "open_feed"]

BACK_OFF_S = (1.0, 30.0)

_log = structlog.get_logger()


class FilesFeed:
    """`connectors.scada.feed.Feed` of a folder."""

    def __init__(self, config: Config, folder: Path, taken: Taken) -> None:
        self._config, self._taken = config, taken
        self._look = Look(folder, config.pattern, config.settle_s)

    async def run(self, take: Take) -> None:
        """Look and read until cancelled. Raises FeedError where it cannot be remembered what was read."""
        away_s = BACK_OFF_S[0]
        while True:
            try:
                due = await asyncio.to_thread(self._look.due, self._taken.has, time.monotonic())
            except OSError as wrong:
                _log.warning("files-folder-away", error=repr(wrong), retry_s=away_s)
                await asyncio.sleep(away_s)
                away_s = min(2 * away_s, BACK_OFF_S[1])
                continue
            away_s = BACK_OFF_S[0]
            for path, stamp in due:
                await self._read(path, stamp, take)
            await asyncio.sleep(self._config.period_s)

    async def _read(self, path: Path, stamp: Stamp, take: Take) -> None:
        mark = self._taken.mark()  # before: what it is read by may change meanwhile, and then it is due again
        try:
            clean = await self._take_all(reads(self._config, path, stamp), take)
            if await asyncio.to_thread(stamp_of, path) != stamp:
                _log.info("file-changed-while-read", file=path.name)  # it is due again once it rests
                return
        except PermissionError as wrong:
            unread = Unread(Reject.UNREADABLE, f"{path.name}: {wrong}: let this user read it and start again")
            await take(Read((), [unread]), settled=True)
            self._taken.add(path.name, stamp, unread_by=mark, on_disk=False)
            return
        except OSError as wrong:  # the disk or the share, not the content
            _log.warning("file-away", file=path.name, error=repr(wrong), retry_s=self._config.period_s)
            return
        self._taken.add(path.name, stamp, unread_by="" if clean else mark)

    async def _take_all(self, pieces: Iterator[Read], take: Take) -> bool:
        """Whether all could be read and used."""
        clean = True
        while (read := await asyncio.to_thread(next, pieces, None)) is not None:
            if read.readings or read.unread:
                clean = not await take(read, settled=True) and clean
        return clean


def open_feed(config: Config, *, folder: Path | None = None, mapping: Callable[[], str] = str) -> FilesFeed:
    """The feed of a config, which keeps in `folder` what it read; `mapping` says what addresses mean by now.

    Raises FeedError where it cannot work.
    """
    state = state_file(config, folder)
    check(config, state)
    watched = Path(config.folder).expanduser()
    if not watched.is_dir():
        raise FeedError(f"{watched} is no folder: make it, mount it, or correct `folder`")
    of_config = sha256(msgspec.json.encode(config)).hexdigest()[:16]
    return FilesFeed(config, watched, Taken(state, lambda: of_config + mapping()))
