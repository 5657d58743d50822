"""Rails of suggestions: what each refuses, what is clipped, and that nothing which passes breaks one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from models.tuning.rails import (
    HOUR_US,
    RAILS,
    Change,
    Context,
    Forbidden,
    Interlock,
    Limits,
    OnTrial,
    OnTrialTogether,
    Passed,
    PassedTogether,
    Proposal,
    Rail,
    Refused,
    judge,
    judge_together,
)

NOW_US = 1_700_000_000_000_000
PROPOSAL = Proposal(
    asset="comp-01",
    parameter="network_bar",
    now=7.0,
    proposed=6.8,
    evidence=100,
    time_us=NOW_US,
    until_us=NOW_US + 24 * HOUR_US,
)
LIMITS = Limits(low=6.0, high=8.0, step=0.3, rate=0.5, evidence=50, cool_down_h=12.0)
FREE = Context()
DRYER = Forbidden(
    name="the dryer needs 6.5 bar in summer", ranges={"network_bar": (0.0, 6.5), "ambient_degc": (28.0, math.inf)}
)


GUARD = Interlock(name="the oil is warm", signal="oil_degc", low=20.0, high=60.0)
GUARDED = replace(LIMITS, interlocks=(GUARD,))


def changed(hours_ago: float, by: float) -> Context:
    return Context(changes=(Change(time_us=NOW_US - int(hours_ago * HOUR_US), before=7.0 + by, after=7.0),))


def test_a_small_step_within_all_rails_passes_as_it_is():
    assert judge(PROPOSAL, LIMITS, FREE) == Passed((), 6.8)


@pytest.mark.parametrize(
    ("proposal", "limits", "context", "rail"),
    [
        (replace(PROPOSAL, proposed=math.nan), LIMITS, FREE, Rail.NUMBERS),
        (replace(PROPOSAL, now=math.inf), LIMITS, FREE, Rail.NUMBERS),
        (PROPOSAL, replace(LIMITS, low=8.0, high=6.0), FREE, Rail.LIMITS),
        (PROPOSAL, replace(LIMITS, high=math.inf), FREE, Rail.LIMITS),
        (PROPOSAL, replace(LIMITS, step=-0.1), FREE, Rail.LIMITS),
        (PROPOSAL, LIMITS, Context(is_stopped=True), Rail.KILL_SWITCH),
        (PROPOSAL, LIMITS, Context(open=frozenset({("comp-01", "network_bar")})), Rail.ONE_OPEN),
        (PROPOSAL, LIMITS, changed(11.0, 0.1), Rail.COOL_DOWN),
        (replace(PROPOSAL, until_us=NOW_US), LIMITS, FREE, Rail.EXPIRY),
        (replace(PROPOSAL, until_us=NOW_US + 169 * HOUR_US), LIMITS, FREE, Rail.EXPIRY),
        (replace(PROPOSAL, evidence=49), LIMITS, FREE, Rail.EVIDENCE),
        (replace(PROPOSAL, proposed=5.9), LIMITS, FREE, Rail.BOUNDS),
        (replace(PROPOSAL, now=9.0), LIMITS, FREE, Rail.STEP),
        (PROPOSAL, LIMITS, changed(13.0, 0.6), Rail.RATE),
        (PROPOSAL, LIMITS, Context(settings={"other": math.nan}), Rail.NUMBERS),
        (PROPOSAL, LIMITS, Context(conditions={"other": math.inf}), Rail.NUMBERS),
        (PROPOSAL, replace(LIMITS, two_above=math.nan), FREE, Rail.LIMITS),
        (PROPOSAL, replace(LIMITS, recipe=(7.0, 6.0)), FREE, Rail.LIMITS),
        (PROPOSAL, GUARDED, FREE, Rail.INTERLOCK),
        (PROPOSAL, GUARDED, Context(conditions={"oil_degc": 19.9}), Rail.INTERLOCK),
        (PROPOSAL, replace(LIMITS, recipe=(6.9, 7.5)), FREE, Rail.RECIPE),
        (PROPOSAL, replace(LIMITS, qualified=(6.9, 7.5)), FREE, Rail.QUALIFIED),
        (PROPOSAL, LIMITS, Context(open=frozenset({("comp-01", "x")}), one_per_asset=True), Rail.ONE_OPEN),
        (replace(PROPOSAL, now=7.9), replace(LIMITS, recipe=(6.0, 7.5)), FREE, Rail.STEP),
        (replace(PROPOSAL, now=7.9), replace(LIMITS, qualified=(6.0, 7.5)), FREE, Rail.STEP),
        (replace(PROPOSAL, proposed=7.0), LIMITS, FREE, Rail.NO_CHANGE),
        (PROPOSAL, replace(LIMITS, least_step=0.25), FREE, Rail.NO_CHANGE),
    ],
)
def test_each_rail_refuses_what_it_is_there_for(proposal, limits, context, rail):
    found = judge(proposal, limits, context)
    assert isinstance(found, Refused) and found.rail is rail and found.detail


def test_a_long_step_is_clipped_and_the_rail_is_named():
    assert judge(replace(PROPOSAL, proposed=6.0), LIMITS, FREE) == Passed((Rail.STEP,), pytest.approx(6.7))


def test_what_was_changed_today_leaves_less_to_change():
    found = judge(replace(PROPOSAL, proposed=6.0), LIMITS, changed(13.0, 0.4))
    assert found == Passed((Rail.STEP, Rail.RATE), pytest.approx(6.9))


def test_a_forbidden_combination_is_refused_where_it_holds_and_where_that_is_not_known():
    limits = replace(LIMITS, forbidden=(DRYER,))
    low = replace(PROPOSAL, now=6.6, proposed=6.4)
    assert judge(low, limits, Context(settings={"ambient_degc": 31.0})) == Refused(Rail.FORBIDDEN, DRYER.name)
    assert judge(low, limits, FREE) == Refused(Rail.FORBIDDEN, DRYER.name)
    assert judge(low, limits, Context(settings={"ambient_degc": 15.0})) == Passed((), 6.4)


def test_a_value_outside_the_qualified_window_is_told_what_it_would_need():
    limits = replace(LIMITS, qualified=(6.9, 7.5), revalidate="peel test of 10 parts by WPS-7")
    assert "peel test of 10 parts by WPS-7" in judge(PROPOSAL, limits, FREE).detail


def test_an_interlock_that_is_known_to_hold_lets_pass():
    assert judge(PROPOSAL, GUARDED, Context(conditions={"oil_degc": 60.0})) == Passed((), 6.8)


def test_a_change_that_is_large_after_clipping_is_a_trial_to_ask_for():
    found = judge(replace(PROPOSAL, proposed=6.0), replace(LIMITS, trial_above=0.25), FREE)
    assert isinstance(found, OnTrial)
    assert (found.binding, found.proposed) == ((Rail.STEP,), pytest.approx(6.7)) and "trial" in found.why
    assert judge(PROPOSAL, replace(LIMITS, trial_above=0.25), FREE) == Passed((), 6.8)


def test_two_persons_approve_a_larger_change():
    assert judge(PROPOSAL, replace(LIMITS, two_above=0.1), FREE).approvals == 2
    assert judge(PROPOSAL, replace(LIMITS, two_above=0.25), FREE).approvals == 1


def test_a_change_of_another_parameter_is_none_of_this_one():
    other = replace(changed(1.0, 0.4).changes[0], parameter="flow")
    assert judge(PROPOSAL, LIMITS, Context(changes=(other,))) == Passed((), 6.8)
    mine = replace(other, parameter="network_bar")
    assert judge(PROPOSAL, LIMITS, Context(changes=(mine,))).rail is Rail.COOL_DOWN


FLOW = replace(PROPOSAL, parameter="flow", now=40.0, proposed=50.0)
BOTH = {"network_bar": LIMITS, "flow": Limits(low=0.0, high=100.0, step=5.0, two_above=3.0)}


def test_several_parameters_move_at_once_each_clipped_by_its_own_rails():
    found = judge_together([PROPOSAL, FLOW], BOTH, FREE)
    assert found == PassedTogether({"network_bar": 6.8, "flow": 45.0}, (("flow", Rail.STEP),), 2)


def test_a_move_is_refused_whole_and_says_for_which_parameter():
    found = judge_together([PROPOSAL, replace(FLOW, proposed=101.0)], BOTH, FREE)
    assert isinstance(found, Refused) and found.rail is Rail.BOUNDS and found.detail.startswith("flow: ")


def test_a_parameter_with_no_change_left_is_dropped_from_the_move():
    still = replace(FLOW, proposed=40.0)
    assert judge_together([PROPOSAL, still], BOTH, FREE) == PassedTogether({"network_bar": 6.8}, (), 1)
    assert judge_together([still], BOTH, FREE).rail is Rail.NO_CHANGE


def test_what_is_forbidden_is_judged_on_all_values_after_clipping():
    slow = Forbidden(name="low pressure at high flow", ranges={"network_bar": (0.0, 6.9), "flow": (44.0, 100.0)})
    limits = {**BOTH, "network_bar": replace(LIMITS, forbidden=(slow,))}
    now = Context(settings={"network_bar": 7.0, "flow": 40.0})
    found = judge_together([PROPOSAL, FLOW], limits, now)
    assert found == Refused(Rail.FORBIDDEN, "network_bar: low pressure at high flow")
    assert isinstance(judge_together([PROPOSAL, replace(FLOW, proposed=43.0)], limits, now), PassedTogether)


def test_a_move_with_one_part_too_large_is_a_trial_of_all():
    limits = {**BOTH, "flow": replace(BOTH["flow"], trial_above=4.0)}
    found = judge_together([PROPOSAL, FLOW], limits, FREE)
    assert isinstance(found, OnTrialTogether) and found.values == {"network_bar": 6.8, "flow": 45.0}
    assert found.why.startswith("flow: ")


@pytest.mark.parametrize(
    ("proposals", "rail"),
    [
        ([], Rail.ONE_MOVE),
        ([PROPOSAL, PROPOSAL], Rail.ONE_MOVE),
        ([PROPOSAL, replace(FLOW, asset="comp-02")], Rail.ONE_MOVE),
        ([PROPOSAL, replace(FLOW, parameter="speed")], Rail.BOUNDS),
    ],
)
def test_what_is_not_one_move_of_known_parameters_is_refused(proposals, rail):
    assert judge_together(proposals, BOTH, FREE).rail is rail


def test_the_table_has_every_rail_once():
    assert [rail for rail, _ in RAILS] == [rail for rail in Rail if rail is not Rail.ONE_MOVE]


ANY = st.one_of(st.floats(), st.floats(-20, 20), st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 5e-324, 1e308]))
SOME = st.one_of(st.floats(0, 20), ANY)
TIMES = st.integers(NOW_US - 60 * HOUR_US, NOW_US + 60 * HOUR_US)
RANGES = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.tuples(ANY, ANY), min_size=1, max_size=2)
PROPOSALS = st.builds(
    Proposal,
    asset=st.just("m"),
    parameter=st.just("a"),
    now=ANY,
    proposed=ANY,
    evidence=st.integers(-1, 9),
    time_us=st.just(NOW_US),
    until_us=TIMES,
)
ALL_LIMITS = st.builds(
    Limits,
    low=st.one_of(st.floats(-20, 0), ANY),
    high=SOME,
    step=st.none() | SOME,
    least_step=st.just(0.0) | ANY,
    rate=st.none() | SOME,
    rate_h=SOME,
    evidence=st.integers(-1, 5),
    cool_down_h=st.just(0.0) | ANY,
    longest_h=SOME,
    forbidden=st.lists(st.builds(Forbidden, name=st.just("x"), ranges=RANGES), max_size=2).map(tuple),
)
CONTEXTS = st.builds(
    Context,
    is_stopped=st.sampled_from([False, False, False, True]),
    settings=st.dictionaries(st.sampled_from(["b", "c"]), ANY),
    changes=st.lists(st.builds(Change, time_us=TIMES, before=ANY, after=ANY), max_size=3).map(tuple),
    open=st.frozensets(st.sampled_from([("m", "a"), ("m", "b"), ("n", "a")]), max_size=1),
)


def breaks(proposal: Proposal, limits: Limits, context: Context, value: float) -> list[str]:
    """Rails that a value which passed breaks, each told here in another way than it is in the table."""
    moved = sum(
        abs(one.after - one.before)
        for one in context.changes
        if one.time_us > proposal.time_us - limits.rate_h * HOUR_US
    )
    held = [
        one
        for one in limits.forbidden
        if not any(
            name in {**context.settings, "a": value}
            and (({**context.settings, "a": value})[name] < low or ({**context.settings, "a": value})[name] > high)
            for name, (low, high) in one.ranges.items()
        )
    ]
    rules = {
        "finite": math.isfinite(value) and math.isfinite(proposal.now) and math.isfinite(proposal.proposed),
        "bounds": limits.low <= value <= limits.high,
        "changes": value != proposal.now and abs(value - proposal.now) >= limits.least_step,
        "between": min(proposal.now, proposal.proposed) <= value <= max(proposal.now, proposal.proposed),
        "step": limits.step is None or abs(value - proposal.now) <= limits.step,
        "rate": limits.rate is None or abs(value - proposal.now) <= limits.rate - moved,
        "stopped": not context.is_stopped,
        "open": ("m", "a") not in context.open,
        "cool": all(NOW_US - one.time_us >= limits.cool_down_h * HOUR_US for one in context.changes),
        "expiry": NOW_US < proposal.until_us <= NOW_US + limits.longest_h * HOUR_US,
        "evidence": proposal.evidence >= limits.evidence,
        "forbidden": not held,
    }
    return [name for name, is_kept in rules.items() if not is_kept]


@settings(max_examples=2000, deadline=None)
@given(PROPOSALS, ALL_LIMITS, CONTEXTS)
def test_nothing_that_passes_breaks_a_rail(proposal, limits, context):
    found = judge(proposal, limits, context)
    if isinstance(found, Passed):
        assert breaks(proposal, limits, context, found.proposed) == []
    else:
        assert found.detail


TAME = st.builds(
    Limits,
    low=st.floats(-20, 0),
    high=st.floats(0, 20),
    step=st.none() | st.floats(1e-6, 20),
    rate=st.none() | st.floats(1e-6, 20),
)


@settings(max_examples=1000, deadline=None)
@given(st.floats(-20, 20), st.floats(-20, 20), TAME, st.lists(st.floats(0, 5), max_size=3))
def test_nothing_that_passes_breaks_a_rail_where_most_does_pass(now, proposed, limits, moved):
    proposal = replace(PROPOSAL, asset="m", parameter="a", now=now, proposed=proposed)
    changes = tuple(Change(time_us=NOW_US - HOUR_US, before=one, after=0.0) for one in moved)
    found = judge(proposal, limits, Context(changes=changes))
    assert isinstance(found, Refused) or breaks(proposal, limits, Context(changes=changes), found.proposed) == []
