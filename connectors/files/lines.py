"""CSV, plain or packed by gzip, in pieces of whole lines: polars reads most of it, `csv` what is near a bad line.

A line is a row: a quote that is never closed, or a byte of another encoding, costs its line and not the rest.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import polars as pl

from connectors.files.shape import Shape
from connectors.files.trouble import LINE, Trouble
from models.records import Reject

PIECE = 8 * 1024 * 1024
"""Bytes, or characters, read at once; our choice: some 100,000 lines. No line may be longer."""
FEW_LINES = 100
"""Lines that are read one by one where one of them is bad; our choice."""
_QUOTED = re.compile(rb'"[^"\n]*"')
UNREADABLE = (OSError, EOFError, zlib.error, UnicodeError)
"""What reading raises of a file that is gone, cut off, packed wrongly or of another encoding."""


class Piece(NamedTuple):
    """Rows as text under the names of the header, with LINE; and how much of the file was read by then, in bytes."""

    rows: pl.DataFrame
    read: int


def header(path: Path, shape: Shape) -> list[str]:
    """Names of the columns; empty for an empty file. Raises what is in UNREADABLE."""
    with path.open("rb") as raw:
        text = io.TextIOWrapper(_plain(raw, path), shape.encoding, "surrogateescape", newline=None)
        line = text.readline(PIECE).removeprefix("\ufeff")
    line.encode("utf-8")  # bytes of another encoding may spoil other lines, but not this one
    return [name.strip() for name in next(csv.reader([line.rstrip("\n")], delimiter=shape.delimiter), [])]


def pieces(path: Path, names: list[str], shape: Shape, trouble: Trouble) -> Iterator[Piece]:
    """All rows under the header; what is none goes to `trouble`, also where the file cannot be read on."""
    number = 1
    try:
        with path.open("rb") as raw:
            for block in _blocks(raw, path, shape):
                data = block
                if number == 1:
                    _, _, data = data.partition(b"\n")
                    number = 2
                rows = _rows(data, number, names, shape, trouble)
                number += data.count(b"\n")
                yield Piece(rows, raw.tell())
    except UNREADABLE as wrong:
        trouble.tell(Reject.UNREADABLE, f"cannot be read on: {wrong}"[:500])


def _plain(raw: IO[bytes], path: Path) -> IO[bytes]:
    return gzip.GzipFile(fileobj=raw) if path.suffix.lower() == ".gz" else raw  # type: ignore[return-value]


def _blocks(raw: IO[bytes], path: Path, shape: Shape) -> Iterator[bytes]:
    """Bytes of UTF-8 that end with a line feed; a byte of another encoding stays what it is."""
    plain = _plain(raw, path)
    is_utf8 = shape.encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig")
    text = None if is_utf8 else io.TextIOWrapper(plain, shape.encoding, "surrogateescape", newline="")
    rest = b""
    while block := plain.read(PIECE) if text is None else text.read(PIECE).encode("utf-8", "surrogateescape"):
        whole, feed, begun = (rest + block).rpartition(b"\n")
        rest = begun
        if whole or feed:
            lines = whole + feed
            yield lines.replace(b"\r\n", b"\n") if b"\r" in lines else lines
        if len(rest) > PIECE:
            raise UnicodeError(f"a line is longer than {PIECE} bytes")
    if rest:
        yield rest.replace(b"\r", b"") + b"\n"


def _rows(data: bytes, number: int, names: list[str], shape: Shape, trouble: Trouble) -> pl.DataFrame:
    """The rows of whole lines of which the first has a number."""
    lines = data.count(b"\n")
    bare = _QUOTED.sub(b"", data) if b'"' in data else data
    if b'"' not in bare and bare.count(shape.delimiter.encode()) == lines * (len(names) - 1):
        # Polars fills a short line up but refuses a long one: if the sum is right, all are.
        try:
            rows = _by_polars(data, names, shape)
        except pl.exceptions.PolarsError:
            rows = None
        if rows is not None and len(rows) == lines:
            return rows.with_columns(pl.int_range(number, number + lines, dtype=pl.UInt32).alias(LINE))
    if lines <= FEW_LINES:
        return _by_line(data, number, names, shape, trouble)
    # A few bad lines among many: the halves without them are read by polars.
    half = data.rindex(b"\n", 0, max(len(data) // 2, data.index(b"\n") + 1)) + 1
    second = number + data.count(b"\n", 0, half)
    parts = (data[:half], number), (data[half:], second)
    return pl.concat([_rows(part, first, names, shape, trouble) for part, first in parts if part])


def _by_polars(data: bytes, names: list[str], shape: Shape) -> pl.DataFrame:
    if not data:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    return pl.read_csv(
        io.BytesIO(data),
        has_header=False,
        schema=dict.fromkeys(names, pl.String),
        separator=shape.delimiter,
    )


def _by_line(data: bytes, number: int, names: list[str], shape: Shape, trouble: Trouble) -> pl.DataFrame:
    rows: list[list[str]] = []
    numbers: list[int] = []
    for at, line in enumerate(data.split(b"\n")[:-1], number):
        if not line.strip():
            continue
        try:
            cells = next(csv.reader([line.decode()], delimiter=shape.delimiter, strict=True))
        except UnicodeDecodeError:
            bad = f"bytes that are no {shape.encoding}: set encoding"
            trouble.lines(Reject.UNREADABLE, "bytes of another encoding", [(at, bad, _shown(line))])
        except csv.Error as wrong:
            trouble.lines(Reject.NOT_A_RECORD, "wrong quotes", [(at, str(wrong), _shown(line))])
        else:
            if len(cells) == len(names):
                rows.append(cells)
                numbers.append(at)
            else:
                bad = f"the line has {len(cells)} cells, and the header {len(names)}"
                trouble.lines(Reject.NOT_A_RECORD, "another number of cells", [(at, bad, _shown(line))])
    table = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row", strict=False)
    empty = pl.col(pl.String).replace("", None)
    return table.with_columns(empty).with_columns(pl.Series(LINE, numbers, pl.UInt32))


def _shown(line: bytes) -> str:
    return line[:4096].decode("utf-8", "replace")
