"""A file, piece by piece: its rows as readings and what could not be read, in bounded memory. Files are only read."""

from __future__ import annotations

import csv
import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from connectors.scada.documents import Wrong
from connectors.scada.feed import Read, Reading, Unread
from connectors.scada.feeds.files.config import Config
from connectors.scada.feeds.files.rows import Rows
from models.records import Reject

BATCH = 5_000
"""Readings, and lines, handed on at once; our choice."""
LINE_CHARS = 1024 * 1024
"""A longer line is not read; our choice, some 50,000 columns."""
TOLD_LINES = 20
"""Bad lines of a file that are told one by one; the others are counted. Our choice."""


class Stamp(NamedTuple):
    """What tells that a file changed: bytes, and nanoseconds since 1970."""

    size: int
    mtime_ns: int


def stamp_of(path: Path) -> Stamp:
    """Of a file as it is now. Raises OSError."""
    now = path.stat()
    return Stamp(now.st_size, now.st_mtime_ns)


Item = tuple[int, bytes, Callable[[], Iterator[Reading]]]
"""Number of a line from 1, its bytes, and its decoder, which may raise Wrong."""


def reads(config: Config, path: Path, stamp: Stamp) -> Iterator[Read]:
    """All that a file holds. Raises OSError where it cannot be opened or is taken away; rubbish in it is Unread."""
    readings: list[Reading] = []
    unread: list[Unread] = []
    bad = lines = 0
    try:
        for number, line, decode in _items(config, path, stamp):
            lines += 1
            try:
                readings.extend(decode())
            except Wrong as wrong:
                bad += 1
                if bad <= TOLD_LINES:
                    unread.append(Unread(wrong.reason, f"{path.name}, line {number}: {wrong}", line))
            while len(readings) >= BATCH or lines >= BATCH:
                yield Read(readings[:BATCH], unread)
                readings, unread, lines = readings[BATCH:], [], 0
    except Wrong as wrong:
        unread.append(Unread(wrong.reason, f"{path.name}: {wrong}"))
    if bad > TOLD_LINES:
        unread.append(Unread(Reject.UNREADABLE, f"{path.name}: {bad - TOLD_LINES} more lines could not be read"))
    yield Read(readings, unread)


def _items(config: Config, path: Path, stamp: Stamp) -> Iterator[Item]:
    """Raises Wrong where the file, or the rest of it, cannot be read, and OSError."""
    if path.suffix.lower() == ".parquet":
        yield from _parquet(config, path)
        return
    try:
        with path.open("rb") as raw:
            plain = gzip.GzipFile(fileobj=raw) if path.suffix.lower() == ".gz" else raw
            # A byte that is none of the encoding spoils its line, not the file.
            text = io.TextIOWrapper(plain, config.encoding, "surrogateescape", newline=None)
            lines = _lines(text, lambda: _is(raw.fileno(), stamp))
            yield from (_json if config.format == "jsonl" else _csv)(config, lines)
    except (gzip.BadGzipFile, EOFError, zlib.error, UnicodeError) as wrong:
        raise Wrong(Reject.UNREADABLE, f"cannot be read on: {wrong}") from wrong


def _is(descriptor: int, stamp: Stamp) -> bool:
    now = os.fstat(descriptor)
    return Stamp(now.st_size, now.st_mtime_ns) == stamp


def _lines(text: io.TextIOWrapper, is_whole: Callable[[], bool]) -> Iterator[tuple[int, str]]:
    """Lines with something on them. A too long one comes as its beginning; the last of a growing file is left out."""
    number = 0
    while line := text.readline(LINE_CHARS):
        number += 1
        if not line.endswith("\n"):
            rest = line
            while len(rest) == LINE_CHARS and not rest.endswith("\n"):
                rest = text.readline(LINE_CHARS)
            if not rest.endswith("\n") and not is_whole():
                return  # it may be half a line, and half a number looks like one
        if line.strip():
            yield number, line


def _usable(config: Config, line: str) -> str:
    if len(line) >= LINE_CHARS:
        raise Wrong(Reject.TOO_LARGE, f"a line has under {LINE_CHARS} characters")
    try:
        line.encode("utf-8")
    except UnicodeEncodeError as wrong:
        raise Wrong(Reject.UNREADABLE, f"bytes that are no {config.encoding}: set encoding") from wrong
    return line


def _cells(config: Config, line: str) -> list[str]:
    """A line is a row: one quote that is never closed costs its line, not the rest of the file."""
    try:
        return next(csv.reader([_usable(config, line).rstrip("\n")], delimiter=config.delimiter, strict=True))
    except csv.Error as wrong:
        raise Wrong(Reject.NOT_A_RECORD, str(wrong)) from wrong


def _csv(config: Config, lines: Iterator[tuple[int, str]]) -> Iterator[Item]:
    header = next(lines, None)
    if header is None:
        raise Wrong(Reject.UNREADABLE, "is empty")
    of = Rows(config).of(_cells(config, header[1]))
    for number, line in lines:
        yield number, _bytes(line), lambda line=line: of(_cells(config, line))  # type: ignore[misc]


def _json(config: Config, lines: Iterator[tuple[int, str]]) -> Iterator[Item]:
    rows = Rows(config)
    for number, line in lines:
        yield number, _bytes(line), lambda line=line: rows.json(_usable(config, line).encode())  # type: ignore[misc]


def _bytes(line: str) -> bytes:
    return line[:2048].encode("utf-8", "surrogateescape")


def _parquet(config: Config, path: Path) -> Iterator[Item]:
    import polars

    if config.format == "jsonl":
        raise Wrong(Reject.UNREADABLE, "is Parquet, and the format of the config is jsonl")
    stamp_of(path)  # an OSError of the folder is none of the content
    try:
        table = polars.scan_parquet(path, glob=False)
        of = Rows(config).of(table.collect_schema().names())
        at = 0
        while rows := table.slice(at, BATCH).collect().rows():
            for number, cells in enumerate(rows, at + 1):
                yield number, b"", lambda cells=cells: of(cells)  # type: ignore[misc]
            at += len(rows)
    except (polars.exceptions.PolarsError, polars.exceptions.PanicException) as wrong:
        raise Wrong(Reject.UNREADABLE, f"cannot be read as Parquet: {wrong}"[:500]) from wrong
