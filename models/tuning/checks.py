"""The table of rails: each takes a proposal on its way, perhaps clipped, or says in words why it must not go on.

New rails are rows of RAILS. What comes of a proposal in the end is told by `models.tuning.rails`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from models.tuning.limits import HOUR_US, Change, Context, Forbidden, Limits, Proposal, Rail


class Trial(NamedTuple):
    """A proposal on its way: `value` is what is left of it, `binding` the rails that took something off.

    `too_large` says in words why it is no suggestion but a trial to ask for.
    """

    proposal: Proposal
    limits: Limits
    context: Context
    value: float
    binding: tuple[Rail, ...] = ()
    too_large: str = ""
    approvals: int = 1


Check = Callable[[Trial], Trial | str]
"""A rail: the proposal as it may go on, or in words why it must not."""


def _is_number(value: object) -> bool:
    try:
        return math.isfinite(value)  # type: ignore[arg-type] # what is no number at all raises
    except (TypeError, ValueError, OverflowError):
        return False


def _is_edge(value: object) -> bool:
    return _is_number(value) or value in (-math.inf, math.inf)


def _numbers(trial: Trial) -> Trial | str:
    of = trial.context
    named: dict[str, object] = {"now": trial.proposal.now, "proposed": trial.proposal.proposed}
    named |= {f"setting {name}": value for name, value in of.settings.items()}
    named |= {f"condition {name}": value for name, value in of.conditions.items()}
    wrong = [name for name, value in named.items() if not _is_number(value)]
    wrong += ["changes" for one in of.changes if not all(map(_is_number, (one.time_us, one.before, one.after)))]
    return f"not a number: {', '.join(wrong)}" if wrong else trial


def _limits(trial: Trial) -> Trial | str:
    of = trial.limits
    sizes = [of.least_step, of.rate_h, of.cool_down_h, of.longest_h, of.evidence]
    sizes += [one for one in (of.step, of.rate, of.trial_above, of.two_above) if one is not None]
    ranges = [(low, high) for _, low, high in _windows(of)] + [(one.low, one.high) for one in of.interlocks]
    held_in = [edges for one in of.forbidden for edges in one.ranges.values()]
    numbers = [*sizes, *chain(*ranges)]
    if not all(map(_is_number, numbers)) or not all(map(_is_edge, chain(*held_in))):
        return "a limit is not a number"
    if min(sizes) < 0:
        return "a limit is negative"
    if any(low > high for low, high in (*ranges, *held_in)):
        return f"bounds {of.low:g} to {of.high:g}, or another range, are reversed"
    return trial


def _windows(limits: Limits) -> Iterator[tuple[str, float, float]]:
    """What a value must lie within, also after clipping."""
    yield "the bounds", limits.low, limits.high
    if limits.recipe is not None:
        yield "the recipe's window", *limits.recipe
    if limits.qualified is not None:
        yield "the qualified window", *limits.qualified


def _kill_switch(trial: Trial) -> Trial | str:
    return "suggestions are stopped" if trial.context.is_stopped else trial


def _interlock(trial: Trial) -> Trial | str:
    for one in trial.limits.interlocks:
        value = trial.context.conditions.get(one.signal)
        if value is None:
            return f"{one.name}: {one.signal} is not known"
        if not one.low <= value <= one.high:
            return f"{one.name}: {one.signal} is {value:g}, not within {one.low:g} to {one.high:g}"
    return trial


def _one_open(trial: Trial) -> Trial | str:
    asset, parameter = trial.proposal.asset, trial.proposal.parameter
    for of, what in sorted(trial.context.open):
        if of == asset and (trial.context.one_per_asset or what == parameter):
            return f"one for {what} of {asset} is open"
    return trial


def _changes(trial: Trial) -> list[Change]:
    """Changes of the parameter, and those of which it is not told what they changed."""
    return [one for one in trial.context.changes if one.parameter in ("", trial.proposal.parameter)]


def _cool_down(trial: Trial) -> Trial | str:
    rest_us = trial.limits.cool_down_h * HOUR_US
    newest = max((one.time_us for one in _changes(trial)), default=None)
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


def _recipe(trial: Trial) -> Trial | str:
    low, high = trial.limits.recipe or (-math.inf, math.inf)
    return trial if low <= trial.value <= high else f"{trial.value:g} is not within the recipe's {low:g} to {high:g}"


def _qualified(trial: Trial) -> Trial | str:
    low, high = trial.limits.qualified or (-math.inf, math.inf)
    if low <= trial.value <= high:
        return trial
    needs = trial.limits.revalidate or "a re-validation that is not told"
    return f"{trial.value:g} is outside the qualified {low:g} to {high:g}: it would need {needs}"


def _step(trial: Trial) -> Trial | str:
    return trial if trial.limits.step is None else _nearer(trial, trial.limits.step)


def _rate(trial: Trial) -> Trial | str:
    if trial.limits.rate is None:
        return trial
    since_us = trial.proposal.time_us - trial.limits.rate_h * HOUR_US
    moved = [abs(one.after - one.before) for one in _changes(trial) if one.time_us > since_us]
    left = trial.limits.rate - sum(moved)
    return _nearer(trial, left) if left > 0 else f"changed by {sum(moved):g} in {trial.limits.rate_h:g} h already"


def _nearer(trial: Trial, most: float) -> Trial | str:
    """The value no further from now than this, also after rounding, and still within all windows."""
    now, value = trial.proposal.now, trial.value
    if abs(value - now) <= most:
        return trial
    value = now + math.copysign(most, value - now)
    while abs(value - now) > most and value != now:
        value = math.nextafter(value, now)
    for name, low, high in _windows(trial.limits):
        if not low <= value <= high:
            return f"{now:g} is too far out of {name} to come back in one change of {most:g}"
    return trial._replace(value=value)


def _forbidden(trial: Trial) -> Trial | str:
    settings = {**trial.context.settings, trial.proposal.parameter: trial.value}
    return held(trial.limits.forbidden, settings) or trial


def held(forbidden: Sequence[Forbidden], settings: Mapping[str, float]) -> str | None:
    """The first forbidden combination that holds; it counts as held where a setting of it is not known."""
    for one in forbidden:
        if all(_within(settings.get(name), *edges) for name, edges in one.ranges.items()):
            return one.name or "a forbidden combination"
    return None


def _within(value: float | None, low: float, high: float) -> bool:
    return value is None or low <= value <= high


def _no_change(trial: Trial) -> Trial | str:
    far = _far(trial)
    return trial if far > 0 and far >= trial.limits.least_step else f"a change of {far:g} is not worth making"


def _trial(trial: Trial) -> Trial:
    above, far = trial.limits.trial_above, _far(trial)
    if above is None or far <= above:
        return trial
    return trial._replace(too_large=f"a change of {far:g} is more than {above:g}: it needs a trial")


def _approvals(trial: Trial) -> Trial:
    above = trial.limits.two_above
    return trial if above is None or _far(trial) <= above else trial._replace(approvals=2)


def _far(trial: Trial) -> float:
    return abs(trial.value - trial.proposal.now)


RAILS: tuple[tuple[Rail, Check], ...] = (
    (Rail.NUMBERS, _numbers),
    (Rail.LIMITS, _limits),
    (Rail.KILL_SWITCH, _kill_switch),
    (Rail.INTERLOCK, _interlock),
    (Rail.ONE_OPEN, _one_open),
    (Rail.COOL_DOWN, _cool_down),
    (Rail.EXPIRY, _expiry),
    (Rail.EVIDENCE, _evidence),
    (Rail.BOUNDS, _bounds),
    (Rail.RECIPE, _recipe),
    (Rail.QUALIFIED, _qualified),
    (Rail.STEP, _step),
    (Rail.RATE, _rate),
    (Rail.FORBIDDEN, _forbidden),
    (Rail.NO_CHANGE, _no_change),
    (Rail.TRIAL, _trial),
    (Rail.APPROVALS, _approvals),
)
"""All rails but ONE_MOVE, which is of several parameters."""

ALONE = tuple(row for row in RAILS if row[0] is not Rail.FORBIDDEN)
"""Rails of one parameter of a move: what is forbidden is judged on all of it."""
