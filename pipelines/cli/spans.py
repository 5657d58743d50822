"""Months and ISO weeks as people write them, to times, by the plant's clock on the wall."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import typer

from pipelines.topics import ALERTS_WHOLE_DAYS

_WEEK = re.compile(r"(\d{4})-W(\d{2})")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_DAY_US = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """What people call it, and from when to before when it is."""

    name: str
    from_us: int
    to_us: int


def month(text: str, zone: str) -> Span:
    """A month such as 2026-11. Raises typer.BadParameter."""
    found = _MONTH.fullmatch(text)
    if found is None or not 1 <= int(found[2]) <= 12 or not 1970 < int(found[1]) < 9999:
        raise typer.BadParameter(f"--month {text}: write year and month, as 2026-11")
    first = date(int(found[1]), int(found[2]), 1)
    return Span(text, _us(first, zone), _us((first + timedelta(days=31)).replace(day=1), zone))


def week(text: str, zone: str) -> Span:
    """A week such as 2026-W47. Raises typer.BadParameter."""
    found = _WEEK.fullmatch(text)
    try:
        first = date.fromisocalendar(int(found[1]), int(found[2]), 1) if found else None
    except ValueError:
        first = None
    if first is None or not 1970 < first.year < 9999:
        raise typer.BadParameter(f"--week {text}: write year and week, as 2026-W47")
    return Span(text, _us(first, zone), _us(first + timedelta(days=7), zone))


def thinned(span: Span, now_us: int) -> str:
    """What is to be known of figures of a time of which the topic has not every revision any more; else empty."""
    if now_us - span.from_us <= ALERTS_WHOLE_DAYS * _DAY_US:
        return ""
    return (
        f"{span.name} began over {ALERTS_WHOLE_DAYS} days ago: of warnings from then the topic may have the last "
        "revision alone, so that who acknowledged them, and when they came back, is not known here"
    )


def week_of(time_us: int, zone: str) -> Span:
    """The week in which a time is."""
    year, number, _ = (_EPOCH + timedelta(microseconds=time_us)).astimezone(ZoneInfo(zone)).isocalendar()
    return week(f"{year}-W{number:02}", zone)


def month_of(time_us: int, zone: str) -> Span:
    """The month in which a time is."""
    return month((_EPOCH + timedelta(microseconds=time_us)).astimezone(ZoneInfo(zone)).strftime("%Y-%m"), zone)


def _us(day: date, zone: str) -> int:
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return (midnight - _EPOCH) // timedelta(microseconds=1)
