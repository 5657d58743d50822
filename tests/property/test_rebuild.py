"""An outage whose rows come too late, rebuilt: in the end all is as if there had been none, and nobody was told."""

from __future__ import annotations

import numpy as np
import pytest

from models.records import Alert, Forecast, Frame, Maintenance, MaintenanceAction, OperatingState, Reject, Tick
from tests.kit import streams
from tests.kit.late import World, held_back
from tests.kit.streams import MINUTE_US, START_US, time_of
from tests.property.test_wild import by, run

HOUR_US = 60 * MINUTE_US
AWAY_US, BACK_US = START_US + 96 * HOUR_US, START_US + 156 * HOUR_US
"""A gateway is away for 60 h."""
ASSETS = ("pump-01", "gear-01", "mixer-01", "lathe-01")


def repair(asset: str, time_us: int) -> Maintenance:
    return Maintenance(plant="tiny", asset=asset, time_us=time_us, action=MaintenanceAction.REPAIRED)


def word(asset: str, time_us: int, mode: str) -> Frame:
    return Frame(plant="tiny", asset=asset, source="t", times_us=[time_us], signals={"mode": [mode]})


def weeks(asset: str) -> list:
    """Nine days with a repair before the outage, from which on its life is read, and one in it.

    The lathe's states are told by words in its rows.
    """
    repairs = [repair(asset, START_US + 75 * HOUR_US), repair(asset, AWAY_US + 10 * HOUR_US)]
    records = [*streams.weeks(1, days=9, assets=[asset]), *repairs]
    if asset == "lathe-01":
        records += [word(asset, START_US + at * HOUR_US + 1, "stop" if at % 7 == 0 else "auto") for at in range(9 * 24)]
    return sorted(records, key=time_of)


@pytest.fixture(scope="module", params=ASSETS)
def worlds(request) -> tuple[str, World, World]:
    """Asset, the world without an outage, and the one with it, rebuilt."""
    asset, records = request.param, weeks(request.param)
    away = held_back(records, asset, AWAY_US, BACK_US, time_of)
    return asset, World().take(records), World(delay=2, batch=4).take(away)


def test_tiers_machines_and_usual_are_those_without_the_outage_byte_for_byte(worlds):
    asset, twin, world = worlds
    assert world.kept(asset) == twin.kept(asset)


def test_forecasts_after_it_say_what_those_without_the_outage_say(worlds):
    asset, twin, world = worlds
    found = world.forecasts(asset, BACK_US + 8 * HOUR_US)
    assert len(found) > 100
    assert found == twin.forecasts(asset, BACK_US + 8 * HOUR_US)


def test_without_a_rebuild_they_would_not(worlds):
    asset, twin, _ = worlds
    left = World().take(held_back(weeks(asset), asset, AWAY_US, BACK_US, time_of))
    assert left.kept(asset) != twin.kept(asset)
    assert left.forecasts(asset, BACK_US) != twin.forecasts(asset, BACK_US)


def test_forecasts_of_the_span_are_told_once_more_as_history(worlds):
    asset, twin, world = worlds
    (life,) = world.lives
    assert all(forecast.historical and forecast.revision == 0 for forecast in life.forecasts)
    assert not {forecast.id for forecast in life.forecasts} & {forecast.id for forecast in world.of(Forecast)}
    in_time = {end_us: said for end_us, said in twin.forecasts(asset, AWAY_US).items() if end_us <= BACK_US}
    told = {
        f.window_end_us: (f.operating, f.running_until_us, f.chances, f.drivers, f.completeness) for f in life.forecasts
    }
    assert len(told) > 300
    assert told == {end_us: in_time[end_us] for end_us in told}


def test_nobody_is_notified_about_the_past(worlds):
    _, _, world = worlds
    assert not [alert for alert in world.of(Alert) if AWAY_US + HOUR_US < alert.window_end_us < BACK_US - HOUR_US]


def test_the_notice_of_the_span_is_closed_when_it_is_rebuilt(worlds):
    _, _, world = worlds
    told = [(n.number, n.revision, str(n.state), n.reason) for n in world.spans]
    assert told == [(0, 0, "open", "late-rows"), (0, 1, "closed", "rebuilt")]
    opened, closed = world.spans
    assert opened.id == closed.id
    assert AWAY_US <= opened.from_us < AWAY_US + HOUR_US < BACK_US - HOUR_US < opened.to_us < BACK_US


