"""Ten thousand plants, states and proposals: what the rails let pass violates none, and what they refuse is violated.

The oracle is told from what each rail means, and calls nothing of the rails: it asks how far a change may go, and where
it then ends.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from models.tuning.rails import (
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

CASES = 10_000
HOUR_US = 3_600_000_000
NOW_US = 1_700_000_000_000_000
NAMES = ("a", "b", "c")
ODD = (math.nan, math.inf, -math.inf, 5e-324, -5e-324, 1e308, -1e308, 1.7e308, 0.0, -0.0, 1e-300)


@dataclass(frozen=True)
class Case:
    proposals: list[Proposal]
    limits: dict[str, Limits]
    context: Context


class Drawn:
    """A case by a seed: tame numbers, of which a few are odd in a third of the cases."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.odd = 0.0 if self.random.random() < 0.67 else 0.05

    def number(self, low: float, high: float) -> float:
        if self.random.random() < self.odd:
            return self.random.choice(ODD)
        return (
            self.random.uniform(low, high)
            if self.random.random() < 0.6
            else float(round(self.random.uniform(low, high)))
        )

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def window(self, low: float, high: float, middle: float) -> tuple[float, float]:
        edges = self.number(low, middle), self.number(middle, high)
        return edges[::-1] if self.maybe(0.02) else edges

    def forbidden(self) -> tuple[Forbidden, ...]:
        if not self.maybe(0.3):
            return ()
        named = self.random.sample(NAMES, self.random.randint(1, 3))
        ranges = {}
        for name in named:
            low, high = self.window(-12.0, 12.0, self.random.uniform(-8, 8))
            ranges[name] = (low, math.inf) if self.maybe(0.2) else (low, high)
        return (Forbidden(name=self.random.choice(["never so", "x", ""]), ranges=ranges),)

    def interlock(self) -> Interlock:
        signal = self.random.choice("de")
        return Interlock(name="door", signal=signal, low=self.number(-9.0, -4.0), high=self.number(4.0, 9.0))

    def limits(self) -> Limits:
        low, high = self.window(-12.0, 12.0, 0.0)
        return Limits(
            low=low,
            high=high,
            step=abs(self.number(0.0, 8.0)) if self.maybe(0.5) else None,
            least_step=self.number(0.0, 1.0) if self.maybe(0.3) else 0.0,
            rate=self.number(0.0, 15.0) if self.maybe(0.5) else None,
            rate_h=self.number(1.0, 60.0),
            evidence=self.random.randint(0, 4),
            cool_down_h=self.number(0.0, 6.0) if self.maybe(0.3) else 0.0,
            longest_h=self.number(24.0, 200.0),
            forbidden=self.forbidden(),
            interlocks=(self.interlock(),) if self.maybe(0.3) else (),
            recipe=self.window(-11.0, 11.0, 0.0) if self.maybe(0.3) else None,
            qualified=self.window(-11.0, 11.0, 0.0) if self.maybe(0.3) else None,
            revalidate=self.random.choice(["", "peel test"]),
            trial_above=self.number(1.0, 9.0) if self.maybe(0.3) else None,
            two_above=self.number(0.0, 6.0) if self.maybe(0.3) else None,
        )  # fmt: skip

    def context(self) -> Context:
        changes = tuple(
            Change(
                time_us=NOW_US + self.random.randint(-70, 1) * HOUR_US - self.random.choice([0, 0, 1]),
                before=self.number(-3.0, 3.0),
                after=self.number(-3.0, 3.0),
                parameter=self.random.choice(["", *NAMES]),
            )
            for _ in range(self.random.choice([0, 0, 1, 2, 4]))
        )
        return Context(
            is_stopped=self.maybe(0.03),
            settings={name: self.number(-10.0, 10.0) for name in NAMES if self.maybe(0.8)},
            changes=changes,
            open=frozenset({(self.random.choice("mn"), self.random.choice(NAMES))} if self.maybe(0.15) else ()),
            conditions={name: self.number(-6.0, 6.0) for name in "de" if self.maybe(0.9)},
            one_per_asset=self.maybe(0.3),
        )

    def proposal(self, name: str) -> Proposal:
        now = self.number(-10.0, 10.0)
        return Proposal(
            asset="m",
            parameter=name,
            now=now,
            proposed=now if self.maybe(0.06) else self.number(-10.0, 10.0),
            evidence=self.random.randint(2, 9) if self.maybe(0.95) else -1,
            time_us=NOW_US,
            until_us=NOW_US + self.random.choice([24] * 16 + [20, 150, 0, -1]) * HOUR_US,
        )


