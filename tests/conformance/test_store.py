"""One suite for every store: what is written reads back equal, repeats change nothing, a bad row harms no other."""

from __future__ import annotations

import asyncio
import math
import re
import struct
import time
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.ports import Rows

NOW_US = time.time_ns() // 1000 // 60_000_000 * 60_000_000
FOREVER = (0, NOW_US + 3_600_000_000)


def table(
    fields: dict[str, list],
    *,
    times: list[int] | None = None,
    assets: list[str] | None = None,
    measurement: str = "pump",
    plant: str = "demo",
) -> Rows:
    """Rows from lists; floats become float64 with NaN for None, others objects."""
    length = len(next(iter(fields.values())))
    owners = assets or ["pump-01"] * length
    names = tuple(dict.fromkeys(owners))
    return Rows(
        measurement=measurement,
        plant=plant,
        assets=names,
        asset_index=np.array([names.index(owner) for owner in owners], dtype=np.intp),
        time_us=np.array(times or [NOW_US - i for i in range(length)], dtype=np.int64),
        fields={name: _column(values) for name, values in fields.items()},
    )


def _column(values: list) -> np.ndarray:
    if all(value is None or isinstance(value, float) for value in values):
        return np.array([math.nan if value is None else value for value in values], dtype=np.float64)
    return np.array(values, dtype=object)


def by_time(frame: pl.DataFrame, field: str) -> list:
    return frame.sort("time_us", descending=True)[field].to_list()


def bits(values: list[float]) -> list[bytes]:
    return [struct.pack(">d", value) for value in values]


def test_floats_read_back_bit_equal(stores) -> None:
    values = [0.1, -0.0, 0.0, 5.0, 1e22, 1e-7, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -1 / 3, 2.0**53]

    async def body() -> None:
        async with stores.open() as (store, reader):
            assert not await store.write([table({"x": values})])
            assert bits(by_time(await reader.read("pump", *FOREVER), "x")) == bits(values)

    asyncio.run(body())


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=200, max_size=2000))
def test_any_float_reads_back_bit_equal(stores, values: list[float]) -> None:
    async def body() -> None:
        async with stores.open() as (store, reader):
            assert not await store.write([table({"x": values})])
            assert bits(by_time(await reader.read("pump", *FOREVER), "x")) == bits(values)

    asyncio.run(body())


def test_booleans_and_texts_read_back_equal(stores) -> None:
    flags = [True, False, None, True]
    texts = ['say "hi"', "back\\slash\\", "läuft, a=b ü 漢字 🙂", "two\nlines"]

    async def body() -> None:
        async with stores.open() as (store, reader):
            assert not await store.write([table({"on": flags, "note": texts})])
            frame = await reader.read("pump", *FOREVER)
            assert by_time(frame, "on") == flags
            assert by_time(frame, "note") == texts

    asyncio.run(body())


def test_an_empty_text_is_a_text(stores) -> None:
    async def body() -> None:
        async with stores.open() as (store, reader):
            assert not await store.write([table({"note": ["", "x"]})])
            assert by_time(await reader.read("pump", *FOREVER), "note") == ["", "x"]

    asyncio.run(body())


_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1, max_size=40)
"""Without the empty text: InfluxDB 2.7's Flux answers a column '0', '', '0', '' as '0', '0', '', ''."""


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(values=st.lists(_texts, min_size=50, max_size=200))
def test_any_text_but_empty_ones_and_carriage_returns_reads_back_equal(stores, values: list[str]) -> None:
    async def body() -> None:
        async with stores.open() as (store, reader):
            assert not await store.write([table({"note": values})])
            assert by_time(await reader.read("pump", *FOREVER), "note") == values

    asyncio.run(body())


NAMES = [
    "plain",
    "*",
    "^.*$",
    "a b",
    "a,b",
    "a=b",
    'a"b',
    "a\\b",
    "ü漢🙂",
    "#1",
    "a\\\\b",
    "${x}",
    '"q"',
    "\\a",
    "_x",
    "x'y",
]
UNWRITABLE = ["", "ends\\", "two\nlines", "tab\t", "a\\,b", "\\ a", "a\\\\ b", "a\\=b"]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_all_kinds_are_kept(stores, name: str) -> None:
    measurement = name.replace("#", "n")
    rows = table({name: [1.5], f"{name} 2": [2.5]}, assets=[name], measurement=measurement, plant=name)

    async def body() -> None:
        async with stores.open() as (store, reader):
            assert not await store.write([rows])
            frame = await reader.read(measurement, *FOREVER, [name])
            assert frame.to_dicts() == [{"asset": name, "time_us": NOW_US, name: 1.5, f"{name} 2": 2.5}]

    asyncio.run(body())


