"""How the plant stands, of what its topics had."""

from __future__ import annotations

import threading

import pytest
from msgspec.structs import replace

from models.records import AlertReason, OperatingState, encode
from pipelines.console.feed import Kind
from pipelines.console.ports import Came
from pipelines.console.standing import TRACK_POINTS, TRACK_STEP_US, Standing, Track, is_open
from pipelines.topics import Topic
from tests.kit.followed import PLANT, books, came, forecast, health, silent
from tests.kit.warned import alert, at, hold, moved


@pytest.fixture
def standing() -> Standing:
    return Standing(PLANT)


def take(standing: Standing, *records) -> list:
    return list(standing.take([one if isinstance(one, Came) else came(one)[0] for one in records]))


def test_the_last_forecast_and_health_of_each_asset_count(standing):
    take(standing, forecast("pump-01", 1, 0.3), forecast("pump-01", 2, 0.4), health("pump-01", 2, 60.0))
    take(standing, forecast("pump-01", 1, 0.9), health("pump-01", 1, 10.0))
    now = standing.asset("pump-01")
    assert (now.chances[3], now.health, now.window_end_us, now.operating) == (0.4, 60.0, at(2), OperatingState.RUNNING)


def test_a_later_revision_of_the_same_window_counts_and_a_repeat_is_no_news(standing):
    first = forecast("pump-01", 1, 0.3)
    assert take(standing, first) and not take(standing, first)
    assert take(standing, replace(first, revision=1, chances=(0.5,) * 6))
    assert standing.asset("pump-01").chances[3] == 0.5


def test_history_says_nothing_of_now(standing):
    assert not take(standing, forecast("pump-01", 1, historical=True), alert(historical=True))
    assert not standing.cases and standing.asset("pump-01").chances == ()


def test_records_of_another_plant_and_rubbish_change_nothing_and_rubbish_is_counted(standing):
    other, rubbish = forecast("pump-01", 1, plant="south"), Came(Topic.ALERTS, 0, b"", b"{")
    assert not take(standing, other, rubbish, Came(Topic.ALERTS, 0, b"", None))
    assert (standing.odd, standing.asset("pump-01").chances) == (1, ())


def test_each_revision_of_a_warning_is_told_and_repeats_are_not(standing):
    first = alert(severity=700)
    second = moved(first, AlertReason.ACKNOWLEDGED, by="kim")
    told = take(standing, first, second, first, second)
    assert [(one.kind, one.data.revision) for one in told if one.kind is Kind.WARNING] == [
        (Kind.WARNING, 0), (Kind.WARNING, 1),
    ]  # fmt: skip
    assert [(one.revision, one.by) for one in standing.cases[first.id].revisions] == [(0, ""), (1, "kim")]


def test_the_worst_machine_is_first_by_severity_then_chance_then_health(standing):
    take(standing, alert("pump-02", severity=300), forecast("pump-01", 1, 0.8), health("valve-01", 1, 40.0))
    assert [one.asset for one in standing.assets()][:3] == ["pump-02", "pump-01", "valve-01"]


@pytest.mark.parametrize("way", ["shelved", "over"])
def test_a_warning_that_is_held_back_or_over_makes_no_machine_worst(standing, way):
    first = alert("pump-02", severity=900)
    take(standing, first, replace(first, revision=1, held=(hold(),)) if way == "shelved" else
         moved(first, AlertReason.CLEARED))  # fmt: skip
    now = standing.asset("pump-02")
    assert (now.severity, now.worst, now.warnings) == (0, "", int(way == "shelved"))


def test_closed_warnings_are_asked_for(standing):
    first, other = alert("pump-01"), alert("pump-02", opened_h=1)
    take(standing, first, moved(first, AlertReason.CLOSED), other)
    assert [one.id for one in standing.warnings(is_open)] == [other.id]
    assert [one.id for one in standing.warnings(lambda _: True)] == [other.id, first.id]


def test_an_open_notice_stands_until_it_closes(standing):
    assert [one.kind for one in take(standing, silent("pump-01", 1))] == [Kind.NOTICE]
    assert len(standing.notices) == 1
    take(standing, silent("pump-01", 1, is_open=False))
    assert not standing.notices


def test_the_books_are_the_sum_of_the_partitions(standing):
    assert standing.ledger() is None
    told = take(standing, books(0, rows_read=3, rows_stored=3), books(1, rows_read=2, rows_stored=1))
    assert [(one.kind, one.site) for one in told] == [(Kind.LEDGER, "")]
    assert (told[0].data.rows_read, told[0].data.rows_stored, told[0].data.balances) == (5, 4, False)


