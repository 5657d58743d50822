"""Who may be asked to wait: just enough, the cheapest first, and never a machine that must not be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.energy.shedding import MINUTE_US, Keep, Sheddable, choose, keep

NOW_US = 1_700_000_000_000_000


def press(asset: str = "press-01", kw: float = 60.0, cost: float = 10.0, **more: object) -> Sheddable:
    return Sheddable(asset=asset, kw=kw, cost_per_h=cost, why="its next job begins at noon", **more)


FURNACE = press("furnace-01", kw=400.0, cost=0.0, needs_permission=True, longest_off_min=20, least_on_min=60)


@pytest.mark.parametrize(
    ("machine", "why"),
    [
        (press(is_in_maintenance=True), Keep.MAINTENANCE),
        (press(is_off=True), Keep.OFF),
        (press(kw=0.0), Keep.NOTHING),
        (press(kw=float("nan")), Keep.NOTHING),
        (press(may_wait=False), Keep.MUST_RUN),
        (FURNACE, Keep.PERMISSION),
        (press(least_on_min=30, on_since_us=NOW_US - 10 * MINUTE_US), Keep.ON_TOO_SHORT),
        (press(most_starts_per_h=3, starts_last_h=3), Keep.STARTS),
        (press(longest_off_min=0.5), Keep.TOO_SHORT),
        (press(slack_min=20, back_min=19.5), Keep.LATE),
        (press(slack_min=float("nan")), Keep.LATE),
        (press(), None),
    ],
)
def test_a_machine_is_kept_for_the_first_reason_that_holds(machine, why):
    assert keep(machine, NOW_US) is why


def test_a_furnace_is_never_asked_to_wait_however_cheap_that_would_be():
    found = choose([FURNACE, press()], 100.0, 10.0, NOW_US)
    assert [one.asset for one in found.shed] == ["press-01"]
    assert found.kept[0].why == "needs a permission that nobody gave"


def test_the_machine_that_costs_least_waits_and_no_second_one_if_it_is_enough():
    found = choose([press("a", 70, 9.0), press("b", 55, 2.0), press("c", 60, 5.0)], 9.0, 10.0, NOW_US)
    assert [one.asset for one in found.shed] == ["b"]


def test_a_cheap_machine_is_not_asked_when_the_dearer_one_that_is_needed_is_enough_alone():
    found = choose([press("small", 6, 1.0), press("large", 120, 5.0)], 15.0, 10.0, NOW_US)
    assert [one.asset for one in found.shed] == ["large"]


def test_of_machines_that_cost_the_same_the_larger_waits():
    found = choose([press("a", 30), press("b", 90)], 4.0, 10.0, NOW_US)
    assert [one.asset for one in found.shed] == ["b"]


def test_a_machine_waits_no_longer_than_it_may_and_heating_up_counts():
    found = choose([press(slack_min=12, back_min=8)], 1.0, 10.0, NOW_US)
    assert found.shed[0].minutes == 4


def test_if_all_are_not_enough_all_are_named_and_it_says_so():
    found = choose([press("a"), press("b")], 100.0, 10.0, NOW_US)
    assert len(found.shed) == 2 and not found.is_enough


NUMBER = st.one_of(st.floats(-50, 500), st.just(float("nan")), st.just(float("inf")))
MACHINES = st.lists(
    st.builds(
        Sheddable,
        asset=st.uuids().map(str),
        kw=NUMBER,
        cost_per_h=st.floats(0, 100),
        why=st.just("idle"),
        may_wait=st.booleans(),
        needs_permission=st.booleans(),
        has_permission=st.booleans(),
        longest_off_min=NUMBER,
        least_on_min=NUMBER,
        on_since_us=st.integers(NOW_US - 100 * MINUTE_US, NOW_US),
        most_starts_per_h=st.none() | st.integers(0, 5),
        starts_last_h=st.integers(0, 5),
        back_min=st.floats(0, 60),
        slack_min=st.none() | NUMBER,
        is_off=st.booleans(),
        is_in_maintenance=st.booleans(),
    ),
    max_size=12,
)


@given(MACHINES, st.floats(0, 200), st.floats(1.0, 15.0))
def test_none_that_must_not_wait_is_named_and_either_it_is_enough_or_all_are_named(machines, needed_kwh, left):
    found = choose(machines, needed_kwh, left, NOW_US)
    by_name = {one.asset: one for one in machines}
    shed = {one.asset for one in found.shed}
    for one in (by_name[asset] for asset in shed):
        assert one.may_wait and not one.is_off and not one.is_in_maintenance
        assert one.has_permission or not one.needs_permission
    for one in found.shed:
        slack = by_name[one.asset].slack_min
        assert 1 <= one.minutes <= min(left, by_name[one.asset].longest_off_min)
        assert slack is None or one.minutes + by_name[one.asset].back_min <= slack
    assert found.is_enough or shed | {one.asset for one in found.kept} == set(by_name)
    assert not shed & {one.asset for one in found.kept}


@given(MACHINES, st.floats(0.1, 200), st.floats(1.0, 15.0))
def test_without_any_one_of_those_named_it_would_not_be_enough(machines, needed_kwh, left):
    found = choose(machines, needed_kwh, left, NOW_US)
    for one in found.shed if found.is_enough else ():
        assert found.kwh - one.kw * one.minutes / 60.0 < needed_kwh + 1e-9