def one_of(seed: int) -> Case:
    drawn = Drawn(seed)
    return Case([drawn.proposal("a")], {"a": drawn.limits()}, drawn.context())


def move_of(seed: int) -> Case:
    """One to three parameters of one asset, of which each has fewer rails in the way than it would have alone."""
    drawn = Drawn(seed)
    named = drawn.random.sample(NAMES, drawn.random.choice([1, 2, 2, 3]))
    limits = {name: drawn.limits() for name in named}
    proposals = [replace(drawn.proposal(name), evidence=9, until_us=NOW_US + 24 * HOUR_US) for name in named]
    if drawn.maybe(0.8):
        limits = {name: replace(one, recipe=None, interlocks=(), cool_down_h=0.0) for name, one in limits.items()}
        proposals = [one if drawn.maybe(0.3) else replace(one, proposed=one.now / 2 + 1) for one in proposals]
    if drawn.maybe(0.04):
        limits.pop(named[0])
    if drawn.maybe(0.04):
        proposals[0] = replace(proposals[0], asset="n") if drawn.maybe(0.5) else proposals[-1]
    return Case(proposals, limits, drawn.context())


def finite(*values: float | None) -> bool:
    return all(abs(one) < math.inf for one in values if one is not None)


def is_sound(limits: Limits) -> bool:
    """Limits that are numbers, in order, and sizes that are not negative."""
    spans = [(limits.low, limits.high), limits.recipe, limits.qualified]
    spans += [(one.low, one.high) for one in limits.interlocks]
    sizes = [limits.step, limits.least_step, limits.rate, limits.rate_h, limits.cool_down_h, limits.longest_h]
    sizes += [limits.trial_above, limits.two_above, limits.evidence]
    of_combinations = [edges for one in limits.forbidden for edges in one.ranges.values()]
    return (
        all(span is None or (finite(*span) and span[0] <= span[1]) for span in spans)
        and all(size is None or (finite(size) and size >= 0) for size in sizes)
        and all(low <= high for low, high in of_combinations)
    )


def windows(limits: Limits) -> list[tuple[float, float]]:
    return [one for one in ((limits.low, limits.high), limits.recipe, limits.qualified) if one is not None]


def used(limits: Limits, context: Context, name: str) -> float:
    """What was changed of the parameter in the hours of the rate."""
    hours = [(one, (NOW_US - one.time_us) / HOUR_US) for one in context.changes if one.parameter in {"", name}]
    return sum(abs(one.before - one.after) for one, ago_h in hours if ago_h < limits.rate_h)


def holds(combination: Forbidden, settings: dict[str, float], loose: float = 0.0) -> bool:
    """A combination holds unless one setting is known to be outside its range."""
    return not any(
        name in settings and (settings[name] < low - loose or settings[name] > high + loose)
        for name, (low, high) in combination.ranges.items()
    )


def reach(proposal: Proposal, limits: Limits, context: Context) -> tuple[float, float, float]:
    """How far it is, how far a step goes, how far the rate lets it go."""
    step = math.inf if limits.step is None else limits.step
    left = math.inf if limits.rate is None else limits.rate - used(limits, context, proposal.parameter)
    return abs(proposal.proposed - proposal.now), step, left


def end(proposal: Proposal, far: float) -> float:
    return proposal.now + far if proposal.proposed > proposal.now else proposal.now - far


def outside(value: float, limits: Limits, tight: float = 1e-9) -> bool:
    """Whether a value is outside a window, or so near its edge that rounding decides."""
    return any(value < low + tight or value > high - tight for low, high in windows(limits))


