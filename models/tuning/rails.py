"""What may be suggested at all: an ordered table of rails that every proposal passes, or is refused by the first.

A rail that is not sure refuses: what is not a number, limits that contradict themselves, a setting that is not known.
New rails are rows of RAILS. Nothing here knows what a parameter means, and nothing is written to a machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

HOUR_US = 3_600_000_000


class Rail(StrEnum):
    """What binds a proposal, or refuses it."""

    NUMBERS = "not-a-number"
    LIMITS = "limits-contradict"
    KILL_SWITCH = "kill-switch"
    ONE_OPEN = "one-is-open"
    COOL_DOWN = "cool-down"
    EXPIRY = "expiry"
    EVIDENCE = "evidence"
    BOUNDS = "bounds"
    STEP = "step"
    RATE = "rate"
    FORBIDDEN = "forbidden-combination"
    NO_CHANGE = "no-change-left"


class Forbidden(Struct, frozen=True, kw_only=True):
    """Settings of one asset that must never hold together: each parameter within its closed range."""

    name: str
    ranges: dict[str, tuple[float, float]]


class Limits(Struct, frozen=True, kw_only=True):
    """What binds one parameter: bounds, the largest and the least change at once, the most change in `rate_h` hours.

    `step` and `rate` may be None: no such rail. `evidence` is the least number of observations, `cool_down_h` the rest
    after a change, `longest_h` the longest that a suggestion may hold.
    """

    low: float
    high: float
    step: float | None = None
    least_step: float = 0.0
    rate: float | None = None
    rate_h: float = 24.0
    evidence: int = 1
    cool_down_h: float = 0.0
    longest_h: float = 168.0
    forbidden: tuple[Forbidden, ...] = ()


class Change(Struct, frozen=True, kw_only=True):
    """A change of the parameter that was made."""

    time_us: int
    before: float
    after: float


class Context(Struct, frozen=True, kw_only=True):
    """The asset as it is: whether suggestions are stopped, its other settings, changes made, suggestions open.

    `open` are (asset, parameter) of open suggestions.
    """

    is_stopped: bool = False
    settings: Mapping[str, float] = {}
    changes: tuple[Change, ...] = ()
    open: frozenset[tuple[str, str]] = frozenset()


class Proposal(Struct, frozen=True, kw_only=True):
    """A parameter of an asset, its value now and the one proposed, from `time_us` to `until_us`, on what evidence."""

    asset: str
    parameter: str
    now: float
    proposed: float
    evidence: int
    time_us: int
    until_us: int


class Passed(NamedTuple):
    """May be suggested: the value after clipping to the rails that bind."""

    binding: tuple[Rail, ...]
    proposed: float


class Refused(NamedTuple):
    """Must not be suggested, for the first rail that says so."""

    rail: Rail
    detail: str


class Trial(NamedTuple):
    """A proposal on its way: `value` is what is left of it, `binding` the rails that took something off."""

    proposal: Proposal
    limits: Limits
    context: Context
    value: float
    binding: tuple[Rail, ...] = ()


Check = Callable[[Trial], Trial | str]
"""A rail: the proposal as it may go on, or in words why it must not."""


def judge(proposal: Proposal, limits: Limits, context: Context) -> Passed | Refused:
    """Take a proposal past all rails in their order."""
    trial = Trial(proposal, limits, context, proposal.proposed)
    for rail, check in RAILS:
        found = check(trial)
        if isinstance(found, str):
            return Refused(rail, found)
        if found.value != trial.value:
            found = found._replace(binding=(*found.binding, rail))
        trial = found
    return Passed(trial.binding, trial.value)


def _numbers(trial: Trial) -> Trial | str:
    named = {"now": trial.proposal.now, "proposed": trial.proposal.proposed}
    wrong = [name for name, value in named.items() if not math.isfinite(value)]
    wrong += [
        "changes" for one in trial.context.changes if not (math.isfinite(one.before) and math.isfinite(one.after))
    ]
    return f"not a number: {', '.join(wrong)}" if wrong else trial


def _limits(trial: Trial) -> Trial | str:
    of = trial.limits
    numbers = [of.low, of.high, of.least_step, of.rate_h, of.cool_down_h, of.longest_h]
    numbers += [one for one in (of.step, of.rate) if one is not None]
    edges = [edge for one in of.forbidden for edges in one.ranges.values() for edge in edges]
    if not all(map(math.isfinite, numbers)) or any(map(math.isnan, edges)):
        return "a limit is not a number"
    if of.low > of.high or min(numbers[2:]) < 0 or of.evidence < 0:
        return f"bounds {of.low:g} to {of.high:g} are reversed, or a limit is negative"
    if any(low > high for one in of.forbidden for low, high in one.ranges.values()):
        return "the range of a forbidden combination is reversed"
    return trial


def _kill_switch(trial: Trial) -> Trial | str:
    return "suggestions are stopped" if trial.context.is_stopped else trial


def _one_open(trial: Trial) -> Trial | str:
    named = trial.proposal.asset, trial.proposal.parameter
    return f"one for {named[1]} of {named[0]} is open" if named in trial.context.open else trial


def _cool_down(trial: Trial) -> Trial | str:
    rest_us = trial.limits.cool_down_h * HOUR_US
    newest = max((one.time_us for one in trial.context.changes), default=None)
    if newest is not None and trial.proposal.time_us - newest < rest_us:
        return f"changed less than {trial.limits.cool_down_h:g} h ago"
    return trial


def _expiry(trial: Trial) -> Trial | str:
    holds_us = trial.proposal.until_us - trial.proposal.time_us
    if not 0 < holds_us <= trial.limits.longest_h * HOUR_US:
        return f"holds {holds_us / HOUR_US:g} h, of {trial.limits.longest_h:g} h at most"
    return trial


def _evidence(trial: Trial) -> Trial | str:
    have, least = trial.proposal.evidence, trial.limits.evidence
    return trial if have >= least else f"rests on {have} observations, of {least} at least"


def _bounds(trial: Trial) -> Trial | str:
    """What is outside is refused, not clipped: a search that proposes it is broken."""
    inside = trial.limits.low <= trial.value <= trial.limits.high
    return trial if inside else f"{trial.value:g} is not within {trial.limits.low:g} to {trial.limits.high:g}"


def _step(trial: Trial) -> Trial | str:
    return trial if trial.limits.step is None else _nearer(trial, trial.limits.step)


def _rate(trial: Trial) -> Trial | str:
    if trial.limits.rate is None:
        return trial
    since_us = trial.proposal.time_us - trial.limits.rate_h * HOUR_US
    moved = [abs(one.after - one.before) for one in trial.context.changes if one.time_us > since_us]
    left = trial.limits.rate - sum(moved)
    return _nearer(trial, left) if left > 0 else f"changed by {sum(moved):g} in {trial.limits.rate_h:g} h already"


def _nearer(trial: Trial, most: float) -> Trial | str:
    """The value no further from now than this, also after rounding, and within the bounds."""
    now, value = trial.proposal.now, trial.value
    if abs(value - now) <= most:
        return trial
    value = now + math.copysign(most, value - now)
    while abs(value - now) > most and value != now:
        value = math.nextafter(value, now)
    if not trial.limits.low <= value <= trial.limits.high:
        return f"{now:g} is too far out of bounds to come back in one change of {most:g}"
    return trial._replace(value=value)


def _forbidden(trial: Trial) -> Trial | str:
    """A combination counts as held where a setting of it is not known."""
    settings = {**trial.context.settings, trial.proposal.parameter: trial.value}
    for one in trial.limits.forbidden:
        if all(_within(settings.get(name), *edges) for name, edges in one.ranges.items()):
            return one.name
    return trial


def _within(value: float | None, low: float, high: float) -> bool:
    return value is None or math.isnan(value) or low <= value <= high


def _no_change(trial: Trial) -> Trial | str:
    far = abs(trial.value - trial.proposal.now)
    return trial if far > 0 and far >= trial.limits.least_step else f"a change of {far:g} is not worth making"


RAILS: tuple[tuple[Rail, Check], ...] = (
    (Rail.NUMBERS, _numbers),
    (Rail.LIMITS, _limits),
    (Rail.KILL_SWITCH, _kill_switch),
    (Rail.ONE_OPEN, _one_open),
    (Rail.COOL_DOWN, _cool_down),
    (Rail.EXPIRY, _expiry),
    (Rail.EVIDENCE, _evidence),
    (Rail.BOUNDS, _bounds),
    (Rail.STEP, _step),
    (Rail.RATE, _rate),
    (Rail.FORBIDDEN, _forbidden),
    (Rail.NO_CHANGE, _no_change),
)