_names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).filter(
    lambda name: not re.search(r"\\([,= ]|$)", name) and name not in ("time", "time_us", "asset", "plant")
)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(names=st.lists(_names, min_size=20, max_size=60, unique=True))
def test_any_name_without_control_characters_is_kept(stores, names: list[str]) -> None:
    rows = table({name: [float(i)] * len(names) for i, name in enumerate(names)}, assets=names)

    async def body() -> None:
        async with stores.open() as (store, reader):
            assert not await store.write([rows])
            frame = await reader.read("pump", *FOREVER)
            assert set(frame["asset"]) == set(names)
            assert {name: frame[name].unique().to_list() for name in names} == {
                name: [float(i)] for i, name in enumerate(names)
            }

    asyncio.run(body())


@pytest.mark.parametrize("name", UNWRITABLE)
def test_a_row_of_an_asset_whose_name_cannot_be_kept_is_refused_alone(stores, name: str) -> None:
    async def body() -> None:
        async with stores.open() as (store, reader):
            refused = await store.write([table({"x": [1.0, 2.0]}, assets=[name, "pump-01"])])
            assert [(one.table, one.row) for one in refused] == [(0, 0)]
            assert (await reader.read("pump", *FOREVER))["x"].to_list() == [2.0]

    asyncio.run(body())


@pytest.mark.parametrize("name", ["time", "asset", *UNWRITABLE])
def test_a_row_with_a_field_that_cannot_be_kept_is_refused_alone(stores, name: str) -> None:
    async def body() -> None:
        async with stores.open() as (store, reader):
            refused = await store.write([table({name: [1.0, None], "x": [1.0, 2.0]})])
            assert [(one.table, one.row) for one in refused] == [(0, 0)]
            assert (await reader.read("pump", *FOREVER))["x"].to_list() == [2.0]

    asyncio.run(body())


def test_infinite_numbers_are_refused_alone(stores) -> None:
    async def body() -> None:
        async with stores.open() as (store, reader):
            refused = await store.write([table({"x": [1.0, math.inf, 2.0, -math.inf]})])
            assert [(one.table, one.row) for one in refused] == [(0, 1), (0, 3)]
            assert by_time(await reader.read("pump", *FOREVER), "x") == [1.0, 2.0]

    asyncio.run(body())


def test_writing_again_changes_nothing(stores) -> None:
    rows = table({"x": [1.0, 2.0, 3.0], "on": [True, None, False]})

    async def body() -> None:
        async with stores.open() as (store, reader):
            await store.write([rows])
            once = await reader.read("pump", *FOREVER)
            await store.write([rows, rows])
            assert (await reader.read("pump", *FOREVER)).equals(once)

    asyncio.run(body())


def test_two_events_of_an_asset_at_one_moment_are_two_rows(stores) -> None:
    at, events = [NOW_US, NOW_US, NOW_US - 5], ["WO-1", "WO 2, late", "WO-1"]
    orders = replace(
        table({"mode": ["wear", None, "leak"], "kind": ["c", "s", "c"]}, times=at, measurement="orders"),
        event=np.array(events, object),
    )

    async def body() -> None:
        async with stores.open() as (store, reader):
            assert not await store.write([orders, table({"x": [1.0]})])
            assert not await store.write([orders])
            assert await reader.count_rows("orders", *FOREVER) == 3
            found = await reader.read("orders", *FOREVER)
            assert found.columns == ["asset", "event_name", "time_us", "kind", "mode"]
            told = {(event, us): (kind, mode) for _, event, us, kind, mode in found.iter_rows()}
            assert told == dict(
                zip(zip(events, at, strict=True), [("c", "wear"), ("s", None), ("c", "leak")], strict=True)
            )
            assert (await reader.read("pump", *FOREVER)).columns == ["asset", "time_us", "x"]

    asyncio.run(body())


def test_the_later_value_of_a_moment_wins_even_across_posts_in_flight(stores) -> None:
    count = 3000
    repeats = table({"x": [float(i) for i in range(count)]}, times=[NOW_US - i % 7 for i in range(count)])

    async def body() -> None:
        async with stores.open(lines_per_post=50) as (store, reader):
            await asyncio.gather(*(store.write([repeats]) for _ in range(3)), store.write([table({"x": [-1.0]})]))
            last = [-1.0] + [float(max(i for i in range(count) if i % 7 == slot)) for slot in range(1, 7)]
            assert by_time(await reader.read("pump", *FOREVER), "x") == last

    asyncio.run(body())


def test_an_absent_field_deletes_nothing(stores) -> None:
    async def body() -> None:
        async with stores.open() as (store, reader):
            await store.write([table({"x": [1.0], "note": ["a"]})])
            await store.write([table({"x": [None], "note": ["b"], "y": [2.0]})])
            assert (await reader.read("pump", *FOREVER)).to_dicts() == [
                {"asset": "pump-01", "time_us": NOW_US, "note": "b", "x": 1.0, "y": 2.0}
            ]

    asyncio.run(body())


