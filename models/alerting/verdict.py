"""Whether a candidate may take the champion's place: a table of what is asked of it, and the first thing that fails.

It is better where it is so in one measure at least by more than is allowed as a loss, and worse in none by more.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from statistics import median
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

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
    """

    whole: Versus
    days: float
    us_a_row: tuple[float, float]


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
    loss: Callable[[Versus, Bars], float | None]
    let: Callable[[Bars], float]
    told: Callable[[Versus], str]

    def is_worse(self, trial: Trial, bars: Bars) -> bool:
        """By more than is let; so is a loss that is no number."""
        loss = self.loss(trial.whole, bars)
        return loss is not None and not loss <= self.let(bars)

    def is_better(self, trial: Trial, bars: Bars) -> bool:
        """By more than would be let as a loss."""
        loss = self.loss(trial.whole, bars)
        return loss is not None and -loss > self.let(bars)


def _caught(whole: Versus, _bars: Bars) -> float:
    champion, candidate = (side.worth.caught for side in whole.sides)
    return float(champion - candidate)


def _told_caught(whole: Versus) -> str:
    champion, candidate = (side.worth for side in whole.sides)
    return f"it warned of {candidate.caught} of {candidate.failures} failures, the champion of {champion.caught}"


def _unfounded(whole: Versus, bars: Bars) -> float | None:
    """More of them within the budget is no loss: limits are chosen to use it."""
    if not whole.weeks:
        return None
    champion, candidate = (side.worth.unfounded / (whole.weeks * DAYS_A_WEEK) for side in whole.sides)
    return 0.0 if champion < candidate <= bars.unfounded_a_machine_day else candidate - champion


def _told_unfounded(whole: Versus) -> str:
    champion, candidate = (side.worth.unfounded for side in whole.sides)
    days = whole.weeks * DAYS_A_WEEK
    return f"{candidate} unfounded warnings in {days:,.1f} machine-days, the champion {champion}"


def _lead_h(whole: Versus, _bars: Bars) -> float | None:
    return -median(whole.gained_h) if whole.gained_h else None


def _told_lead(whole: Versus) -> str:
    if not whole.gained_h:
        return "no failure that both warned of"
    return f"median lead {median(whole.gained_h):+.1f} h where both warned, of {len(whole.gained_h)} failures"


def _brier(whole: Versus, _bars: Bars) -> float | None:
    champion, candidate = (side.brier for side in whole.sides)
    return None if champion is None or candidate is None else candidate - champion


def _told_brier(whole: Versus) -> str:
    champion, candidate = (side.brier for side in whole.sides)
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
    return Check(measure.worse, measure.is_worse, lambda trial, _: measure.told(trial.whole))


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
    reason = next((check.reason for check in CHECKS if check.fails(trial, bars)), Reason.BETTER)
    return Verdict(reason, tuple(check.told(trial, bars) for check in CHECKS))
