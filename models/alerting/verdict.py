"""Whether a candidate may take the champion's place: a table of what is asked of it, and the first thing that fails.

It is better where it is so in one measure at least by more than is allowed as a loss, and worse in none by more. A
champion that is over its budget of unfounded warnings is held to it first (`granted`): what it catches, and how early,
is then what it would have by a stricter limit.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from statistics import median
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from models.alerting.granted import kept
from models.alerting.versus import Versus
from models.failure.hazard import ENOUGH_FAILURES

DAYS_A_WEEK = 7.0
NotNegative = Annotated[float, Meta(ge=0)]


class Bars(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of a candidate. All but the failures, the budget and the latency are our choice.

    `unfounded_a_machine_day` is the budget within which more unfounded warnings than the champion's are no loss: 0.15 a
    machine-month, by which limits are chosen (`onnx_export/evaluate.py`). `least_failures` is that from which on a
    card's chances are shown as such. `most_us_a_row` is what workers allow a release in its trial, 20 ms a batch of 256
    (`pipelines/releases/measure.py`), in microseconds of processor time.
    """

    least_days: NotNegative = 28.0
    least_failures: Annotated[int, Meta(ge=0)] = ENOUGH_FAILURES
    lost_failures: NotNegative = 0.0
    more_unfounded_a_machine_day: NotNegative = 0.001
    unfounded_a_machine_day: NotNegative = 0.005
    lost_lead_h: NotNegative = 1.0
    lost_brier: NotNegative = 0.001
    most_us_a_row: NotNegative = 20_000 / 256


class Trial(NamedTuple):
    """A champion and a candidate beside each other on all machines.

    `days` is how long the machine of the longest time had both, `us_a_row` what a row of a batch of 256 takes each.
    `stricter` gives the same where the champion warns by a higher limit; without it no champion is held to its budget.
    `missed_to_unfounded` is what the plant says of costs, if it does. `held` is the champion held to its budget.
    """

    whole: Versus
    days: float
    us_a_row: tuple[float, float]
    stricter: Callable[[float], Versus] | None = None
    missed_to_unfounded: float | None = None
    held: Versus | None = None

    @property
    def fair(self) -> Versus:
        """What failures are compared by."""
        return self.held or self.whole


class Reason(StrEnum):
    """What decides; the first of these that holds."""

    TOO_SHORT = "too-short"
    TOO_FEW_FAILURES = "too-few-failures"
    CATCHES_LESS = "catches-less"
    MORE_UNFOUNDED = "more-unfounded"
    WARNS_LATER = "warns-later"
    WORSE_CALIBRATED = "worse-calibrated"
    TOO_SLOW = "too-slow"
    NOT_BETTER = "not-better"
    BETTER = "better"


class Verdict(NamedTuple):
    """What decides, and the figures that it was held against, in words."""

    reason: Reason
    figures: tuple[str, ...]

    @property
    def said(self) -> str:
        """In one line."""
        return f"{self.reason}: {'; '.join(self.figures)}"


class Measure(NamedTuple):
    """Something that a candidate may be better or worse in: its loss, None where nothing is known, and what is let."""

    worse: Reason
    loss: Callable[[Trial, Bars], float | None]
    let: Callable[[Bars], float]
    told: Callable[[Trial, Bars], str]

    def is_worse(self, trial: Trial, bars: Bars) -> bool:
        """By more than is let; so is a loss that is no number."""
        loss = self.loss(trial, bars)
        return loss is not None and not loss <= self.let(bars)

    def is_better(self, trial: Trial, bars: Bars) -> bool:
        """By more than would be let as a loss."""
        loss = self.loss(trial, bars)
        return loss is not None and -loss > self.let(bars)


def _allowed(whole: Versus, bars: Bars) -> float:
    """Unfounded warnings within the budget, of the time of which they are known."""
    return bars.unfounded_a_machine_day * whole.decided_weeks * DAYS_A_WEEK


def _held(trial: Trial, bars: Bars) -> Versus | None:
    """The champion held to its budget, if it is over it and the candidate within.

    Not where the plant says what a missed failure costs, and the champion as it is costs less.
    """
    if trial.stricter is None:
        return None
    if trial.missed_to_unfounded is not None:
        champion, candidate = (side.worth.cost(trial.missed_to_unfounded) for side in trial.whole.sides)
        if champion < candidate:
            return None
    return kept(trial.stricter, trial.whole, _allowed(trial.whole, bars))


def _caught(trial: Trial, _bars: Bars) -> float:
    champion, candidate = (side.worth.caught for side in trial.fair.sides)
    return float(champion - candidate)


