"""Whatever bytes a file has, the others are read, and nothing is raised."""

from __future__ import annotations

import gzip
import io
import tempfile
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.connectors.files.history_kit import at, history, rows_of, stretches

GOOD = f"asset,time_us,temp_degc\npump-1,{at(0)},1\n"
MARKS = (b",", b"\n", b"\r\n", b"\r", b'"', b'""', b"\x00", b"\xff", b" ", b"-", b"\t", b"\xef\xbb\xbf")
WORDS = (b"pump-1", b"1e9", b"NaN", str(at(1)).encode(), "ü".encode(), b"99999999999999999999", b"2026-01-01")
PIECES = st.sampled_from((*MARKS, *WORDS))


def rows_with(name: str, data: bytes) -> int:
    """How many rows a good file gives beside another."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "good.csv").write_text(GOOD)
        (folder / name).write_bytes(data)
        found = rows_of(stretches(history(folder, "good.csv", name)))
        assert {"asset": "pump-1", "minute": 0.0, "temp_degc": 1.0} in found
        return len(found)


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, max_size=40).map(b"".join), st.booleans(), st.booleans())
def test_csv_of_any_bytes(rest, has_header, is_packed):
    data = (b"asset,time_us,temp_degc\n" if has_header else b"") + rest
    rows_with("other.csv.gz" if is_packed else "other.csv", gzip.compress(data) if is_packed else data)


def parquet() -> bytes:
    made = io.BytesIO()
    rows = pl.DataFrame({"asset": ["pump-1"] * 50, "time_us": [at(m) for m in range(50)], "temp_degc": [1.0] * 50})
    rows.write_parquet(made)
    return made.getvalue()


WHOLE = parquet()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=4),
    st.one_of(st.just(0), st.integers(0, 30)),
)
def test_parquet_with_wrong_bytes(wrong, cut):
    data = bytearray(WHOLE)
    for place, byte in wrong:
        data[place] = byte
    rows_with("other.parquet", bytes(data[: len(data) - cut]))
