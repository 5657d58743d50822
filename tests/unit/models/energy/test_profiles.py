"""Energy profiles of machines whose constants are known: estimates, errors, cuts, merges, little data."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.energy.estimates import line_added, line_sums
from models.energy.profiles import MOST_PRODUCTS, STATES, Minutes, ProfileState, merge, packed, profile, take, unpacked
from models.records import EnergyProfile, Learned, decode, encode
from tests.kit.energy_machine import IDLE, OFF, PRODUCTS, RUN, START, Truth, machine, minutes

SEEDS, DAYS = 200, 7


def cut(of: Minutes, begin: int, end: int) -> Minutes:
    return of.of(slice(begin, end))


def learned(of: Minutes) -> EnergyProfile:
    return profile(take(ProfileState.none(), of), "demo", "press-01", 1)


def hand_made(*spells: tuple[int, int, float], units: float = 0.0) -> Minutes:
    """Minutes of spells: state, length, kW; `units` are made in each minute of running."""
    state = np.concatenate([np.full(length, code) for code, length, _ in spells])
    power = np.concatenate([np.full(length, kw) for _, length, kw in spells])
    made = np.where(state == RUN, units, 0.0)
    return Minutes(np.arange(len(state)) + 60_000, power, state, made, np.where(state == RUN, 0, -1), PRODUCTS)


def figures(found: EnergyProfile, truth: Truth) -> dict[str, tuple[Learned | None, float]]:
    first, second = found.products
    return {
        "off kW": (found.states_kw["off"], truth.off_kw),
        "idle kW": (found.states_kw["idle"], truth.idle_kw),
        "running kW": (found.running_kw, truth.running_kw),
        "kWh of a start": (found.start_kwh, truth.start_kwh),
        "min of a start": (found.start_min, truth.start_min),
        "kWh a cup": (first.kwh_per_unit, truth.kwh_per_unit[0]),
        "kWh a lid": (second.kwh_per_unit, truth.kwh_per_unit[1]),
        "cups an hour": (first.units_per_h, truth.units_per_h[0]),
        "lids an hour": (second.units_per_h, truth.units_per_h[1]),
    }


@pytest.fixture(scope="module")
def held() -> dict[str, list[bool]]:
    found = defaultdict(list)
    for seed in range(SEEDS):
        truth = machine(seed)
        for name, (one, true) in figures(learned(minutes(truth, seed, DAYS)), truth).items():
            found[name].append(abs(one.value - true) <= 2.0 * one.error)
    print({name: float(np.mean(inside)) for name, inside in found.items()})
    return found


@pytest.mark.parametrize("name", list(figures(learned(minutes(machine(0), 0, 2)), machine(0))))
def test_two_standard_errors_hold_the_truth_in_about_19_of_20_machines(held, name):
    assert 0.85 <= np.mean(held[name]) <= 0.99 + 1e-9


def test_a_week_tell_what_a_unit_takes_to_a_tenth():
    errors = [learned(minutes(machine(seed), seed, DAYS)).products[0].kwh_per_unit for seed in range(10)]
    assert np.median([one.error / one.value for one in errors]) < 0.1


def test_a_few_minutes_of_running_have_an_error_as_wide_as_the_value():
    one = learned(hand_made((RUN, 10, 50.0))).states_kw["running"]
    assert one == Learned(value=50.0, error=50.0, minutes=10)


def test_the_constant_of_running_is_hardly_known_where_the_rate_never_varied():
    found = learned(hand_made((RUN, 6000, 50.0), units=2.0))
    assert found.running_kw.error == pytest.approx(50.0 / np.sqrt(12.0), rel=0.3)
    assert found.running_kw.value + 120 * found.products[0].kwh_per_unit.value == pytest.approx(50.0, rel=1e-6)


def test_a_state_that_was_never_seen_is_not_told():
    assert set(learned(hand_made((OFF, 90, 1.0))).states_kw) == {"off"}


def test_without_a_start_none_is_told():
    found = learned(hand_made((OFF, 90, 1.0), (RUN, 90, 50.0)))
    assert (found.start_kwh, found.start_min) == (None, None)


def test_a_start_that_was_under_way_when_minutes_began_is_not_counted():
    assert learned(hand_made((START, 5, 60.0), (RUN, 9, 50.0))).start_kwh is None


def test_a_start_that_went_back_to_off_is_not_counted():
    assert learned(hand_made((OFF, 5, 1.0), (START, 5, 60.0), (OFF, 9, 1.0))).start_kwh is None


def test_one_start_is_told_with_an_error_as_wide_as_itself():
    found = learned(hand_made((OFF, 5, 1.0), (START, 6, 60.0), (IDLE, 9, 20.0)))
    assert found.start_kwh == Learned(value=6.0, error=6.0, minutes=6)


def test_one_start_of_a_day_in_ten_does_not_move_what_a_start_takes():
    usual = ((OFF, 50, 1.0), (START, 10, 60.0), (RUN, 60, 50.0))
    found = learned(hand_made(*usual * 9, (OFF, 50, 1.0), (START, 1440, 60.0), (RUN, 60, 50.0)))
    assert found.start_kwh.value == pytest.approx(10.0)


def test_minutes_without_power_tell_nothing():
    rows = hand_made((OFF, 100, 1.0), (RUN, 100, 50.0))
    rows.power_kw[150:] = np.nan
    assert learned(rows).states_kw["running"].minutes == 50


def test_minutes_that_were_taken_before_change_nothing():
    rows = minutes(machine(3), 3, 2)
    state = take(ProfileState.none(), rows)
    before = packed(state)
    assert packed(take(state, cut(rows, 500, 1500))) == before


def test_minutes_that_do_not_ascend_are_the_callers_fault():
    rows = hand_made((OFF, 3, 1.0))
    with pytest.raises(ValueError, match="ascend"):
        take(ProfileState.none(), rows._replace(minute=rows.minute[::-1]))


def test_products_beyond_the_most_that_are_told_apart_leave_the_others_as_they_are():
    rows = hand_made((RUN, 60 * (MOST_PRODUCTS + 5), 50.0), units=1.0)
    many = tuple(f"p{at}" for at in range(MOST_PRODUCTS + 5))
    found = learned(rows._replace(product=np.arange(len(rows.minute)) // 60, products=many))
    assert len(found.products) == MOST_PRODUCTS


def test_hours_of_a_product_too_many_leave_the_slopes_as_they_are():
    rows = hand_made((RUN, 60 * (MOST_PRODUCTS + 9), 50.0), units=1.0)
    hour = np.arange(len(rows.minute)) // 60
    many = tuple(f"p{at}" for at in range(MOST_PRODUCTS + 9))
    rows = rows._replace(product=hour, products=many, power_kw=np.where(hour < MOST_PRODUCTS, 50.0, 500.0))
    without, found = learned(cut(rows, 0, 60 * MOST_PRODUCTS)), learned(rows)
    assert found.states_kw["running"].value > 90
    assert found.running_kw.value == pytest.approx(without.running_kw.value)


def test_a_machine_that_takes_less_than_before_is_known_for_it_after_two_half_lives():
    before, after = hand_made((IDLE, 60 * 1008, 50.0)), hand_made((IDLE, 60 * 2016, 20.0))
    state = take(ProfileState.none(), before)
    state = take(state, after._replace(minute=after.minute + 60 * 1008))
    assert profile(state, "demo", "a", 1).states_kw["idle"].value == pytest.approx(20 + 30 / 7, rel=0.01)


def test_a_profile_is_a_record_that_travels():
    found = learned(minutes(machine(0), 0, 2))
    assert decode(encode(found)) == found


def test_a_snapshot_comes_back_as_it_was():
    state = take(ProfileState.none(), minutes(machine(0), 0, 2))
    assert packed(unpacked(packed(state))) == packed(state)


def numbers(found: EnergyProfile) -> list[float]:
    told = [*found.states_kw.values(), found.start_kwh, found.start_min, found.running_kw]
    told += [one for product in found.products for one in (product.kwh_per_unit, product.units_per_h)]
    return [number for one in told if one for number in (one.value, one.error, one.minutes)]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 3 * 1440), max_size=8), st.integers(0, 20))
def test_minutes_in_any_cut_give_the_same_profile(cuts, seed):
    rows = minutes(machine(seed), seed, 3)
    whole, state = take(ProfileState.none(), rows), ProfileState.none()
    edges = [0, *sorted(cuts), 3 * 1440]
    for begin, end in pairwise(edges):
        state = take(unpacked(packed(state)), cut(rows, begin, end))
    assert numbers(profile(state, "demo", "a", 1)) == pytest.approx(numbers(profile(whole, "demo", "a", 1)), rel=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 71), st.integers(0, 20))
def test_states_that_are_merged_are_as_of_one_pass_but_for_a_start_over_the_cut(hour, seed):
    rows = minutes(machine(seed), seed, 3)
    parts = (take(ProfileState.none(), one) for one in (cut(rows, 0, 60 * hour), cut(rows, 60 * hour, 3 * 1440)))
    both, whole = merge(*parts), take(ProfileState.none(), rows)
    if rows.state[60 * hour] == START:
        both.starts = whole.starts
    assert numbers(profile(both, "demo", "a", 1)) == pytest.approx(numbers(profile(whole, "demo", "a", 1)), rel=1e-9)


def test_states_that_share_an_hour_are_not_merged():
    rows = minutes(machine(0), 0, 1)
    early, late = (take(ProfileState.none(), one) for one in (cut(rows, 0, 90), cut(rows, 90, 200)))
    with pytest.raises(ValueError, match="share no hour"):
        merge(early, late)


def test_an_hour_as_old_as_the_half_life_counts_half_and_its_errors_a_quarter():
    hour = line_sums(60.0, 600.0, np.zeros(0))
    both = line_added(hour, 0.5, hour)
    assert (both.weight, both.weight2, both.minutes2) == (1.5, 1.25, 75.0)
    assert both.normal.item() == 90.0


def test_states_are_those_of_operating_state_in_its_order():
    assert STATES[RUN] == "running"
