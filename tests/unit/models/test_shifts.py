"""Shifts by the clock on the wall, over both changes of it, and what a calendar may not say."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby

import pytest

from models.plant import PlantError, parse
from tests.kit import tiny

# Belgium's clock goes forward on 2026-03-29 and back on 2026-10-25, both at 01:00 UTC (directive 2000/84/EC).
HEAD = """
timezone = "Europe/Brussels"
holidays = [2026-12-25]
"""
DAYS = '["mon", "tue", "wed", "thu", "fri", "sat", "sun"]'
THREE = f"""
[[shifts]]
name = "early"
days = {DAYS}
from = "06:00"
to = "14:00"
[[shifts]]
name = "late"
days = {DAYS}
from = "14:00"
to = "22:00"
[[shifts]]
name = "night"
days = {DAYS}
from = "22:00"
to = "06:00"
"""
CHANGES_AT_HALF_PAST_TWO = THREE.replace('"22:00"\nto = "06:00"', '"22:00"\nto = "02:30"').replace(
    '"06:00"', '"02:30"', 1
)


def plant(shifts: str = THREE, head: str = HEAD):
    return parse(f"{head}{tiny.PLANT_TOML}{shifts}")


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * 1_000_000


def spells(of, begin: str, hours: int):
    """Shifts in order with their minutes."""
    names = [of.shift_of(us(begin) + minute * 60_000_000) for minute in range(hours * 60)]
    return [(name, len(list(spell))) for name, spell in groupby(names)]


@pytest.mark.parametrize(
    ("when", "name"),
    [
        ("2026-07-01T06:00:00+02:00", "early"),
        ("2026-07-01T13:59:59+02:00", "early"),
        ("2026-07-01T14:00:00+02:00", "late"),
        ("2026-07-01T23:00:00+02:00", "night"),
        ("2026-07-02T05:59:59+02:00", "night"),
        ("2026-01-01T06:00:00+01:00", "early"),
    ],
)
def test_a_shift_is_found_by_local_time(when, name):
    assert plant().shift_of(us(when)) == name


def test_the_night_over_the_change_to_summer_time_has_seven_hours():
    assert spells(plant(), "2026-03-28T22:00:00+01:00", 8) == [("night", 7 * 60), ("early", 60)]


def test_the_night_over_the_change_to_winter_time_has_nine_hours():
    assert spells(plant(), "2026-10-24T22:00:00+02:00", 10) == [("night", 9 * 60), ("early", 60)]


def test_a_shift_that_begins_in_the_hour_that_does_not_exist_begins_at_the_jump():
    found = spells(plant(CHANGES_AT_HALF_PAST_TWO), "2026-03-28T22:00:00+01:00", 16)
    assert found == [("night", 4 * 60), ("early", 11 * 60), ("late", 60)]


def test_a_shift_that_begins_in_the_hour_that_comes_twice_begins_once():
    found = spells(plant(CHANGES_AT_HALF_PAST_TWO), "2026-10-24T22:00:00+02:00", 18)
    assert found == [("night", 4 * 60 + 30), ("early", 12 * 60 + 30), ("late", 60)]


def test_between_shifts_none_works():
    gap = THREE.replace('to = "14:00"', 'to = "13:30"')
    assert plant(gap).shift_of(us("2026-07-01T13:30:00+02:00")) is None
    assert plant("").shift_of(0) is None


def test_on_a_holiday_no_shift_begins_and_the_last_night_ends():
    assert spells(plant(), "2026-12-24T22:00:00+01:00", 33) == [("night", 8 * 60), (None, 24 * 60), ("early", 60)]


def test_a_shift_works_on_its_days_alone_and_a_sundays_night_ends_on_monday():
    sunday = '[[shifts]]\nname = "watch"\ndays = ["sun"]\nfrom = "18:00"\nto = "06:00"\n'
    assert plant(sunday).shift_of(us("2026-07-06T05:59:00+02:00")) == "watch"
    assert plant(sunday).shift_of(us("2026-07-06T18:00:00+02:00")) is None


def test_a_shift_that_ends_when_it_begins_lasts_a_day():
    day = '[[shifts]]\nname = "day"\ndays = ["mon"]\nfrom = "06:00"\nto = "06:00"\n'
    assert spells(plant(day), "2026-07-06T05:00:00+02:00", 26) == [(None, 60), ("day", 24 * 60), (None, 60)]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('from = "06:00"', 'from = "6:00"', r"shifts\[0\].from is '6:00': write hours and minutes"),
        ('to = "14:00"', 'to = "24:00"', r"shifts\[0\].to is '24:00'"),
        ('to = "14:00"', 'to = "15:00"', r"shifts\[1\]: both 'early' and 'late' work on mon at 14:00"),
        ('to = "06:00"', 'to = "07:00"', r"both 'night' and 'early' work on \w+ at 06:00"),
        (f"days = {DAYS}", "days = []", r"shifts\[0\].days must name at least one day"),
        (f"days = {DAYS}", 'days = ["mon", "mon"]', "none twice"),
        (f"days = {DAYS}", 'days = ["monday"]', "Invalid enum value 'monday'"),
    ],
)
def test_a_wrong_shift_is_refused_with_its_line(old, new, said):
    with pytest.raises(PlantError, match=rf"^line \d+: .*{said}"):
        plant(THREE.replace(old, new, 1))


def test_a_night_from_sunday_to_monday_may_not_reach_into_mondays_first_shift():
    both = [("night", "sun", "22:00", "07:00"), ("early", "mon", "06:00", "14:00")]
    text = "".join(f'[[shifts]]\nname="{n}"\ndays=["{d}"]\nfrom="{a}"\nto="{b}"\n' for n, d, a, b in both)
    with pytest.raises(PlantError, match="both 'night' and 'early' work on mon at 06:00"):
        plant(text)


@pytest.mark.parametrize("zone", ["Europe/Brussel", "Europe", "../etc/passwd", "CET+1 "])
def test_a_time_zone_that_is_none_is_refused_with_its_line(zone):
    with pytest.raises(PlantError, match=r"^line 2: timezone '.*' is none"):
        plant(head=f'\ntimezone = "{zone}"\n')


def test_a_holiday_that_stands_twice_is_refused():
    with pytest.raises(PlantError, match="holidays has a date twice"):
        plant(head="holidays = [2026-12-25, 2026-12-25]\n")
