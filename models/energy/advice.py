"""From what was found at a process to a suggestion: through the rails, with what it would do, until when, and back.

What is expected is worked out anew for the value that the rails leave. Ids are functions of asset, parameter and time.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from models.records import Expected, Suggestion, SuggestionState, id_of
from models.tuning.rails import Context, Limits, OnTrial, Proposal, Rail, Refused, judge

HOURS_A_YEAR = 8760.0


class NoAdvice(StrEnum):
    """Why nothing is suggested, before any rail was asked."""

    NOT_KNOWN = "not-known"
    TOO_LITTLE = "too-little-seen"
    NOTHING_TO_GAIN = "nothing-to-gain"
    SHORT = "short-already"


class Declined(NamedTuple):
    """Nothing is suggested, and why in words."""

    why: NoAdvice
    detail: str


class Asked(NamedTuple):
    """For which asset, when, until when it would hold, within which limits, and the asset as it is."""

    plant: str
    asset: str
    made_us: int
    valid_until_us: int
    limits: Limits
    context: Context


class Find(NamedTuple):
    """A setting that could be better: `expect` tells what a value would do, `evidence` counts what it rests on."""

    subject: str
    parameter: str
    unit: str
    now: float
    proposed: float
    evidence: int
    expect: Callable[[float], tuple[Expected, ...]]
    why: Callable[[float], str]
    revert: str
    assumed: tuple[str, ...]


def id_of_suggestion(asked: Asked, parameter: str) -> str:
    """The id of what is suggested now for a parameter."""
    return id_of("suggestion", asked.plant, asked.asset, parameter, asked.made_us)


def suggested(find: Find, asked: Asked) -> Suggestion | Refused:
    """The suggestion as the rails leave it, or the rail that refuses it."""
    passed = judge(_proposal(find, asked), asked.limits, asked.context)
    if isinstance(passed, Refused):
        return passed
    if isinstance(passed, OnTrial):
        return Refused(Rail.TRIAL, passed.why)
    return Suggestion(
        plant=asked.plant,
        asset=asked.asset,
        id=id_of_suggestion(asked, find.parameter),
        revision=0,
        subject=find.subject,
        parameter=find.parameter,
        unit=find.unit,
        now=find.now,
        proposed=passed.proposed,
        expected=find.expect(passed.proposed),
        why=find.why(passed.proposed),
        rails=tuple(map(str, passed.binding)),
        state=SuggestionState.OPEN,
        made_us=asked.made_us,
        valid_until_us=asked.valid_until_us,
        revert=find.revert,
        assumed=find.assumed,
    )


def _proposal(find: Find, asked: Asked) -> Proposal:
    return Proposal(
        asset=asked.asset,
        parameter=find.parameter,
        now=find.now,
        proposed=find.proposed,
        evidence=find.evidence,
        time_us=asked.made_us,
        until_us=asked.valid_until_us,
    )
