"""The plant of pumps: repeatable to the byte, one pump's history its own, failures that show before they come."""

from collections.abc import Iterable
from functools import cache

import numpy as np
import pytest

from models.physics.cycles import RunState
from models.physics.faults import FaultLaw
from models.physics.fleet import Fleet, FleetBlock, FleetEvent, FleetEventKind, FleetSpec, simulate
from models.physics.plc import ALARMS
from models.physics.pump import PumpFailure
from models.physics.sensors import SENSORS, SIGNALS
from models.physics.wear import WearLaw, WornPart
from tests.unit.models.physics.small import HOUR_US, START_US, digest, joined, own_parts, quick, quick_spec

FAMILIES = {"lognormal": 0.28, "weibull": 4.0, "gamma": 12.0, "uniform": 0.5}

FROZEN_SHA256 = "8e84b9919b797d4c65bc1a918e1052acc9faaed297c08c857e0600faa9813d9d"


def all_events(blocks: Iterable[FleetBlock]) -> list[FleetEvent]:
    return [event for block in blocks for event in block.events]


@cache
def demo(seed: int = 1) -> tuple[FleetBlock, ...]:
    return tuple(simulate(FleetSpec(start_us=START_US), seed))


def history(blocks: Iterable[FleetBlock], asset: int) -> tuple[np.ndarray, np.ndarray, list[FleetEvent]]:
    blocks = tuple(blocks)
    times = np.concatenate([b.time_us[b.asset == asset] for b in blocks])
    values = np.concatenate([b.values[b.asset == asset] for b in blocks])
    return times, values, [e for e in all_events(blocks) if e.asset == asset]


def test_frozen_physics_a_short_run_has_the_bytes_it_had() -> None:
    """A freeze, not a truth: whoever changes the physics or the draws on purpose sets this anew and says so in the
    CHANGELOG, since cached histories and shipped models stand on it. What is true is tested against progpy in
    test_pump."""
    assert digest(quick()) == FROZEN_SHA256


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    assert digest(simulate(quick_spec(), seed=7)) == digest(quick())
    assert digest(simulate(quick_spec(), seed=8)) != digest(quick())


@pytest.mark.parametrize("asset", [0, 2])
def test_a_pump_has_the_same_history_in_a_fleet_of_3_and_of_12(asset: int) -> None:
    small = list(simulate(quick_spec(n_pumps=3), seed=7))
    large = list(simulate(quick_spec(n_pumps=12), seed=7))
    assert digest(own_parts(small, asset)) == digest(own_parts(large, asset))
    assert any(block.events for block in own_parts(small, asset))


def test_a_fleet_that_runs_on_gives_what_simulate_gave() -> None:
    fleet = Fleet(quick_spec(days=0), seed=7)
    assert digest(fleet.next_day() for _ in range(8)) == digest(quick())


def test_every_pump_has_a_row_at_every_step() -> None:
    for day, block in enumerate(quick()):
        steps, pumps = 144, 5
        assert (
            block.time_us.tolist()
            == np.repeat(START_US + (day * steps + np.arange(steps)) * 600_000_000, pumps).tolist()
        )
        assert block.asset.tolist() == list(range(pumps)) * steps
        assert block.values.shape == (len(block.asset), len(SIGNALS)) and block.values.dtype == np.float64
        assert block.asset.dtype == np.int32 and block.time_us.dtype == np.int64
        for codes in (block.run_state, block.alarm, block.true_state):
            assert codes.shape == block.asset.shape and codes.dtype == np.int8
        assert block.alarm.max() < len(ALARMS)


def test_values_are_whole_steps_of_the_sensors_resolution_within_its_span() -> None:
    for column, sensor in enumerate(SENSORS):
        values = np.concatenate([block.values[:, column] for block in quick()])
        values = values[np.isfinite(values)]
        assert (values == np.round(values, sensor.decimals)).all()
        assert sensor.span[0] <= values.min() and values.max() <= sensor.span[1]


def test_a_pump_runs_up_to_its_failure_stands_until_its_repair_and_then_starts() -> None:
    events, rows = all_events(quick()), joined(quick())
    pairs = [
        (fail, next((r for r in events if r.asset == fail.asset and r.time_us > fail.time_us), None))
        for fail in events
        if fail.kind is FleetEventKind.FAILED
    ]
    done = [(fail, repair) for fail, repair in pairs if repair is not None]
    assert len(done) >= 3
    for fail, repair in done:
        assert repair.kind is FleetEventKind.REPAIRED and (repair.mode, repair.part) == (fail.mode, fail.part)
        assert 2 * HOUR_US <= repair.time_us - fail.time_us <= 8 * HOUR_US + 600_000_000
        own = rows.asset == fail.asset
        states = dict(zip(rows.time_us[own].tolist(), rows.true_state[own].tolist(), strict=True))
        assert states[fail.time_us] == RunState.RUNNING
        stands = range(fail.time_us + 600_000_000, repair.time_us + 1, 600_000_000)
        assert {states[time_us] for time_us in stands} == {RunState.MAINTENANCE}
        assert states[repair.time_us + 600_000_000] == RunState.STARTING