def _told_caught(trial: Trial, bars: Bars) -> str:
    champion, candidate = (side.worth for side in trial.fair.sides)
    told = f"it warned of {candidate.caught} of {candidate.failures} failures, the champion of {champion.caught}"
    if trial.held is None:
        return told
    own = trial.whole.sides[0].worth
    return (
        f"{told} within the budget (of {own.caught} with {own.unfounded} unfounded warnings, where "
        f"{_allowed(trial.whole, bars):.1f} are allowed)"
    )


def _unfounded(trial: Trial, bars: Bars) -> float | None:
    """More of them within the budget is no loss: limits are chosen to use it."""
    whole = trial.whole
    if not whole.weeks:
        return None
    champion, candidate = (side.worth.unfounded / (whole.weeks * DAYS_A_WEEK) for side in whole.sides)
    return 0.0 if champion < candidate <= bars.unfounded_a_machine_day else candidate - champion


def _told_unfounded(trial: Trial, _bars: Bars) -> str:
    champion, candidate = (side.worth.unfounded for side in trial.whole.sides)
    days = trial.whole.weeks * DAYS_A_WEEK
    return f"{candidate} unfounded warnings in {days:,.1f} machine-days, the champion {champion}"


def _lead_h(trial: Trial, _bars: Bars) -> float | None:
    return -median(trial.fair.gained_h) if trial.fair.gained_h else None


def _told_lead(trial: Trial, _bars: Bars) -> str:
    gained = trial.fair.gained_h
    if not gained:
        return "no failure that both warned of"
    return f"median lead {median(gained):+.1f} h where both warned, of {len(gained)} failures"


def _brier(trial: Trial, _bars: Bars) -> float | None:
    champion, candidate = (side.brier for side in trial.whole.sides)
    return None if champion is None or candidate is None else candidate - champion


def _told_brier(trial: Trial, _bars: Bars) -> str:
    champion, candidate = (side.brier for side in trial.whole.sides)
    if champion is None or candidate is None:
        return "of no chance it is known what came"
    return f"Brier {candidate:.4f}, the champion's {champion:.4f}"


MEASURES = (
    Measure(Reason.CATCHES_LESS, _caught, lambda bars: bars.lost_failures, _told_caught),
    Measure(Reason.MORE_UNFOUNDED, _unfounded, lambda bars: bars.more_unfounded_a_machine_day, _told_unfounded),
    Measure(Reason.WARNS_LATER, _lead_h, lambda bars: bars.lost_lead_h, _told_lead),
    Measure(Reason.WORSE_CALIBRATED, _brier, lambda bars: bars.lost_brier, _told_brier),
)


class Check(NamedTuple):
    """One line of the table: what decides where it fails, and the figures for people."""

    reason: Reason
    fails: Callable[[Trial, Bars], bool]
    told: Callable[[Trial, Bars], str]


def _known(trial: Trial) -> int:
    return trial.whole.sides[0].worth.failures


def _check(measure: Measure) -> Check:
    return Check(measure.worse, measure.is_worse, measure.told)


CHECKS = (
    Check(
        Reason.TOO_SHORT,
        lambda trial, bars: not trial.days >= bars.least_days,
        lambda trial, bars: f"{trial.days:.1f} days beside the champion, at least {bars.least_days:g} are asked for",
    ),
    Check(
        Reason.TOO_FEW_FAILURES,
        lambda trial, bars: _known(trial) < bars.least_failures,
        lambda trial, bars: f"{_known(trial)} failures are known, at least {bars.least_failures} are asked for",
    ),
    *map(_check, MEASURES),
    Check(
        Reason.TOO_SLOW,
        lambda trial, bars: not trial.us_a_row[1] <= bars.most_us_a_row,
        lambda trial, bars: f"{trial.us_a_row[1]:.1f} us a row, at most {bars.most_us_a_row:.1f} are allowed",
    ),
    Check(
        Reason.NOT_BETTER,
        lambda trial, bars: not any(measure.is_better(trial, bars) for measure in MEASURES),
        lambda trial, bars: f"better in {sum(one.is_better(trial, bars) for one in MEASURES)} of {len(MEASURES)}",
    ),
)
"""What is asked, in the order in which it decides."""


def verdict(trial: Trial, bars: Bars) -> Verdict:
    """The first check that fails, or that it is better."""
    trial = trial._replace(held=_held(trial, bars))
    reason = next((check.reason for check in CHECKS if check.fails(trial, bars)), Reason.BETTER)
    return Verdict(reason, tuple(check.told(trial, bars) for check in CHECKS))
