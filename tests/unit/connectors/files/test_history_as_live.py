"""A file gives the same values as history as it does through the live files feed, cell by cell."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.files.shape import Columns, Shape
from connectors.scada.feeds.files.config import Columns as FeedColumns
from connectors.scada.feeds.files.config import Config
from connectors.scada.feeds.files.opened import reads, stamp_of
from connectors.scada.mapping import Mapper
from tests.unit.connectors.files.history_kit import at, history, iso, plant, stretches, write


def tag(address: str, asset: str, signal: str, more: str = "") -> str:
    return f'[[tags]]\naddress = "{address}"\nasset = "{asset}"\nsignal = "{signal}"\n{more}\n'


TAGS = "".join(
    [
        tag("P", "pump-1", "pressure_bar", f"scale = 0.1\noffset = -3\nto_us = {at(3)}"),
        tag("P", "pump-2", "pressure_bar", f"scale = 1e308\nfrom_us = {at(5)}"),
        tag("P", "fan-1", "temp_degc", f'feed = "files:x"\nfrom_us = {at(2)}\nto_us = {at(6)}'),
        tag("T", "pump-1", "temp_degc"),
        tag("T2", "pump-1", "temp_degc", f"from_us = {at(4)}"),
        tag("R", "pump-1", "is_running"),
        tag("M", "pump-1", "mode"),
    ]
)
NUMBERS = ("1", "-2.5", "1e3", " 7 ", "0", "1.0", "3.0", "007", "+1", ".5", "1.", "1e999", "0x1", "1_0")
WORDS = ("nan", "inf", "None", "true", "FALSE", "auto", "Bad Input", "no data", "", "x")
CELLS = st.sampled_from((*NUMBERS, *WORDS))
TIMES = st.one_of(st.integers(0, 7).map(iso), st.sampled_from(["", "soon", "2026-01-01 00:01:00+01:00"]))
QUALITIES = st.sampled_from(["Good", "192", "", "uncertain", "Bad", "64", "0", " GOOD "])


def as_live(path: Path, form: str, quality: str) -> list[tuple]:
    """What the live feed makes of a file, by asset, time and signal."""
    columns = FeedColumns(quality=quality)
    config = Config(folder=str(path.parent), format=form, columns=columns, zone="UTC")
    mapper = Mapper(plant(TAGS), "files:x")
    values = []
    for read in reads(config, path, stamp_of(path)):
        frames, _ = mapper.frames(read)
        for frame in frames:
            for signal, cells in frame.signals.items():
                values += [
                    (frame.asset, us, signal, c) for us, c in zip(frame.times_us, cells, strict=True) if c is not None
                ]
    return sorted(values, key=str)


def as_history(path: Path, form: str, quality: str) -> list[tuple]:
    shape = Shape(form=form, feed="files:x", columns=Columns(quality=quality))
    found = stretches(history(path.parent, path.name, tags=TAGS, shape=shape), rows=3)
    values = [
        (row["asset"], row["time_us"], signal, cell)
        for each in found
        for table in each.tables.values()
        for row in table.to_dicts()
        for signal, cell in row.items()
        if signal not in ("asset", "time_us") and cell is not None
    ]
    return sorted(values, key=str)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["P", "T", "T2", "R", "M", "?"]), TIMES, CELLS, QUALITIES), max_size=25))
def test_long_files(rows):
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "a.csv", "tag,time,value,q\n" + "".join(",".join(row) + "\n" for row in rows))
        assert as_history(path, "long", "q") == as_live(path, "long", "q")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(TIMES, CELLS, CELLS, CELLS, CELLS, CELLS, CELLS), max_size=12))
def test_wide_files(rows):
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "a.csv", "time,P,T,T2,R,M,?\n" + "".join(",".join(row) + "\n" for row in rows))
        assert as_history(path, "wide", "") == as_live(path, "wide", "")
