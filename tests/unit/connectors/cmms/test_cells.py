"""Times, numbers and codes as lists of maintenance systems write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from connectors.cmms import cells
from connectors.cmms.maps import Columns, Map

ZONES = st.sampled_from(["UTC", "Europe/Brussels", "America/New_York", "Asia/Kolkata"])
MAP = Map(source="list", columns=Columns(number=("n",), asset=("a",), reported=(("day", "time"),)))


def us(day: str, time: str | None = None, zone: str = "UTC", by: Map = MAP) -> int | None:
    rows = pl.DataFrame(
        {"day": [day]} | ({} if time is None else {"time": [time]}), schema_overrides={"day": pl.String}
    )
    return cells.moments_us(cells.moments(rows, by.columns.reported), by, zone)[0]


def exact(when: datetime) -> int:
    return (when.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@settings(deadline=None)
@given(st.datetimes(datetime(2000, 1, 2), datetime(2100, 1, 1)).map(lambda when: when.replace(microsecond=0)), ZONES)
def test_a_moment_is_the_same_in_all_forms(local, zone):
    when = local.replace(tzinfo=ZoneInfo(zone))
    assume(when.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local)  # no hour that is left out
    forms = [
        (f"{local:%Y%m%d}", f"{local:%H%M%S}"),
        (f"{local:%Y%m%d}", f"{local:%H:%M:%S}"),
        (f"{local:%d.%m.%Y}", f"{local:%H:%M:%S}"),
        (f"{local:%Y-%m-%d}", f"PT{local:%H}H{local:%M}M{local:%S}S"),
        (f"{local:%Y-%m-%d %H:%M:%S}", None),
        (f"{local:%d.%m.%Y %H:%M:%S}", None),
        (f"{local:%Y%m%d%H%M%S}", None),
        (when.isoformat(), None),
        (f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", ""),
    ]
    assert {us(day, time, zone) for day, time in forms} == {exact(when)}


@settings(deadline=None)
@given(st.dates(datetime(2000, 1, 2).date(), datetime(2100, 1, 1).date()))
def test_a_day_without_a_time_is_its_beginning(day):
    begin = exact(datetime(day.year, day.month, day.day, tzinfo=UTC))
    assert {us(f"{day:%Y%m%d}"), us(f"{day:%d.%m.%Y}", ""), us(f"{day:%Y-%m-%d}")} == {begin}


@pytest.mark.parametrize("day", ["00000000", "00.00.0000", "", "  ", "0000-00-00"])
def test_no_day_is_no_moment_whatever_the_time_of_day(day):
    texts = cells.moments(pl.DataFrame({"day": [day], "time": ["000000"]}), MAP.columns.reported)
    assert texts.to_list() == [None]


@pytest.mark.parametrize("day", ["31.02.2026", "soon", "2026-13-01", "01/31/2026"])
def test_what_is_no_day_is_none(day):
    assert us(day, "060000") is None


def test_a_form_of_the_plant_is_named_in_its_map():
    by = Map(source="list", columns=MAP.columns, date_formats=("%m/%d/%Y %H:%M",))
    assert us("01/31/2026", "06:00", by=by) == us("20260131", "060000") == us("20260131", "060000", by=by)


def test_the_hour_that_comes_twice_is_the_first_one():
    first, second = us("20261025", "023000", "Europe/Brussels"), us("2026-10-25T01:30:00Z")
    assert first == us("2026-10-25T00:30:00Z") != second


@pytest.mark.parametrize(
    ("text", "unit", "wanted"),
    [
        ("8,5", "H", 8.5), ("8.5", None, 8.5), ("1.234,5", "h", 1234.5), ("1,234.5", "h", 1234.5), ("90", "MIN", 1.5),
        ("8", "PARSEC", None), ("long", "h", None),
    ],
)  # fmt: skip
def test_a_duration_is_hours_whatever_its_comma(text, unit, wanted):
    by = Map(source="list", columns=MAP.columns, hours={"H": 1.0, "MIN": 1 / 60})
    found = cells.hours(pl.Series([text]), pl.Series([unit], dtype=pl.String), by)
    assert found.to_list() == [wanted]


def test_the_first_way_that_says_something_counts_and_a_group_without_a_code_says_nothing():
    rows = pl.DataFrame({"g": ["PMP", "PMP", None], "c": ["10", None, "11"], "d": ["x", "y", "z"]})
    assert cells.first(cells.words(rows, (("g", "c"), "d", "absent")), 3).to_list() == ["PMP-10", "y", "11"]
