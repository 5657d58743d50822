"""What each rung, and each rule or model by name, was worth: warnings that it opened, and what became of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from models.records import Confidence, Rung
from pipelines.cli.outcome import Verdict, Warned


@dataclass(frozen=True, kw_only=True)
class Opened:
    """Warnings that opened on something; `caught` are those that a failure followed, `median_act_h` hours after."""

    opened: int
    caught: int
    unfounded: int
    undecided: int
    median_act_h: float | None


@dataclass(frozen=True, kw_only=True)
class Named:
    """One piece of evidence, what it is founded on, and the warnings that opened with it, alone or among others."""

    rung: Rung
    name: str
    confidence: Confidence
    basis: str
    worth: Opened


def by_rung(warnings: Iterable[Warned]) -> dict[Rung, Opened]:
    """Of all rungs, also those that opened none: each warning counts on the highest that it rested on as it opened."""
    of: dict[Rung, list[Warned]] = {rung: [] for rung in Rung}
    for warning in warnings:
        of[warning.rung].append(warning)
    return {rung: _opened(some) for rung, some in of.items()}


def by_name(warnings: Iterable[Warned]) -> tuple[Named, ...]:
    """Of all evidence, what opened most first: a warning that rested on two pieces of it counts on both."""
    of: dict[tuple[Rung, str, Confidence, str], list[Warned]] = defaultdict(list)
    for warning in warnings:
        for one in warning.evidence:
            of[one.rung, one.name, one.confidence, one.basis].append(warning)
    found = [
        Named(rung=rung, name=name, confidence=confidence, basis=basis, worth=_opened(some))
        for (rung, name, confidence, basis), some in of.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.worth.opened, one.rung, one.name)))


def _opened(warnings: Sequence[Warned]) -> Opened:
    verdicts = [warning.verdict for warning in warnings]
    act_h = [warning.act_h for warning in warnings if warning.verdict is Verdict.FAILED and warning.act_h is not None]
    return Opened(
        opened=len(warnings),
        caught=verdicts.count(Verdict.FAILED),
        unfounded=verdicts.count(Verdict.UNFOUNDED),
        undecided=verdicts.count(Verdict.UNDECIDED),
        median_act_h=median(act_h) if act_h else None,
    )
