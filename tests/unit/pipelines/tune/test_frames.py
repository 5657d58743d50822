"""Rows of the store as parts, for stations that send frames alone."""

from __future__ import annotations

import asyncio

import polars as pl
from msgspec.structs import replace

from models.plant import parse
from pipelines.tune.board import Board
from pipelines.tune.frames import BACK_US, Frames, parts_of

STATION_TOML = """
plant = "body-shop"
[types.weld.signals]
i = { kind = "gauge", unit = "kA" }
f = { kind = "gauge", unit = "kN" }
n = { kind = "counter", unit = "1" }
[assets.weld-01]
type = "weld"
[tuning.stations.weld-01]
models = { bracket = "weld-defects" }
inputs = { current_ka = "kA", force_kn = "kN", since_dress = "1" }
signals = { current_ka = "i", force_kn = "f", since_dress = "n" }
[tuning.stations.weld-01.parameters.current_ka]
unit = "kA"
low = 7
high = 10
step = 0.3
[tuning.stations.weld-01.parameters.force_kn]
unit = "kN"
low = 2
high = 4
step = 0.3
"""
PLANT = parse(STATION_TOML)
STATION = PLANT.tuning.stations["weld-01"]
NOW_US = 1_772_000_000_000_000


def rows(count: int = 3, **more) -> pl.DataFrame:
    columns = {
        "asset": ["weld-01"] * count, "time_us": [NOW_US - (count - at) * 1_000_000 for at in range(count)],
        "i": [9.0 + at for at in range(count)], "f": [2.6] * count, "n": [float(at) for at in range(count)],
    }  # fmt: skip
    return pl.DataFrame(columns | more)


class Store:
    def __init__(self, found: pl.DataFrame) -> None:
        self.found, self.asked = found, []

    async def read(self, measurement, from_us, to_us, assets=None):
        self.asked.append((measurement, from_us, to_us))
        return self.found.filter((pl.col("time_us") >= from_us) & (pl.col("time_us") < to_us))


def test_a_row_is_a_part_at_its_settings_known_by_its_time():
    one, *_ = parts_of(rows(), PLANT, "weld-01", STATION)
    assert one.part == str(NOW_US - 3_000_000)
    assert one.product == "bracket"
    assert one.settings == {"current_ka": 9.0, "force_kn": 2.6}
    assert one.measured == {"current_ka": 9.0, "force_kn": 2.6, "since_dress": 0.0}


def test_a_row_that_lacks_a_parameter_is_no_part():
    found = parts_of(rows(i=[9.0, None, 9.2]), PLANT, "weld-01", STATION)
    assert [one.time_us for one in found] == [NOW_US - 3_000_000, NOW_US - 1_000_000]


def test_a_measured_value_that_is_missing_is_left_out():
    found = parts_of(rows(n=[1.0, None, 3.0]), PLANT, "weld-01", STATION)
    assert "since_dress" not in found[1].measured


def test_of_several_products_a_row_says_which_or_is_no_part():
    several = replace(
        STATION, models={"bracket": "a", "hinge": "b"}, signals=STATION.signals | {"product": "p", "part": "id"}
    )
    found = parts_of(rows(p=["hinge", None, "bracket"], id=["x1", "x2", "x3"]), PLANT, "weld-01", several)
    assert [(one.part, one.product) for one in found] == [("x1", "hinge"), ("x3", "bracket")]


def test_rows_are_read_a_week_back_at_first_and_then_from_the_last_minute_on_and_taken_once():
    board, store = Board(PLANT), Store(rows())
    frames = Frames(board, store)
    assert frames.are_read
    for _ in range(2):
        asyncio.run(frames.look(NOW_US))
    assert board.tuners["weld-01", "bracket"].journal.parts == 3
    assert store.asked[0][1] <= NOW_US - BACK_US
    assert store.asked[1][1] == NOW_US - 1_000_000 - 60_000_000
