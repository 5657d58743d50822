"""What may be suggested at all: an ordered table of rails that every proposal passes, or is refused by the first.

A rail that is not sure refuses: what is not a number, limits that contradict themselves, a setting that is not known.
New rails are rows of `models.tuning.checks.RAILS`. Nothing here knows what a parameter means, and nothing is
written to a machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from models.tuning.checks import ALONE, RAILS, Check, Trial, held
from models.tuning.limits import HOUR_US, Change, Context, Forbidden, Interlock, Limits, Proposal, Rail

__all__ = [
    "HOUR_US",
    "RAILS",
    "Change",
    "Context",
    "Forbidden",
    "Interlock",
    "Limits",
    "OnTrial",
    "OnTrialTogether",
    "Passed",
    "PassedTogether",
    "Proposal",
    "Rail",
    "Refused",
    "judge",
    "judge_together",
]


class Passed(NamedTuple):
    """May be suggested: the value after clipping to the rails that bind, and how many persons must approve it."""

    binding: tuple[Rail, ...]
    proposed: float
    approvals: int = 1


class OnTrial(NamedTuple):
    """Too large a change to suggest, though no rail refuses it: a trial may be asked for, and why in words."""

    binding: tuple[Rail, ...]
    proposed: float
    why: str


class PassedTogether(NamedTuple):
    """May be suggested as one move: values of the parameters that change, and rails that bind, by parameter."""

    values: dict[str, float]
    binding: tuple[tuple[str, Rail], ...]
    approvals: int = 1


class OnTrialTogether(NamedTuple):
    """A move of which a part is too large to suggest: a trial of all of it may be asked for."""

    values: dict[str, float]
    binding: tuple[tuple[str, Rail], ...]
    why: str


class Refused(NamedTuple):
    """Must not be suggested, for the first rail that says so."""

    rail: Rail
    detail: str


def judge(proposal: Proposal, limits: Limits, context: Context) -> Passed | OnTrial | Refused:
    """Take a proposal past all rails in their order."""
    trial = _past(Trial(proposal, limits, context, proposal.proposed), RAILS)
    if isinstance(trial, Refused):
        return trial
    if trial.too_large:
        return OnTrial(trial.binding, trial.value, trial.too_large)
    return Passed(trial.binding, trial.value, trial.approvals)


def judge_together(
    proposals: Sequence[Proposal], limits: Mapping[str, Limits], context: Context
) -> PassedTogether | OnTrialTogether | Refused:
    """Take several parameters' proposals of one asset past the rails as one move, `limits` by parameter.

    Each is judged by its own limits, and forbidden combinations of any of them on what is left of all together. One
    that is refused refuses the move; one with no change left is dropped from it and stays where it is. In which order
    the values are set on the machine is not judged.
    """
    wrong = _not_one_move(proposals, limits)
    if wrong is not None:
        return wrong
    moved: list[Trial] = []
    values = {one.parameter: one.now for one in proposals}
    for one in proposals:
        found = _past(Trial(one, limits[one.parameter], context, one.proposed), ALONE)
        if isinstance(found, Trial):
            moved.append(found)
            values[one.parameter] = found.value
        elif found.rail is not Rail.NO_CHANGE:
            return Refused(found.rail, f"{one.parameter}: {found.detail}")
    for one in proposals:
        combination = held(limits[one.parameter].forbidden, {**context.settings, **values})
        if combination is not None:
            return Refused(Rail.FORBIDDEN, f"{one.parameter}: {combination}")
    return _together(moved) if moved else Refused(Rail.NO_CHANGE, f"{', '.join(values)}: no change is worth making")


def _not_one_move(proposals: Sequence[Proposal], limits: Mapping[str, Limits]) -> Refused | None:
    named = [one.parameter for one in proposals]
    unknown = [name for name in named if name not in limits]
    if unknown:
        return Refused(Rail.BOUNDS, f"{', '.join(unknown)}: no limits are known")
    if len({(one.asset, one.time_us, one.until_us) for one in proposals}) != 1 or len(set(named)) < len(named):
        return Refused(Rail.ONE_MOVE, f"{', '.join(named)}: not each once, for one asset and one time")
    return None


def _together(moved: Sequence[Trial]) -> PassedTogether | OnTrialTogether:
    values = {one.proposal.parameter: one.value for one in moved}
    binding = tuple((one.proposal.parameter, rail) for one in moved for rail in one.binding)
    why = "; ".join(f"{one.proposal.parameter}: {one.too_large}" for one in moved if one.too_large)
    if why:
        return OnTrialTogether(values, binding, why)
    return PassedTogether(values, binding, max(one.approvals for one in moved))


def _past(trial: Trial, rails: Sequence[tuple[Rail, Check]]) -> Trial | Refused:
    for rail, check in rails:
        found = check(trial)
        if isinstance(found, str):
            return Refused(rail, found)
        if found.value != trial.value:
            found = found._replace(binding=(*found.binding, rail))
        trial = found
    return trial