def test_a_value_of_another_type_is_refused_alone(stores) -> None:
    count, bad = 5000, {7, 2500, 4999}
    good = table({"x": [float(i) for i in range(count)]}, measurement="fan")
    odd = table(
        {"x": ["text" if i in bad else None for i in range(count)], "y": [float(i) for i in range(count)]},
        measurement="fan",
    )

    async def body() -> None:
        async with stores.open(lines_per_post=2000) as (store, reader):
            assert not await store.write([good])
            refused = await store.write([table({"x": [1.0]}), odd])
            assert [(one.table, one.row) for one in refused] == [(1, row) for row in sorted(bad)]
            assert all("type conflict" in one.reason for one in refused)
            frame = await reader.read("fan", *FOREVER)
            assert (len(frame), frame["y"].count(), frame["x"].count()) == (count, count - len(bad), count)

    asyncio.run(body())


def test_a_whole_column_of_another_type_is_refused_with_few_posts(stores) -> None:
    async def body() -> None:
        async with stores.open(lines_per_post=2000) as (store, _):
            await store.write([table({"x": [1.0]}, times=[NOW_US])])
            refused = await store.write([table({"x": [True] * 20_000})])
            assert [one.row for one in refused] == list(range(20_000))

    asyncio.run(asyncio.wait_for(body(), timeout=20))


def test_a_row_older_than_the_retention_is_refused_alone(stores) -> None:
    times = [NOW_US - i * 1000 for i in range(5000)]
    old = {3, 2500, 2501, 4998}
    for row in old:
        times[row] -= 5 * 86_400_000_000

    async def body() -> None:
        async with stores.open(retention_h=1.0) as (store, reader):
            refused = await store.write([table({"x": [1.0] * 5000}, times=times)])
            assert [one.row for one in refused] == sorted(old)
            assert all("retention" in one.reason for one in refused)
            assert await reader.count_rows("pump", *FOREVER) == 5000 - len(old)

    asyncio.run(body())


def test_nothing_to_write_is_nothing(stores) -> None:
    empty = table({"x": [None, None]})
    no_rows = Rows("pump", "demo", (), np.empty(0, np.intp), np.empty(0, np.int64), {"x": np.empty(0)})

    async def body() -> None:
        async with stores.open() as (store, reader):
            assert not await store.write([])
            assert not await store.write([empty, no_rows])
            assert (await reader.read("pump", *FOREVER)).is_empty()
            assert await reader.count_rows("pump", *FOREVER) == 0

    asyncio.run(body())


def test_a_range_includes_its_start_and_not_its_end(stores) -> None:
    async def body() -> None:
        async with stores.open() as (store, reader):
            await store.write([table({"x": [1.0, 2.0, 3.0]}, times=[NOW_US, NOW_US + 1, NOW_US + 2])])
            frame = await reader.read("pump", NOW_US, NOW_US + 2)
            assert frame["time_us"].to_list() == [NOW_US, NOW_US + 1]
            assert await reader.count_rows("pump", NOW_US + 1, NOW_US + 2) == 1

    asyncio.run(body())


def test_only_the_assets_asked_for_are_read(stores) -> None:
    names = [f"pump-{i:03d}" for i in range(200)]

    async def body() -> None:
        async with stores.open() as (store, reader):
            await store.write([table({"x": [1.0] * 200}, assets=names)])
            for wanted in (names[:3], names[:120], []):
                frame = await reader.read("pump", *FOREVER, wanted)
                assert frame["asset"].to_list() == wanted

    asyncio.run(body())


def test_a_hundred_thousand_rows_are_all_kept(stores) -> None:
    count, rng = 100_000, np.random.default_rng(7)
    hour = (NOW_US - 3_600_000_000, NOW_US + 1)
    rows = Rows(
        "pump",
        "demo",
        tuple(f"pump-{i:02d}" for i in range(50)),
        np.arange(count) % 50,
        NOW_US - 1000 * (np.arange(count) // 50),
        {f"f{i}": rng.normal(50, 10, count) for i in range(4)},
    )

    async def body() -> None:
        async with stores.open(page_bytes=4 * 1024 * 1024) as (store, reader):
            assert not await store.write([rows])
            assert await reader.count_rows("pump", *hour) == count
            frame = await reader.read("pump", *hour)
            order = np.lexsort((rows.time_us, rows.asset_index))
            assert all(np.array_equal(frame[f"f{i}"].to_numpy(), rows.fields[f"f{i}"][order]) for i in range(4))

    asyncio.run(body())