def test_a_bearing_fails_at_its_limit_and_starts_cold_after_its_repair() -> None:
    signals = {
        PumpFailure.THRUST_BEARING_OVERHEAT: ("thrust_bearing_temp_degc", 370.0 - 273.15),
        PumpFailure.RADIAL_BEARING_OVERHEAT: ("radial_bearing_temp_degc", 370.0 - 273.15),
        PumpFailure.OIL_OVERHEAT: ("oil_temp_degc", 350.0 - 273.15),
    }
    seen = 0
    healthy = tuple(simulate(FleetSpec(start_us=START_US, faults=FaultLaw.none()), seed=1))
    for event in all_events(healthy):
        if event.mode in signals:
            name, limit_degc = signals[event.mode]
            times, values, _ = history(healthy, event.asset)
            temps = values[:, SIGNALS.index(name)]
            if event.kind is FleetEventKind.FAILED:
                assert temps[times == event.time_us][0] == pytest.approx(limit_degc, abs=1.5)
            else:
                assert temps[times > event.time_us][0] < 60.0
            seen += 1
    assert seen >= 6


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_the_demo_plant_has_10_to_16_failures_in_60_days(seed: int) -> None:
    failed = [e for e in all_events(demo(seed)) if e.kind is FleetEventKind.FAILED]
    assert 10 <= len(failed) <= 16
    assert len({e.part for e in failed}) == len(WornPart)


def warm(blocks: tuple[FleetBlock, ...], asset: int) -> np.ndarray:
    """Rows of a pump that has run for three hours at least."""
    rows = joined(blocks)
    runs = (rows.true_state[rows.asset == asset] == RunState.RUNNING).astype(int)
    return np.convolve(runs, np.ones(18, dtype=int))[: len(runs)] == 18


def test_wear_shows_a_week_ahead_but_a_plain_limit_on_the_day_would_not_do() -> None:
    """Median of two days' warm running, a week before failure against the start of the life: bearings run hotter,
    impellers deliver less."""
    columns = {WornPart.IMPELLER: (1, -1.0), WornPart.THRUST_BEARING: (6, 1.0), WornPart.RADIAL_BEARING: (5, 1.0)}
    shifts = []
    for event in all_events(demo()):
        times, values, own = history(demo(), event.asset)
        born = max(
            [START_US] + [e.time_us for e in own if e.kind is FleetEventKind.REPAIRED and e.time_us < event.time_us]
        )
        if event.kind is FleetEventKind.FAILED and event.time_us - born > 14 * 24 * HOUR_US:
            column, sign = columns[event.part]
            runs = warm(demo(), event.asset)
            first = values[runs & (times > born + 12 * HOUR_US) & (times <= born + 60 * HOUR_US), column]
            week = runs & (times > event.time_us - 216 * HOUR_US) & (times <= event.time_us - 168 * HOUR_US)
            shifts.append(sign * (np.nanmedian(values[week, column]) - np.nanmedian(first)))
    assert len(shifts) >= 8
    assert np.median(shifts) > 5.0
    assert np.mean(np.array(shifts) > 0.0) >= 0.8


@pytest.mark.parametrize("family", FAMILIES)
def test_every_wear_law_gives_lives_near_its_mean(family: str) -> None:
    law = WearLaw(
        family=family, shape=FAMILIES[family], mean_life_days=5.0, first_life_used=(0.0, 0.0), repair_hours=(1.0, 2.0)
    )
    events = all_events(simulate(FleetSpec(start_us=START_US, n_pumps=24, days=24, wear=law), seed=3))
    lives = 24 * 24 / sum(e.kind is FleetEventKind.FAILED for e in events)
    assert lives == pytest.approx(5.0, rel=0.25)


def test_accelerating_wear_keeps_lives_near_their_mean_and_changes_the_course() -> None:
    laws = [WearLaw(mean_life_days=5.0, acceleration=a, first_life_used=(0.0, 0.0)) for a in (0.0, 3.0)]
    runs = [all_events(simulate(FleetSpec(start_us=START_US, n_pumps=24, days=20, wear=law), seed=3)) for law in laws]
    plain, faster = (sum(e.kind is FleetEventKind.FAILED for e in run) for run in runs)
    assert runs[0] != runs[1]
    assert faster == pytest.approx(plain, rel=0.3)


def test_one_minute_samples_tell_the_same_story_as_ten_minute_samples() -> None:
    fine, coarse = (
        sorted(
            all_events(simulate(quick_spec(sample_s=s, n_pumps=3, days=4), seed=7)), key=lambda e: (e.asset, e.time_us)
        )
        for s in (60, 600)
    )
    assert [(e.asset, e.kind, e.mode) for e in fine] == [(e.asset, e.kind, e.mode) for e in coarse]
    assert max(abs(a.time_us - b.time_us) for a, b in zip(fine, coarse, strict=True)) <= HOUR_US


@pytest.mark.parametrize("changes", [{"sample_s": 7}, {"sample_s": 1200}, {"n_pumps": 0}, {"days": -1}])
def test_a_spec_that_cannot_be_simulated_is_refused(changes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="fleet:"):
        quick_spec(**changes)


def test_an_unknown_wear_law_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown family 'normal'"):
        WearLaw(family="normal")  # type: ignore[arg-type]
