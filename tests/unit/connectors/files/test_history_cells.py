"""Times and values of cells, by their columns' types and the shape."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.files.cells import Cells, time_us
from connectors.files.shape import Shape

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def us(when: datetime) -> int:
    return (when - EPOCH) // timedelta(microseconds=1)


def times(cells: list, shape: Shape | None = None, dtype=None) -> list:
    column = pl.DataFrame({"t": pl.Series(cells, dtype=dtype)})
    expression = time_us("t", column["t"].dtype, shape or Shape())
    assert expression is not None
    return column.select(expression).to_series().to_list()


NINE = us(datetime(2026, 3, 1, 9, tzinfo=UTC))


@pytest.mark.parametrize(
    "said",
    [
        "2026-03-01T09:00:00Z", "2026-03-01 09:00:00", "2026-03-01T09:00", "2026-03-01T11:00:00+02:00",
        " 2026-03-01T09:00Z ",         "2026-03-01T04:30:00-0430", "2026-03-01T11:00+02", "2026-03-01 09:00:00.000",
        "2026-03-01T09:00:00,0Z", str(NINE),
    ],
)  # fmt: skip
def test_iso_times_with_and_without_offsets(said):
    assert times([said]) == [NINE]


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
    st.sampled_from(["UTC", "Europe/Brussels", "Asia/Kolkata", "America/St_Johns"]),
)
def test_iso_times_as_python_writes_them(local, zone):
    when = local.replace(tzinfo=ZoneInfo(zone))
    assert times([when.isoformat()]) == [us(when)]


@pytest.mark.parametrize("said", ["2026-13-01T09:00:00", "2026", "9 o'clock", "2026-03-01T09", "", None])
def test_what_is_no_time_is_null_or_far_from_ours(said):
    (found,) = times([said], dtype=pl.String)
    assert found is None or found == 2026


def test_days_begin_at_midnight():
    assert times(["2026-03-01"]) == times([date(2026, 3, 1)]) == [us(datetime(2026, 3, 1, tzinfo=UTC))]


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
@pytest.mark.parametrize("kind", [int, float, str])
def test_whole_numbers_are_in_the_unit_of_the_shape(unit, kind):
    said = NINE // {"s": 1_000_000, "ms": 1_000, "us": 1}[unit]
    assert times([kind(said)], Shape(time_format=unit)) == [NINE]


def test_seconds_may_have_a_fraction():
    assert times(["1.5"], Shape(time_format="s")) == [1_500_000]


def test_times_without_an_offset_are_of_the_zone():
    shape = Shape(zone="Europe/Brussels")
    assert times(["2026-03-01T10:00:00"], shape) == times([datetime(2026, 3, 1, 10)], shape) == [NINE]
    assert times([datetime(2026, 3, 1, 10)], Shape()) == [NINE + 3_600_000_000]


@pytest.mark.parametrize(("fold", "hour"), [("first", 0), ("second", 1), ("refuse", None)])
def test_the_hour_that_comes_twice_is_as_the_shape_says(fold, hour):
    shape = Shape(zone="Europe/Brussels", fold=fold)
    expected = None if hour is None else us(datetime(2026, 10, 25, hour, 30, tzinfo=UTC))
    assert times(["2026-10-25T02:30:00"], shape) == [expected]


def test_an_hour_that_the_clock_leaves_out_is_no_time():
    assert times(["2026-03-29T02:30:00"], Shape(zone="Europe/Brussels")) == [None]


def test_a_format_of_strptime():
    assert times(["01.03.2026 09:00:00.5", "x"], Shape(time_format="%d.%m.%Y %H:%M:%S.%f")) == [NINE + 500_000, None]
    assert times(["01.03.2026 10:00 +0100"], Shape(time_format="%d.%m.%Y %H:%M %z")) == [NINE]


@pytest.mark.parametrize("dtype", [pl.Datetime("ns", "Asia/Tokyo"), pl.Datetime("ms", "UTC")])
def test_datetimes_of_any_zone_and_unit(dtype):
    moment = pl.Series([datetime(2026, 3, 1, 9, tzinfo=UTC)]).cast(dtype)
    assert times(moment.to_list(), dtype=dtype) == [NINE]


def cast(cells: list, kind: type, shape: Shape | None = None) -> tuple[list, int, int]:
    found = Cells(shape or Shape()).cast(pl.Series("x", cells, strict=False), kind)
    return found.values.to_list(), found.bad, 0 if found.wrong is None else int(found.wrong.sum())


@pytest.mark.parametrize(
    ("cells", "kind", "expected"),
    [
        (["1", " 2.5 ", "1e3", "-.5", ""], float, ([1.0, 2.5, 1000.0, -0.5, None], 0, 0)),
        (["NaN", "inf", "1e999", "bad input", "null"], float, ([None] * 5, 5, 0)),
        (["1,5", "true", "0x1"], float, ([None] * 3, 0, 3)),
        ([1.5, float("nan"), float("inf"), None], float, ([1.5, None, None, None], 2, 0)),
        ([True, None], float, ([None, None], 0, 1)),
        (["true", "FALSE", "1", "0.0"], bool, ([True, False, True, False], 0, 0)),
        (["2", "on", "", "No Data"], bool, ([None] * 4, 1, 2)),
        ([1, 0, 2], bool, ([True, False, None], 0, 1)),
        (["auto", "3.0", "TRUE", " x "], str, (["auto", "3", "true", "x"], 0, 0)),
        (["Shutdown", "x" * 1001, ""], str, ([None] * 3, 1, 1)),
        ([3.0, 2.5], str, (["3", "2.5"], 0, 0)),
        ([True], str, (["true"], 0, 0)),
    ],
)  # fmt: skip
def test_values_by_the_kind_of_their_signal(cells, kind, expected):
    assert cast(cells, kind) == expected


def test_a_decimal_comma():
    assert cast(["1,5", "1.5", "2"], float, Shape(decimal=",", delimiter=";")) == ([1.5, None, 2.0], 0, 1)


def test_more_states_are_bad_values():
    assert cast(["Off scan", "1"], float, Shape(more_states=("OFF SCAN",))) == ([None, 1.0], 1, 0)


def test_words_as_categories_and_columns_that_are_no_values():
    words = pl.Series("x", ["auto", "7.0", None], pl.Categorical)
    assert Cells(Shape()).cast(words, str).values.to_list() == ["auto", "7", None]
    found = Cells(Shape()).cast(pl.Series("x", [[1.0], None]), float)
    assert found.values.to_list() == [None, None] and found.wrong is not None and found.wrong.to_list() == [True, False]


def test_a_time_that_overflows_in_its_unit_is_none():
    assert times([NINE * 10], Shape(time_format="s")) == times([str(NINE)], Shape(time_format="s")) == [None]