def violated(proposal: Proposal, limits: Limits, context: Context) -> set[Rail]:
    """Rails of one parameter that its proposal violates, and cannot be clipped to; without forbidden combinations."""
    changes = [number for one in context.changes for number in (one.before, one.after)]
    broken = set()
    if not finite(proposal.now, proposal.proposed, *context.settings.values(), *context.conditions.values(), *changes):
        broken.add(Rail.NUMBERS)
    if not is_sound(limits):
        broken.add(Rail.LIMITS)
    if broken:
        return broken
    far, step, left = reach(proposal, limits, context)
    ago_h = [(NOW_US - one.time_us) / HOUR_US for one in context.changes if one.parameter in {"", proposal.parameter}]
    in_the_way = [
        what
        for of, what in context.open
        if of == proposal.asset and (context.one_per_asset or what == proposal.parameter)
    ]
    left_over = min(far, step, left)
    said = {
        Rail.KILL_SWITCH: context.is_stopped,
        Rail.INTERLOCK: any(
            one.signal not in context.conditions or not one.low <= context.conditions[one.signal] <= one.high
            for one in limits.interlocks
        ),
        Rail.ONE_OPEN: bool(in_the_way),
        Rail.COOL_DOWN: any(ago < limits.cool_down_h for ago in ago_h),
        Rail.EXPIRY: not NOW_US < proposal.until_us <= NOW_US + limits.longest_h * HOUR_US,
        Rail.EVIDENCE: proposal.evidence < limits.evidence,
        Rail.BOUNDS: not limits.low <= proposal.proposed <= limits.high,
        Rail.RECIPE: limits.recipe is not None and not limits.recipe[0] <= proposal.proposed <= limits.recipe[1],
        Rail.QUALIFIED: limits.qualified is not None
        and not limits.qualified[0] <= proposal.proposed <= limits.qualified[1],
        Rail.STEP: far > step and outside(end(proposal, step), limits),
        Rail.RATE: left <= 0 or (min(far, step) > left and outside(end(proposal, left), limits)),
        Rail.NO_CHANGE: left_over < limits.least_step + 1e-9 or end(proposal, left_over) == proposal.now,
    }  # fmt: skip
    return {rail for rail, is_so in said.items() if is_so}


def surely_violated(proposal: Proposal, limits: Limits, context: Context) -> set[Rail]:
    """Those of them that no rounding could make good."""
    found = violated(proposal, limits, context)
    if found & {Rail.NUMBERS, Rail.LIMITS}:
        return found
    far, step, left = reach(proposal, limits, context)
    sure = {
        Rail.STEP: far > step and outside(end(proposal, step), limits, -1e-9),
        Rail.RATE: left <= 0 or (min(far, step) > left and outside(end(proposal, left), limits, -1e-9)),
        Rail.NO_CHANGE: min(far, step, left) < limits.least_step - 1e-9 or far == 0,
    }
    return {rail for rail in found if sure.get(rail, True)}


def check_value(case: Case, proposal: Proposal, value: float, binding: set[Rail]) -> None:
    """A value that may be set: within all windows, no further than a step and the rate, and as far as they let it."""
    limits, now = case.limits[proposal.parameter], proposal.now
    far, step, left = reach(proposal, limits, case.context)
    went = abs(value - now)
    assert all(low <= value <= high for low, high in windows(limits))
    assert went <= step and went <= left and went >= limits.least_step and value != now
    assert min(now, proposal.proposed) <= value <= max(now, proposal.proposed)
    assert binding <= {Rail.STEP, Rail.RATE} and bool(binding) == (value != proposal.proposed)
    if far < math.inf:
        assert went >= min(far, step, left) * (1 - 1e-12) - 4 * max(math.ulp(now), math.ulp(value))


def counted(found: object, counts: Counter[str]) -> None:
    counts[found.rail.value if isinstance(found, Refused) else type(found).__name__] += 1


def test_of_ten_thousand_proposals_none_passes_that_violates_a_rail_and_none_is_refused_for_nothing():
    counts: Counter[str] = Counter()
    for seed in range(CASES):
        check_one(one_of(seed), counts)
    print(dict(counts))
    assert min(counts[name] for name in ("Passed", "OnTrial", *(rail for rail in Rail if rail not in UNSAID))) > 20
    assert counts["Passed"] > CASES / 20


UNSAID = (Rail.TRIAL, Rail.APPROVALS, Rail.ONE_MOVE)
"""Rails that refuse nothing of one parameter."""


def check_one(case: Case, counts: Counter[str]) -> None:
    (proposal,), limits, context = case.proposals, case.limits["a"], case.context
    found = judge(proposal, limits, context)
    counted(found, counts)
    broken = violated(proposal, limits, context)
    if isinstance(found, Refused):
        assert found.detail
        if found.rail is Rail.FORBIDDEN:
            at = {**context.settings, "a": end(proposal, min(reach(proposal, limits, context)))}
            assert any(holds(one, at, 1e-9) for one in limits.forbidden)
        else:
            assert found.rail in broken, (found, broken, case)
        return
    assert not surely_violated(proposal, limits, context), (found, case)
    check_value(case, proposal, found.proposed, set(found.binding))
    assert not any(holds(one, {**context.settings, "a": found.proposed}) for one in limits.forbidden)
    check_size(found, limits, abs(found.proposed - proposal.now))


def check_size(found: Passed | OnTrial, limits: Limits, went: float) -> None:
    is_large = limits.trial_above is not None and went > limits.trial_above
    assert isinstance(found, OnTrial) == is_large
    if isinstance(found, Passed):
        assert found.approvals == (2 if limits.two_above is not None and went > limits.two_above else 1)