def test_what_is_told_says_at_which_site_it_is(standing):
    told = take(standing, forecast("pump-01", 1), forecast("fan-01", 1), alert("fan-01"), silent("", 1),
                alert("gone-01"))  # fmt: skip
    assert [(one.kind, one.site) for one in told] == [
        (Kind.WARNING, "mill"), (Kind.WARNING, ""), (Kind.ASSETS, "mill"), (Kind.ASSETS, "quay"), (Kind.NOTICE, None),
    ]  # fmt: skip


def test_all_forecasts_of_a_batch_are_points_of_the_picture_over_time(standing):
    of_another = replace(forecast("pump-01", 0.5, 0.9), plant="south")
    other = Came(Topic.FORECASTS, 0, b"south/pump-01", encode(of_another))
    said = [forecast("pump-01", hours, hours / 10) for hours in (1, 1.1, 2, 3)]
    take(standing, other, *said, health("pump-01", 1, 80.0), health("pump-01", 2, 70.0))
    assert list(standing.chances["pump-01"].time_us) == [at(1), at(2), at(3)]
    assert list(standing.chances["pump-01"].value) == [0.1, 0.2, 0.3]
    assert list(standing.indices["pump-01"].value) == [80.0, 70.0]


def test_rubbish_among_them_is_counted_and_passed_over(standing):
    rubbish = Came(Topic.FORECASTS, 0, came(forecast("pump-01", 1))[0].key, b"{")
    take(standing, rubbish, forecast("pump-01", 2))
    assert standing.odd == 1 and standing.asset("pump-01").window_end_us == at(2)


@pytest.mark.parametrize("says", [forecast, health])
def test_a_console_that_begins_has_the_days_before_as_close_as_one_that_was_there(standing, says):
    minutes = [says("pump-01", minute / 60) for minute in range(3 * 1440)]
    for begin in range(0, len(minutes), 1_000):
        take(standing, *minutes[begin : begin + 1_000])
    track = (standing.chances if says is forecast else standing.indices)["pump-01"]
    steps = [b - a for a, b in zip(track.time_us, track.time_us[1:], strict=False)]
    assert len(track.time_us) > 0.9 * 3 * 96 and max(steps) <= 2 * TRACK_STEP_US


@pytest.mark.parametrize("says", [forecast, health])
@pytest.mark.parametrize("later", [{"historical": True, "revision": 3}, {"plant": "south"}, {"hours": 1}])
def test_what_comes_late_in_a_batch_and_is_no_news_does_not_hide_what_is(standing, says, later):
    take(standing, says("pump-01", 1.5))
    take(standing, says("pump-01", 2), says("pump-01", **{"hours": 1.9} | later))
    now = standing.asset("pump-01")
    assert (now.window_end_us or now.health_us) == at(2)


def test_the_time_it_is_as_of_can_be_asked_by_a_thread_while_records_are_folded(standing):
    """Sets and dicts that grow cannot be gone over by another thread: that would answer 500 to who acts."""
    going, faults = threading.Event(), []

    def ask() -> None:
        try:
            while not going.is_set():
                standing.now_us(at(1000))
        except RuntimeError as fault:
            faults.append(fault)

    asking = threading.Thread(target=ask)
    asking.start()
    for number in range(3_000):
        take(standing, forecast(f"pump-{number}", 1))
    going.set()
    asking.join()
    assert not faults and standing.as_of_us == at(1)


def test_a_track_has_a_point_a_quarter_of_an_hour_and_forgets_the_oldest():
    track = Track()
    for minute in range(0, 15 * (2 * TRACK_POINTS + 2), 5):
        track.add(minute * 60_000_000, float(minute))
    steps = {b - a for a, b in zip(track.time_us, track.time_us[1:], strict=False)}
    assert steps == {15 * 60_000_000} and TRACK_POINTS <= len(track.time_us) <= 2 * TRACK_POINTS


def test_it_is_known_when_anything_came_last_by_kafkas_clock(standing):
    old, new = (came(forecast("pump-01", hours))[0] for hours in (1, 2))
    take(standing, new._replace(arrived_ms=9_000), old._replace(arrived_ms=5_000))
    assert standing.heard_ms == 9_000


def test_a_plant_that_is_replayed_has_its_own_now(standing):
    assert standing.now_us(at(1000)) == at(1000)
    take(standing, forecast("pump-01", 1))
    assert (standing.now_us(at(2)), standing.now_us(at(1000))) == (at(2), at(1))
