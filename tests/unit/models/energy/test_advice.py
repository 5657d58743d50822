"""Advice at the process: network pressure, standby, leaks; when nothing is suggested, and what the rails leave."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.energy.advice import Asked, Declined, NoAdvice
from models.energy.leaks import Leak, Night, leak, leak_test_percent, mend
from models.energy.pressure import LEAST_MIN, Network, lower_pressure
from models.energy.standby import Idle, break_even_min, parts, stand_down
from models.records import EnergyProfile, Learned, Suggestion, decode, encode
from models.tuning.rails import Change, Context, Limits, Rail, Refused

MADE_US = 1_700_000_000_000_000
DAY_US = 86_400_000_000


def asked(limits: Limits, context: Context | None = None, asset: str = "comp-01") -> Asked:
    return Asked("demo", asset, MADE_US, MADE_US + 7 * DAY_US, limits, context or Context())


BAR = Limits(low=5.5, high=8.0, step=1.0)


def network(lowest: float = 6.8, setpoint: float = 7.2, minutes: int = LEAST_MIN) -> Network:
    random = np.random.default_rng(1)
    return Network(setpoint, 5.8, lowest + random.uniform(0.0, 0.3, minutes), random.uniform(60, 140, minutes))


def test_a_network_with_pressure_to_spare_is_lowered_to_what_its_consumer_needs_and_a_margin():
    found = lower_pressure(network(), asked(BAR))
    assert found.proposed == pytest.approx(6.4)
    assert found.why.startswith("compressor network at 6.4 bar(g)")


def test_a_bar_less_saves_six_percent_and_five_to_seven_are_its_ends():
    one = lower_pressure(network(), asked(BAR)).expected[0]
    assert [one.after / one.before, one.after_low / one.before, one.after_high / one.before] == pytest.approx(
        [1 - 0.06 * 0.8, 1 - 0.07 * 0.8, 1 - 0.05 * 0.8]
    )


def test_a_step_that_the_rails_shorten_expects_what_the_shorter_one_saves():
    found = lower_pressure(network(), asked(Limits(low=5.5, high=8.0, step=0.3)))
    assert found.rails == ("step",)
    assert found.expected[0].after / found.expected[0].before == pytest.approx(1 - 0.06 * 0.3)


def test_a_network_whose_consumer_has_just_enough_is_left_alone():
    assert lower_pressure(network(lowest=6.05), asked(BAR)).why is NoAdvice.NOTHING_TO_GAIN


def test_a_network_whose_consumer_is_short_is_told_of_and_not_raised():
    assert lower_pressure(network(lowest=5.7), asked(BAR)).why is NoAdvice.SHORT


def test_six_days_of_pressure_are_too_little():
    assert lower_pressure(network(minutes=6 * 1440), asked(BAR)).why is NoAdvice.TOO_LITTLE


def test_a_setpoint_that_was_just_changed_is_left_to_settle():
    context = Context(changes=(Change(time_us=MADE_US - 3_600_000_000, before=7.5, after=7.2),))
    found = lower_pressure(network(), asked(Limits(low=5.5, high=8.0, step=0.3, cool_down_h=24.0), context))
    assert isinstance(found, Refused) and found.rail is Rail.COOL_DOWN


def sure(value: float, error: float = 0.0) -> Learned:
    return Learned(value=value, error=error, minutes=1000)


def profiled(idle_kw: float = 20.0, start_kwh: float | None = 5.0, error: float = 0.0) -> EnergyProfile:
    return EnergyProfile(
        plant="demo",
        asset="press-01",
        time_us=MADE_US,
        states_kw={"idle": sure(idle_kw, error)},
        start_kwh=None if start_kwh is None else sure(start_kwh, error / 4),
        start_min=None,
        running_kw=None,
        products=(),
    )


MINUTES = Limits(low=1.0, high=480.0, least_step=1.0)
SPELLS = np.concatenate([np.random.default_rng(2).uniform(2, 9, 300), np.random.default_rng(3).uniform(60, 240, 100)])


def idle(spells: np.ndarray = SPELLS, now: float = 480.0) -> Idle:
    return Idle(np.random.default_rng(4).permutation(spells), 90.0, now, sure(1.0))


def test_a_start_is_worth_so_many_idle_minutes():
    assert break_even_min(idle_kw=21.0, standby_kw=1.0, start_kwh=5.0) == 15.0


def test_a_machine_whose_idle_times_are_short_or_long_stands_down_once_one_is_not_short():
    found = stand_down(profiled(), idle(), asked(MINUTES))
    assert found.proposed == 10.0 and found.why.startswith("standby after 10 min")


def test_the_time_that_is_proposed_takes_least_of_all_that_were_tried():
    def kwh(after: float) -> float:
        return sum(
            20.0 * min(one, after) / 60 + ((one - after) / 60 * 1.0 + 5.0 if one > after else 0.0) for one in SPELLS
        )

    best = stand_down(profiled(), idle(), asked(MINUTES)).proposed
    assert all(kwh(best) <= kwh(other) for other in (1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 16))


def test_what_idle_times_take_a_year_is_that_worked_out_by_hand():
    one = stand_down(profiled(), idle(np.full(40, 60.0)), asked(MINUTES)).expected[0]
    assert (one.before, one.after) == pytest.approx((40 * 20 * 365 / 90, 40 * (1 / 60 * 20 + 59 / 60 + 5) * 365 / 90))


def test_the_same_history_gives_the_same_bytes():
    found = [encode(stand_down(profiled(error=2.0), idle(), asked(MINUTES))) for _ in range(2)]
    assert found[0] == found[1]


def test_what_is_expected_lies_in_its_interval_which_is_wider_the_less_is_known():
    widths = []
    for error in (0.0, 4.0):
        one = stand_down(profiled(error=error), idle(), asked(MINUTES)).expected[0]
        assert one.after_low <= one.after <= one.after_high < one.before
        widths.append(one.after_high - one.after_low)
    assert widths[1] > widths[0]


def test_four_in_five_intervals_hold_what_standby_then_takes():
    held = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        many = np.where(
            random.uniform(size=20_000) < 0.75, random.uniform(2, 9, 20_000), random.uniform(60, 240, 20_000)
        )
        seen = idle(many[:150])
        found = stand_down(
            profiled(random.normal(20.0, 1.0), random.normal(5.0, 0.25), error=1.0), seen, asked(MINUTES)
        )
        true = (
            parts(many, found.proposed).mean(axis=0)
            @ [20.0, 1.0, 5.0]
            / (parts(many, 480.0).mean(axis=0) @ [20.0, 1.0, 5.0])
        )
        one = found.expected[0]
        held.append(one.after_low <= true * one.before <= one.after_high)
    print(f"{np.mean(held):.3f} of intervals of 80 % hold what standby then takes")
    assert 0.72 <= np.mean(held) <= 0.90


def test_where_idle_times_are_shorter_than_a_start_is_worth_nothing_is_suggested():
    found = stand_down(profiled(), idle(np.random.default_rng(5).uniform(2, 9, 300)), asked(MINUTES))
    assert isinstance(found, Declined) and found.why is NoAdvice.NOTHING_TO_GAIN


def test_where_a_start_was_never_seen_nothing_is_suggested():
    assert stand_down(profiled(start_kwh=None), idle(), asked(MINUTES)).why is NoAdvice.NOT_KNOWN


def test_a_handful_of_idle_times_is_too_little():
    assert stand_down(profiled(), idle(SPELLS[-10:]), asked(MINUTES)).why is NoAdvice.TOO_LITTLE


def test_a_machine_that_takes_no_more_idle_than_in_standby_is_left_alone():
    assert stand_down(profiled(idle_kw=1.0), idle(), asked(MINUTES)).why is NoAdvice.NOTHING_TO_GAIN


@given(st.lists(st.floats(0.1, 1000), min_size=1, max_size=50), st.floats(1.1, 100), st.floats(0.01, 50))
def test_standing_down_at_the_break_even_never_takes_more_than_twice_the_least_possible(spells, idle_kw, start_kwh):
    """Karlin and others 1988."""
    even, lengths = break_even_min(idle_kw, 1.0, start_kwh), np.array(spells)
    took = parts(lengths, even) @ np.array([idle_kw, 1.0, start_kwh])
    least = np.minimum(lengths * idle_kw / 60.0, lengths / 60.0 + start_kwh)
    assert np.all(took <= 2.0 * least * (1 + 1e-9))


PERCENT = Limits(low=5.0, high=100.0, evidence=3)


def night(flow: float = 3.0, mean: float = 12.0, nights: int = 5, spread: float = 0.1) -> Night:
    random = np.random.default_rng(6)
    minute = np.concatenate([28_000_000 // 1440 * 1440 + day * 1440 + np.arange(-120, 180) for day in range(nights)])
    level = np.repeat(flow + spread * random.standard_normal(nights), 300)
    return Night(minute, level, np.full(len(minute), np.nan), mean, 0.2, "EUR")


def test_a_night_over_midnight_is_one_night():
    assert leak(night()).nights == 5


def test_a_quarter_of_output_that_leaks_costs_its_flow_times_power_hours_and_price():
    found = leak(night(spread=0.0))
    assert isinstance(found, Leak)
    assert (found.share, found.cost_a_year) == pytest.approx((0.25, 3.0 * 6.0 * 8760 * 0.2))


def test_leaks_of_a_quarter_are_to_be_mended_to_a_tenth():
    found = mend(night(), asked(PERCENT))
    assert found.proposed == 10.0
    assert found.expected[0].after / found.expected[0].before == pytest.approx(0.1 / (found.now / 100))


def test_leaks_within_the_target_of_the_doe_are_left():
    assert mend(night(flow=1.0), asked(PERCENT)).why is NoAdvice.NOTHING_TO_GAIN


def test_leaks_that_are_not_surely_over_the_target_are_left():
    assert mend(night(flow=1.4, spread=1.0), asked(PERCENT)).why is NoAdvice.NOTHING_TO_GAIN


def test_two_nights_are_too_little():
    assert mend(night(nights=2), asked(PERCENT)).why is NoAdvice.TOO_LITTLE


def test_where_flow_is_not_measured_power_tells_it():
    of = night(spread=0.0)
    by_power = of._replace(flow_m3_per_min=np.full(len(of.minute), np.nan), power_kw=np.full(len(of.minute), 18.0))
    assert leak(by_power).share == pytest.approx(leak(of).share)


def test_a_compressor_that_loads_for_one_minute_of_five_at_night_leaks_a_fifth_of_its_capacity():
    assert leak_test_percent(60.0, 240.0) == 20.0


@pytest.mark.parametrize("times", [(0.0, 0.0), (-1.0, 5.0), (math.nan, 5.0)])
def test_a_leak_test_without_times_is_the_callers_fault(times):
    with pytest.raises(ValueError, match="leak test"):
        leak_test_percent(*times)


ALL = [
    lambda context: lower_pressure(network(), asked(BAR, context)),
    lambda context: stand_down(profiled(), idle(), asked(MINUTES, context)),
    lambda context: mend(night(), asked(PERCENT, context)),
]


@pytest.mark.parametrize("advise", ALL)
def test_each_suggestion_travels_says_how_it_is_reverted_and_until_when_it_holds(advise):
    found = advise(None)
    assert isinstance(found, Suggestion) and decode(encode(found)) == found
    assert found.revert and found.assumed and found.valid_until_us == MADE_US + 7 * DAY_US


@pytest.mark.parametrize("advise", ALL)
def test_none_is_made_while_suggestions_are_stopped(advise):
    assert advise(Context(is_stopped=True)) == Refused(Rail.KILL_SWITCH, "suggestions are stopped")


@pytest.mark.parametrize("advise", ALL)
def test_none_is_made_while_one_for_the_same_parameter_is_open(advise):
    one = advise(None)
    assert advise(Context(open=frozenset({(one.asset, one.parameter)}))).rail is Rail.ONE_OPEN