def test_of_ten_thousand_moves_none_passes_that_violates_a_rail_and_none_is_refused_for_nothing():
    counts: Counter[str] = Counter()
    for seed in range(CASES):
        check_move(move_of(seed), counts)
    print(dict(counts))
    least = ("PassedTogether", "OnTrialTogether", Rail.FORBIDDEN, Rail.ONE_MOVE, Rail.NO_CHANGE, Rail.RATE, Rail.STEP)
    assert min(counts[name] for name in least) > 20
    assert counts["dropped"] > 20 and counts["PassedTogether"] > CASES / 20


def check_move(case: Case, counts: Counter[str]) -> None:
    found = judge_together(case.proposals, case.limits, case.context)
    counted(found, counts)
    named = [one.parameter for one in case.proposals]
    unknown = not set(named) <= set(case.limits)
    odd = len(set(named)) < len(named) or len({one.asset for one in case.proposals}) > 1
    if unknown or odd:
        assert isinstance(found, Refused) and found.rail in {Rail.BOUNDS, Rail.ONE_MOVE}
        assert unknown if found.rail is Rail.BOUNDS else odd
    elif isinstance(found, Refused):
        check_refused(case, found)
    else:
        counts["dropped"] += len(named) > len(found.values)
        check_passed(case, found)


def check_refused(case: Case, found: Refused) -> None:
    """The rail is violated by the parameter that it names."""
    of = {one.parameter: violated(one, case.limits[one.parameter], case.context) for one in case.proposals}
    if found.rail is Rail.NO_CHANGE:
        assert all(Rail.NO_CHANGE in broken for broken in of.values())
    elif found.rail is not Rail.FORBIDDEN:
        assert found.rail in of[found.detail.split(":")[0]], (found, of)
    else:
        assert found.detail.split(":")[0] in of
        assert any(holds(one, at, 1e-9) for at in ends(case) for of in case.limits.values() for one in of.forbidden)


def ends(case: Case) -> list[dict[str, float]]:
    """Settings after the move; two of them for a parameter of which rounding decides whether it moves."""
    found = [dict(case.context.settings)]
    for one in case.proposals:
        limits = case.limits[one.parameter]
        at = end(one, min(reach(one, limits, case.context)))
        may = {one.now} if Rail.NO_CHANGE in surely_violated(one, limits, case.context) else {at}
        if Rail.NO_CHANGE in violated(one, limits, case.context):
            may.add(one.now)
        found = [{**settings, one.parameter: value} for settings in found for value in may]
    return found


def check_passed(case: Case, found: PassedTogether | OnTrialTogether) -> None:
    """Each part is one that may be set, none that stays should have moved, and together they are not forbidden."""
    assert found.values
    settings, two, large = dict(case.context.settings), False, False
    for one in case.proposals:
        limits = case.limits[one.parameter]
        broken = surely_violated(one, limits, case.context)
        value = found.values.get(one.parameter)
        settings[one.parameter] = one.now if value is None else value
        if value is None:
            assert broken <= {Rail.NO_CHANGE} and Rail.NO_CHANGE in violated(one, limits, case.context)
            continue
        assert not broken, (broken, found, case)
        check_value(case, one, value, {rail for name, rail in found.binding if name == one.parameter})
        went = abs(value - one.now)
        two |= limits.two_above is not None and went > limits.two_above
        large |= limits.trial_above is not None and went > limits.trial_above
    assert not any(holds(one, settings) for limits in case.limits.values() for one in limits.forbidden)
    assert isinstance(found, OnTrialTogether) == large
    assert large or found.approvals == 1 + two


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, None, "7", 10**400])
@pytest.mark.parametrize("where", ["now", "proposed", "settings", "conditions", "changes", "low", "step", "two_above"])
def test_what_is_not_a_number_refuses_wherever_it_stands(where, odd):
    proposal = Proposal(asset="m", parameter="a", now=1.0, proposed=2.0, evidence=9, time_us=0, until_us=HOUR_US)
    limits, context = Limits(low=0.0, high=9.0), Context()
    assert isinstance(judge(proposal, limits, context), Passed)
    if where in {"now", "proposed"}:
        proposal = replace(proposal, **{where: odd})
    elif where in {"settings", "conditions"}:
        context = replace(context, **{where: {"x": odd}})
    elif where == "changes":
        context = Context(changes=(Change(time_us=0, before=odd, after=1.0, parameter="z"),))
    else:
        limits = replace(limits, **{where: odd})
    if where in {"step", "two_above"} and odd is None:
        return
    found = judge(proposal, limits, context)
    assert isinstance(found, Refused) and found.rail in {Rail.NUMBERS, Rail.LIMITS}
