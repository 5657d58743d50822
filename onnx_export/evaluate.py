"""What a model's warnings are worth, event by event: warnings over histories held against the failures in them.

A failure counts as warned when a warning was open at it and had opened an hour or more before; a warning is unfounded
when its machine does not fail within the last horizon after it opened. The limit is chosen on one set of histories and
reported on another, never on the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from models.bins import MINUTE_US
from models.records import HORIZONS_H
from onnx_export.episodes import Episode, Replay, episodes
from onnx_export.history import HOUR_US, Failure, History

LEAST_LEAD_H = 1.0
"""Shorter than this nobody can act; such a failure counts as missed."""
FOUNDED_US = HORIZONS_H[-1] * HOUR_US
"""A failure within the last horizon is what a warning speaks of; a later one is another story."""
MONTH_H = 720.0
"""Hours of a machine-month, 30 days, as the literature on predictive maintenance counts them."""

BUDGET_A_MONTH = 0.15
"""Unfounded warnings per machine-month that a limit may cost where it is chosen: half of the starter's aim of 0.3,
since other plants are not those it is chosen on."""
LIMITS = tuple(round(0.05 * step, 2) for step in range(2, 19))
"""Warning limits that are tried, 0.1 to 0.9: finer steps differ by less than the seeds do."""


class Outcome(NamedTuple):
    """What came of a failure: its mode, and hours from the opening of its warning, None where it was missed."""

    mode: str
    lead_h: float | None


class Scores(Struct, frozen=True):
    """Event-wise figures of some histories.

    `early` warnings opened before the last horizon and were still open at the failure. They count on both sides: the
    failure was warned of, and the warning is among the `unfounded`, since what it said for the last horizon was wrong.
    """

    outcomes: tuple[Outcome, ...] = ()
    episodes: int = 0
    unfounded: int = 0
    early: int = 0
    machine_months: float = 0.0

    @property
    def failures(self) -> int:
        """How many failures there were."""
        return len(self.outcomes)

    @property
    def leads_h(self) -> tuple[float, ...]:
        """Of the warned failures: hours from the opening of the warning to the failure."""
        return tuple(outcome.lead_h for outcome in self.outcomes if outcome.lead_h is not None)

    @property
    def recall(self) -> float:
        """Share of failures that were warned of; 1 where there are none."""
        return len(self.leads_h) / self.failures if self.failures else 1.0

    @property
    def unfounded_a_month(self) -> float:
        """Unfounded warnings per machine-month of running time whose outcome is known."""
        return self.unfounded / self.machine_months if self.machine_months else 0.0

    def lead_h(self, quantile: float = 0.5) -> float:
        """A quantile of the leads, the median by default; 0 where there are none."""
        return float(np.quantile(self.leads_h, quantile)) if self.leads_h else 0.0

    def of_mode(self, mode: str) -> Scores:
        """Recall and leads of one failure mode; a warning has no mode, so its counts stay 0 here."""
        return Scores(tuple(outcome for outcome in self.outcomes if outcome.mode == mode))

    @property
    def modes(self) -> tuple[str, ...]:
        """Failure modes that occurred, by name."""
        return tuple(sorted({outcome.mode for outcome in self.outcomes}))

    def with_more(self, more: Scores) -> Scores:
        """These and those together."""
        return Scores(
            self.outcomes + more.outcomes,
            self.episodes + more.episodes,
            self.unfounded + more.unfounded,
            self.early + more.early,
            self.machine_months + more.machine_months,
        )

    def figures(self) -> dict[str, float]:
        """As a card tells them."""
        return {
            "failures": float(self.failures),
            "recall": round(self.recall, 4),
            "lead_h_median": round(self.lead_h(), 2),
            "lead_h_p10": round(self.lead_h(0.1), 2),
            "unfounded": float(self.unfounded),
            "early": float(self.early),
            "unfounded_a_machine_month": round(self.unfounded_a_month, 4),
            "machine_months": round(self.machine_months, 2),
        }

    def figures_by_mode(self) -> dict[str, dict[str, float]]:
        """Failures, recall and median lead of each mode."""
        return {
            mode: {
                "failures": float(self.of_mode(mode).failures),
                "recall": round(self.of_mode(mode).recall, 4),
                "lead_h_median": round(self.of_mode(mode).lead_h(), 2),
            }
            for mode in self.modes
        }


def judge(history: History, found: Iterable[Episode]) -> Scores:
    """Hold warnings against failures. Of warnings whose outcome the history does not show, nothing is said."""
    found = list(found)
    verdicts = [_unfounded(episode, history.failures, history.end_us) for episode in found]
    known = int(history.known.sum())
    return Scores(
        outcomes=tuple(
            Outcome(history.modes[failure.mode], _lead_h(failure.asset, failure.time_us, found))
            for failure in history.failures
        ),
        episodes=len(found),
        unfounded=sum(verdict is True for verdict in verdicts),
        early=sum(_early(episode, history.failures) for episode in found),
        machine_months=known * history.every_min / 60 / MONTH_H,
    )


def _is_open(episode: Episode, failure_us: int) -> bool:
    """Whether a warning was open at a moment."""
    return episode.opened_us <= failure_us and (episode.ended_us is None or episode.ended_us > failure_us)


def _lead_h(asset: int, failed_us: int, found: Sequence[Episode]) -> float | None:
    """Hours from the opening of the warning that was open at a failure, None where none was in time."""
    for episode in found:
        if episode.asset == asset and _is_open(episode, failed_us):
            lead = (failed_us - episode.opened_us) / HOUR_US
            return round(lead, 2) if lead >= LEAST_LEAD_H else None
    return None


def _unfounded(episode: Episode, failures: Sequence[Failure], end_us: int) -> bool | None:
    """Whether no failure follows within the last horizon; None where the history ends too early to tell.

    The minute of the failure itself still belongs to it: a warning that opens with it is too late, not unfounded.
    """
    first, last = episode.opened_us - MINUTE_US, episode.opened_us + FOUNDED_US
    if any(failure.asset == episode.asset and first <= failure.time_us <= last for failure in failures):
        return False
    return True if last <= end_us else None


def _early(episode: Episode, failures: Sequence[Failure]) -> bool:
    """Whether a warning opened before the last horizon ahead of the failure at which it was still open."""
    return any(
        failure.asset == episode.asset
        and failure.time_us > episode.opened_us + FOUNDED_US
        and _is_open(episode, failure.time_us)
        for failure in failures
    )


def score(runs: Iterable[Replay], limit: float) -> Scores:
    """Figures of a limit over some histories together."""
    total = Scores()
    for run in runs:
        total = total.with_more(judge(run.history, episodes(run, limit)))
    return total


def score_by_seed(runs: Mapping[int, Replay], limit: float) -> dict[int, Scores]:
    """Figures of a limit for each seed alone: how much of a figure is the luck of a fleet."""
    return {seed: score([run], limit) for seed, run in runs.items()}


def choose_limit(
    runs: Sequence[Replay], limits: Sequence[float] | None = None, missed_to_unfounded: float | None = None
) -> tuple[float, dict[float, Scores]]:
    """The limit that warns of most failures within BUDGET_A_MONTH, of those the one that warns earliest.

    Where a missed failure is said to cost so many unfounded warnings, the one that costs least within that. Where no
    limit keeps the budget, the one with the fewest unfounded warnings. Returns the figures of all limits too, LIMITS
    unless others are given.
    """
    tried = {limit: score(runs, limit) for limit in limits or LIMITS}
    within = {limit: scores for limit, scores in tried.items() if scores.unfounded_a_month <= BUDGET_A_MONTH}
    if not within:
        return min(tried, key=lambda limit: (tried[limit].unfounded, -limit)), tried
    return max(within, key=lambda limit: (_merit(within[limit], missed_to_unfounded), within[limit].lead_h())), tried


def _merit(scores: Scores, ratio: float | None) -> float:
    """What to have most of: the least cost, or the most failures warned of."""
    if ratio is None or not scores.failures:
        return scores.recall
    return -(ratio * (scores.failures - len(scores.leads_h)) + scores.unfounded)
