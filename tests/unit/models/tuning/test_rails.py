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
    Limits,
    Passed,
    Proposal,
    Rail,
    Refused,
    judge,
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


def test_the_table_has_every_rail_once():
    assert [rail for rail, _ in RAILS] == list(Rail)


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
