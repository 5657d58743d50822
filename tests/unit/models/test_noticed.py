"""Notices by the measures of EEMUA 191."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from rich.console import Console

from models.alerting.noticed import DAY_US, FLOOD, MINUTE_US, Measure, measures
from models.records import Notice, NoticeKind, NoticeState, notice
from pipelines.cli import notices as of_notices


def told(minute: float, asset: str = "pump-01", *, is_open: bool = False) -> Notice:
    since_us = round(minute * MINUTE_US)
    return notice(
        NoticeKind.SENSOR_FAULT, "p", asset, "temp", since_us, is_open=is_open, reason="stuck", time_us=since_us
    )


def by_name(notices: list[Notice], days: float = 1.0) -> dict[str, Measure]:
    return {one.name: one for one in measures(notices, 0, round(days * DAY_US))}


def test_a_quiet_day_holds_every_bar():
    found = by_name([told(60 * hour) for hour in range(24)])
    assert found["notices in 10 minutes, mean"].value == pytest.approx(24 / 144)
    assert found["a day, mean"].value == 24
    assert found["in an hour, most"].value == found["in a minute, most"].value == 1
    assert all(one.holds for one in found.values() if one.most is not None)


def test_a_flood_is_seen_in_its_ten_minutes_its_hour_and_its_share():
    found = by_name([told(100 + at / 2, f"pump-{at:02}") for at in range(2 * FLOOD)])
    assert found["in an hour, most"].value == 20 and found["in an hour, most"].holds is False
    assert found["in a minute, most"].value == 2 and found["in a minute, most"].holds
    assert found["share of 10 minutes in a flood"].value == pytest.approx(1 / 144)
    assert by_name([told(100, f"p{at}") for at in range(9)])["share of 10 minutes in a flood"].value == 0


def test_what_is_open_for_over_a_day_is_stale_and_what_closed_is_not():
    notices = [told(0, f"p{at}", is_open=True) for at in range(6)] + [told(0, "q")]
    assert by_name(notices, days=1.0)["stale at the end"].value == 0
    found = by_name(notices, days=1.1)["stale at the end"]
    assert (found.value, found.holds) == (6, False)
    closed = [replace(one, state=NoticeState.CLOSED) for one in notices]
    assert by_name(closed, days=1.1)["stale at the end"].value == 0


def test_the_ten_that_come_most_are_told_by_their_share_without_a_bar():
    notices = [told(at, "worst") for at in range(20)] + [told(at, f"p{at}") for at in range(20)]
    share = next(one for name, one in by_name(notices).items() if name.startswith("share of the"))
    assert (share.value, share.holds) == ((20 + 9) / 40, None)


def test_only_what_began_in_the_span_counts_and_a_span_of_no_time_is_none():
    assert by_name([told(-5), told(1440)])["a day, mean"].value == 0
    with pytest.raises(ValueError, match="after it begins"):
        measures([], 5, 5)


def test_the_command_prints_each_measure_with_its_bar_and_says_where_days_are_few(monkeypatch):
    console = Console(record=True, width=200)
    monkeypatch.setattr(of_notices, "notices", lambda _: [told(60)])
    of_notices.show_measures(None, 1.0, DAY_US, console, as_json=False)
    text = console.export_text()
    assert "a day, mean" in text and "EEMUA 191" in text and "under 30 days" in text
    of_notices.show_measures(None, 30.0, DAY_US, console, as_json=True)
    assert '"holds": true' in console.export_text()