def test_the_late_rows_hold_changes_of_the_operating_state():
    world = World().take(weeks("lathe-01"))
    states = {f.operating for f in world.of(Forecast) if AWAY_US < f.window_end_us < BACK_US}
    assert {OperatingState.RUNNING, OperatingState.OFF} < states


def dense(seed: int, asset: str) -> list:
    """Eight hours of many rows a minute, and ticks after them."""
    ticks = [Tick(plant="tiny", time_us=START_US + (480 + more) * MINUTE_US) for more in range(20)]
    return [*streams.stream(seed, minutes=480, assets=[asset]), *ticks]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("lateness_s", [60, 120, 600])
def test_hours_of_many_rows_are_rebuilt_however_long_it_takes(seed, lateness_s):
    random = np.random.default_rng(seed)
    asset, delay = ASSETS[seed % len(ASSETS)], int(random.choice([0, 5, 40]))
    from_us = START_US + 120 * MINUTE_US + int(random.integers(MINUTE_US))
    to_us = from_us + int(random.integers(20, 150)) * MINUTE_US
    records = dense(seed, asset)
    world = World(delay=delay, batch=3, lateness_s=lateness_s)
    world.take(held_back(records, asset, from_us, to_us, time_of))
    twin = World(lateness_s=lateness_s).take(records)
    assert world.lives
    assert world.kept(asset) == twin.kept(asset)
    since_us = START_US + 460 * MINUTE_US
    assert world.forecasts(asset, since_us) == twin.forecasts(asset, since_us)


def test_a_rebuild_that_comes_too_late_is_refused_and_asked_for_again():
    records = dense(1, "pump-01")
    from_us = START_US + 60 * MINUTE_US
    world = World(batch=1).take(held_back(records, "pump-01", from_us, from_us + HOUR_US, time_of))
    (first,) = world.spans
    world.rebuild(first)
    (letter,) = world.letters
    assert letter.reason is Reject.UNFIT_REBUILD
    assert "bins between are gone" in letter.detail
    world.take(Tick(plant="tiny", time_us=START_US + (505 + more) * MINUTE_US) for more in range(20))
    _, superseded, second = world.spans
    assert (superseded.id, superseded.revision, superseded.reason) == (first.id, 1, "superseded")
    assert (second.number, second.from_us, second.to_us) == (1, first.from_us, first.to_us)
    world.rebuild(second)
    assert world.spans[-1].reason == "rebuilt"
    assert world.kept("pump-01") == World().take(records).kept("pump-01")


@pytest.mark.parametrize("asset", ASSETS)
def test_a_log_with_rebuilds_gives_the_same_bytes_under_any_cut_and_restore(asset):
    from_us = START_US + 100 * MINUTE_US
    world = World(delay=3, batch=3).take(held_back(dense(2, asset), asset, from_us, from_us + 2 * HOUR_US, time_of))
    assert [notice.reason for notice in world.spans] == ["late-rows", "rebuilt"]
    alone, _ = run(world.log, by(1), 120)
    random = np.random.default_rng(3)
    for size in (7, 300, len(world.log)):
        assert run(world.log, by(size), 120)[0] == alone
    assert run(world.log, lambda raw: streams.cut(random, raw), 120, restores=True)[0] == alone


def test_rows_that_keep_coming_are_told_of_after_a_quarter_of_an_hour():
    late = [
        record
        for minute in range(40)
        for record in (
            Tick(plant="tiny", time_us=START_US + (60 + minute) * MINUTE_US),
            frame(60 + minute),
            frame(10 + minute),
        )
    ]
    told = World(batch=1).take([frame(0), *late]).spans
    opened = [(notice.time_us - START_US) / MINUTE_US for notice in told if notice.revision == 0]
    assert [after - before for after, before in zip(opened[1:], opened, strict=False)] == [16.0]
    assert opened[0] - 60 + 2 < 18


def frame(minute: int):
    return Frame(
        plant="tiny",
        asset="pump-01",
        source="t",
        times_us=[START_US + minute * MINUTE_US],
        signals={"temp_degc": [60.0]},
    )
