"""The demand warning of a quarter-hour: ramps, spikes, intervals, what opens, holds and closes it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.energy.demand import (
    QUARTER_US,
    Decision,
    Outlook,
    Quantiles,
    Reading,
    Seen,
    Watch,
    decide,
    expect,
    quarter_of,
    step,
    taken,
)
from models.energy.shedding import MINUTE_US, Sheddable
from models.records import DemandWarning, decode, encode

BEGIN_US = quarter_of(1_700_000_000_000_000)
PRESS = Sheddable(asset="press-01", kw=200.0, cost_per_h=5.0, why="no job until noon")
FURNACE = Sheddable(asset="furnace-01", kw=900.0, cost_per_h=0.0, why="holds heat", needs_permission=True)


def readings(kw: np.ndarray | list[float], begin_us: int = BEGIN_US) -> list[Reading]:
    return [
        Reading(begin_us + at * MINUTE_US, begin_us + (at + 1) * MINUTE_US, float(one)) for at, one in enumerate(kw)
    ]


def seen(kw: np.ndarray | list[float], before: float = 800.0, limit: float = 1000.0, **more: object) -> Seen:
    """What is known after those minutes of the quarter, five minutes of a level before it among it."""
    rows = [*readings([before] * 5, BEGIN_US - 5 * MINUTE_US), *readings(kw)]
    return Seen(BEGIN_US + len(kw) * MINUTE_US, rows, limit, **more)


def played(kw: np.ndarray | list[float], before: float = 800.0, **more: object) -> list[DemandWarning]:
    """All warnings of a quarter that goes like this, minute by minute and to its end; not those of the next."""
    watch, told = Watch(), []
    for end in range(len(kw) + 1):
        watch, now = step(watch, seen(kw[:end], before, **more), "demo")
        told.extend(one for one in now if one.quarter_us == BEGIN_US)
    return told


RAMP = np.concatenate([np.full(3, 800.0), np.linspace(850, 1600, 12)])


def test_a_ramp_over_the_limit_is_warned_of_with_minutes_left():
    first = played(RAMP)[0]
    print(f"warned {first.minutes_left:.0f} min before the end of a quarter of {RAMP.mean():.0f} kW mean")
    assert first.is_open and first.minutes_left >= 5


def test_a_load_that_stays_over_the_limit_is_warned_of_within_four_minutes():
    first = played([1150.0] * 15)[0]
    assert first.minutes_left >= 11


@pytest.mark.parametrize("at", range(13))
def test_a_spike_of_two_minutes_that_averages_out_is_no_warning(at):
    kw = np.full(15, 800.0)
    kw[at : at + 2] = 1700.0
    assert played(kw) == []


def test_a_load_below_the_limit_is_never_warned_of():
    assert played(np.full(15, 990.0), before=990.0) == []


def test_in_the_first_two_minutes_only_the_low_end_over_the_limit_opens():
    early = Outlook(1050.0, 980.0, 1120.0, 10.0, 14.0)
    assert decide(False, early, 1000.0) is Decision.TOO_EARLY
    assert decide(False, early._replace(low_kw=1010.0), 1000.0) is Decision.OVER
    assert decide(False, early._replace(minutes_left=13.0), 1000.0) is Decision.OVER


def test_an_open_warning_holds_until_the_high_end_is_below_the_limit():
    near = Outlook(990.0, 950.0, 1030.0, 100.0, 5.0)
    assert decide(True, near, 1000.0) is Decision.HELD
    assert decide(False, near, 1000.0) is Decision.BELOW
    assert decide(True, near._replace(high_kw=999.0), 1000.0) is Decision.BELOW


def test_what_was_taken_over_the_limit_already_is_passed_whatever_comes():
    assert decide(False, Outlook(1100.0, 1100.0, 1100.0, 251.0, 1.0), 1000.0) is Decision.PASSED


def test_a_warning_closes_when_the_load_falls_and_its_last_revision_says_so():
    kw = np.concatenate([np.full(5, 1200.0), np.full(10, 500.0)])
    states = [(one.is_open, one.why.split(":")[0]) for one in played(kw)]
    assert states[0] == (True, "expected over the limit")
    assert states[-2:] == [(False, "below the limit"), (False, "the quarter ended below its limit")]


def test_the_last_revision_of_a_quarter_says_that_it_was_passed_and_its_mean():
    last = played(RAMP)[-1]
    assert last.why == f"the quarter passed its limit: mean {RAMP.mean():.0f} kW, 1000 kW allowed"
    assert (last.is_open, last.minutes_left, last.expected_kw) == (False, 0.0, pytest.approx(RAMP.mean()))


def test_revisions_of_a_quarter_share_an_id_and_count_from_nought():
    told = played(RAMP)
    assert [one.revision for one in told] == list(range(len(told)))
    assert len({one.id for one in told}) == 1


def test_a_load_that_stays_as_it_is_is_said_once():
    steady = played([1300.0] * 15, before=1300.0)
    assert [one.why.split(":")[0] for one in steady] == ["expected over the limit", "the quarter passed its limit"]


def opened(**more: object) -> tuple[Watch, Seen]:
    first = seen([1300.0] * 6, 1300.0, **more)
    watch, told = step(Watch(), first, "demo")
    assert told
    return watch, first


def test_another_limit_is_said_at_once():
    watch, first = opened()
    assert step(watch, first, "demo")[1] == ()
    assert step(watch, first._replace(limit_kw=1001.0), "demo")[1][0].limit_kw == 1001.0


def test_another_list_of_machines_is_said_at_once():
    watch, first = opened(machines=(PRESS,))
    assert step(watch, first._replace(machines=()), "demo")[1][0].shed == ()


def test_another_expectation_is_said_once_it_moved_by_a_hundredth_of_the_limit():
    watch, first = opened()
    rows = readings([1300.0] * 11, BEGIN_US - 5 * MINUTE_US)
    for kw, revisions in ((1304.0, 0), (1360.0, 1)):
        more = [*rows[:6], *(one._replace(kw=kw) for one in rows[6:])]
        assert len(step(watch, first._replace(readings=more), "demo")[1]) == revisions


def test_what_is_seen_of_a_quarter_before_changes_nothing():
    watch, first = opened()
    before = first._replace(time_us=BEGIN_US - 1, limit_kw=900.0)
    assert step(watch, before, "demo") == (watch, ())


def test_a_warning_is_a_record_that_travels():
    told = played(RAMP, machines=(PRESS, FURNACE))
    assert [decode(encode(one)) for one in told] == told


def test_a_furnace_is_never_shed_and_is_named_with_the_reason():
    for one in played(RAMP, machines=(FURNACE, PRESS)):
        assert "furnace-01" not in {shed.asset for shed in one.shed}
        assert not one.is_open or one.kept[0].why == "needs a permission that nobody gave"


def test_a_list_that_is_not_enough_says_so():
    small = Sheddable(asset="fan-01", kw=1.0, cost_per_h=5.0, why="no job")
    assert played([1300.0] * 8, machines=(small,))[0].why.endswith("which is not enough")


def test_what_was_taken_is_certain_so_that_the_interval_narrows_to_nothing_at_the_end():
    kw = np.random.default_rng(5).normal(900, 40, 15)
    widths = [found.high_kw - found.low_kw for end in range(1, 16) if (found := expect(seen(kw[:end]), BEGIN_US))]
    assert widths[-1] == 0.0 and widths[2] > widths[9] > widths[13]


def test_four_in_five_intervals_hold_the_mean_of_loads_that_walk():
    random, held = np.random.default_rng(7), []
    for _ in range(1500):
        kw = 900 + np.cumsum(random.normal(0, 15, 20))
        rows = readings(kw[:12], BEGIN_US - 5 * MINUTE_US)
        found = expect(Seen(BEGIN_US + 7 * MINUTE_US, rows, 1000.0), BEGIN_US)
        held.append(found.low_kw <= kw[5:].mean() <= found.high_kw)
    print(f"{np.mean(held):.3f} of intervals of 80 % hold the mean of the quarter")
    assert 0.72 <= np.mean(held) <= 0.92


def test_a_forecast_of_a_peak_opens_a_warning_that_the_level_does_not():
    forecast = Quantiles(1180.0, 1200.0, 1220.0)
    rows = readings([900.0] * 5, BEGIN_US - 5 * MINUTE_US)
    assert expect(Seen(BEGIN_US, rows, 1000.0), BEGIN_US).kw == pytest.approx(900.0)
    assert expect(Seen(BEGIN_US, rows, 1000.0, forecast=forecast), BEGIN_US).kw > 1000.0


def test_a_forecast_that_was_far_off_so_far_counts_little():
    found = expect(seen([700.0] * 7, 700.0, forecast=Quantiles(1180.0, 1200.0, 1220.0)), BEGIN_US)
    assert found.kw == pytest.approx(700.0, rel=0.02)


def test_readings_of_seconds_and_of_a_minute_that_lies_over_the_edge_count_by_their_time():
    rows = [Reading(BEGIN_US - 30_000_000, BEGIN_US + 30_000_000, 120.0), Reading(BEGIN_US, BEGIN_US + MINUTE_US, 60.0)]
    kwh, covered_us = taken(rows, BEGIN_US, BEGIN_US + QUARTER_US)
    assert (kwh, covered_us) == (pytest.approx(1.0 + 0.5), MINUTE_US)


def test_a_minute_that_was_not_read_is_expected_like_the_rest():
    kw = [800.0, float("nan"), 800.0, 800.0]
    assert expect(seen(kw), BEGIN_US).kw == pytest.approx(800.0)


def test_of_a_quarter_of_which_nothing_is_known_nothing_is_told():
    assert step(Watch(), Seen(BEGIN_US, (), 10.0), "demo") == (Watch(BEGIN_US), ())


LOADS = st.lists(st.floats(0.0, 3000.0), min_size=1, max_size=15)


@given(LOADS, st.lists(st.tuples(st.floats(1, 900), st.floats(0, 50), st.booleans()), max_size=6))
def test_after_what_is_shed_the_limit_is_kept_or_it_says_that_it_is_not_enough(kw, machines):
    able = [
        Sheddable(asset=f"m{at}", kw=load, cost_per_h=cost, why="idle", may_wait=may)
        for at, (load, cost, may) in enumerate(machines)
    ]
    for one in played(kw, machines=able):
        after = one.expected_kw - sum(shed.kw * shed.minutes for shed in one.shed) / 15.0
        assert not one.is_open or after <= one.limit_kw + 1e-6 or "not enough" in one.why


@given(LOADS)
def test_the_same_quarter_played_twice_says_the_same_bytes(kw):
    assert [encode(one) for one in played(kw)] == [encode(one) for one in played(kw)]
