"""Which shift works at a time: the calendar of a plant by the clock on its wall. No clock is read here.

A time is of the wall: where the clock goes back, a shift begins and ends when the clock shows its time first; where it
goes forward over it, at the jump. A night over a change is an hour longer or shorter, and no minute is of two shifts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from models.plant.errors import PlantError
from models.records import Name

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
Date = date
"""A day of the calendar, for those who may not know what time it is."""
DAY_MIN = 24 * 60
WEEK_MIN = 7 * DAY_MIN


class Day(StrEnum):
    """Days of the week, Monday first."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


_DAYS = tuple(Day)


class Shift(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Begins on each of `days` at `from`, local time, and ends before `to`: the next day's where that is not later."""

    name: Name
    days: tuple[Day, ...]
    begins: str = msgspec.field(name="from")
    ends: str = msgspec.field(name="to")

    @property
    def span_min(self) -> tuple[int, int]:
        """Begin and end in minutes since the midnight before it begins; the end is past 24 h where it is tomorrow's."""
        begin, end = _minute(self.begins), _minute(self.ends)
        return begin, end if end > begin else end + DAY_MIN


def shift_of(shifts: Iterable[Shift], holidays: Iterable[date], zone: str, time_us: int) -> str | None:
    """Name of the shift at a time, None where none works. On a holiday none begins; last night's still ends."""
    now = datetime.fromtimestamp(time_us // 1_000_000, ZoneInfo(zone))
    for day in (now.date(), now.date() - timedelta(days=1)):
        if day in holidays:
            continue
        for shift in shifts:
            begin, end = shift.span_min
            if _DAYS[day.weekday()] in shift.days and _shown(day, begin, now) and not _shown(day, end, now):
                return shift.name
    return None


def weekday_of(zone: str, time_us: int) -> Day:
    """The day of the week at a time, by the wall's clock."""
    return _DAYS[datetime.fromtimestamp(time_us // 1_000_000, ZoneInfo(zone)).weekday()]


def _shown(day: date, minute: int, now: datetime) -> bool:
    """Whether the wall's clock has shown that minute of that day by now."""
    wall = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minute)
    behind = wall - now.replace(tzinfo=None, fold=0)
    if behind <= timedelta(0):
        return True
    # The clock went back today: it has shown all of the hour that it shows again.
    return now.fold == 1 and behind < timedelta(days=1) and _is_twice(wall.replace(tzinfo=now.tzinfo))


def _is_twice(local: datetime) -> bool:
    first, second = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    return first is not None and second is not None and first > second


def day_of(zone: str, time_us: int) -> Date:
    """The day that the calendar on the wall shows at a time."""
    return datetime.fromtimestamp(time_us // 1_000_000, ZoneInfo(zone)).date()


def offset_us(zone: str, time_us: int) -> int:
    """By how much the clock on the wall is ahead of UTC at a time, in microseconds."""
    ahead = datetime.fromtimestamp(time_us // 1_000_000, ZoneInfo(zone)).utcoffset()
    return 0 if ahead is None else ahead // timedelta(microseconds=1)


def day_number(day: Date) -> int:
    """Days from 1970-01-01 to a day."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


def next_of(days: Iterable[Date], zone: str, time_us: int) -> Date | None:
    """The first of some days that is not over, today's among them; None where all are."""
    return min((day for day in days if day >= day_of(zone, time_us)), default=None)


def check_shifts(shifts: tuple[Shift, ...]) -> None:
    """Raise PlantError for a time that is none, a shift of no day, and two at one time."""
    spans = []
    for number, shift in enumerate(shifts):
        for key, clock in (("from", shift.begins), ("to", shift.ends)):
            if not _CLOCK.fullmatch(clock):
                raise PlantError(f"shifts[{number}].{key} is '{clock}': write hours and minutes, as 06:00")
        if not shift.days or len(set(shift.days)) < len(shift.days):
            raise PlantError(f"shifts[{number}].days must name at least one day, and none twice")
        begin, end = shift.span_min
        spans += [(at + begin, at + end, number) for at in (_DAYS.index(day) * DAY_MIN for day in shift.days)]
    spans.sort()
    around = [(begin + WEEK_MIN, end + WEEK_MIN, number) for begin, end, number in spans[:1]]
    for (_, end, first), (begin, _, second) in pairwise([*spans, *around]):
        if begin < end:
            when = f"{_DAYS[begin % WEEK_MIN // DAY_MIN]} at {begin % DAY_MIN // 60:02}:{begin % 60:02}"
            raise PlantError(
                f"shifts[{second}]: both '{shifts[first].name}' and '{shifts[second].name}' work on {when}: "
                f"let one end before the other begins"
            )


def check_zone(zone: str) -> None:
    """Raise PlantError for a time zone that the tz database does not have."""
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as wrong:  # OSError: a folder of the database, such as Europe
        raise PlantError(f"timezone '{zone}' is none: use an IANA name such as Europe/Brussels") from wrong


def _minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])
