"""What a model's warnings are worth, event by event: the alert life cycle run over a history's chances.

A failure counts as warned when a warning was open at it and had opened an hour or more before; a warning is unfounded
when its machine does not fail within the last horizon after it opened. The limit is chosen on one set of histories and
reported on another, never on the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from models.alerting.life import Watch, step
from models.bins import MINUTE_US
from models.failure.hazard import DECIMALS, RUNG
from models.inference import Predictor
from models.records import HORIZONS_H, AlertReason, Forecast
from onnx_export.history import HOUR_US, UNKNOWN, History

LEAST_LEAD_H = 1.0
"""Shorter than this nobody can act; such a failure counts as missed."""
FOUNDED_US = HORIZONS_H[-1] * HOUR_US
"""A failure within the last horizon is what a warning speaks of; a later one is another story."""
MONTH_H = 720.0
"""Hours of a machine-month, 30 days, as the literature on predictive maintenance counts them."""
ENDED = (AlertReason.CLEARED, AlertReason.REPAIRED)
ROWS_A_CALL = 4096
"""Rows per inference call: enough to amortise it, small enough for the cache."""

LEAST_RECALL = 0.9
"""Of failures that must be warned of when the limit is chosen; the aim of the starter model."""
LIMITS = tuple(round(0.05 * step, 2) for step in range(2, 19))
"""Warning limits that are tried, 0.1 to 0.9: finer steps differ by less than the seeds do."""


class Episode(NamedTuple):
    """A warning from its opening to its end, None for one that is open when the history ends."""

    asset: int
    opened_us: int
    ended_us: int | None


class Scores(Struct, frozen=True):
    """Event-wise figures. `leads_h` are of the warned failures: from the opening of the warning to the failure."""

    failures: int
    leads_h: tuple[float, ...]
    episodes: int
    unfounded: int
    machine_months: float

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

    def with_more(self, more: Scores) -> Scores:
        """These and those together."""
        return Scores(
            self.failures + more.failures,
            self.leads_h + more.leads_h,
            self.episodes + more.episodes,
            self.unfounded + more.unfounded,
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
            "unfounded_a_machine_month": round(self.unfounded_a_month, 4),
            "machine_months": round(self.machine_months, 2),
        }


class Replay(NamedTuple):
    """A history with a forecast for each of its rows: made once, run under many limits."""

    history: History
    forecasts: list[Forecast]


def chances_of(onnx: bytes, rows: np.ndarray) -> np.ndarray:
    """Chances of feature rows, rounded as `Hazard.chances` rounds them."""
    predictor = Predictor(onnx)
    parts = [predictor.predict(rows[at : at + ROWS_A_CALL]) for at in range(0, len(rows), ROWS_A_CALL)]
    return np.round(np.concatenate(parts).astype(np.float64), DECIMALS)


def replay(onnx: bytes, history: History) -> Replay:
    """Forecasts of a model over a history, as live would have them but for ids and drivers, which no rule reads."""
    chances = chances_of(onnx, history.features)
    forecasts = [
        Forecast(
            plant="simulated",
            id="",
            revision=0,
            asset="pump",
            window_end_us=end_us,
            chances=tuple(row),
            drivers=(),
            model="",
            rung=RUNG,
            completeness=1.0,
        )
        for end_us, row in zip(history.window_end_us.tolist(), chances.tolist(), strict=True)
    ]
    return Replay(history, forecasts)


def episodes(run: Replay, limit: float) -> Iterator[Episode]:
    """Warnings that `models.alerting.life` opens over a history, machine by machine."""
    watch, machine, life, opened_us = Watch(), -1, 0, None
    history = run.history
    for asset, since_us, forecast in zip(history.asset.tolist(), history.since_us.tolist(), run.forecasts, strict=True):
        if asset != machine:
            if opened_us is not None:
                yield Episode(machine, opened_us, None)
            watch, machine, life, opened_us = Watch(), asset, 0, None
        watch, alert = step(watch, forecast, limit, repaired=since_us != life)
        life = since_us
        if alert is None:
            continue
        if alert.reason is AlertReason.OPENED:
            opened_us = alert.opened_us
        elif alert.reason in ENDED:
            yield Episode(machine, alert.opened_us, alert.window_end_us)
            opened_us = None
    if opened_us is not None:
        yield Episode(machine, opened_us, None)


def judge(history: History, found: Iterable[Episode]) -> Scores:
    """Hold warnings against failures. Of warnings whose outcome the history does not show, nothing is said."""
    found = list(found)
    leads = (_lead_h(failure.asset, failure.time_us, found) for failure in history.failures)
    outcomes = [_unfounded(episode, history) for episode in found]
    known = int((history.classes != UNKNOWN).sum())
    return Scores(
        failures=len(history.failures),
        leads_h=tuple(lead for lead in leads if lead is not None),
        episodes=len(found),
        unfounded=sum(outcome is True for outcome in outcomes),
        machine_months=known * history.every_min / 60 / MONTH_H,
    )


def _lead_h(asset: int, failed_us: int, found: Sequence[Episode]) -> float | None:
    """Hours from the opening of the warning that was open at a failure, None where none was in time."""
    for episode in found:
        is_open = episode.opened_us <= failed_us and (episode.ended_us is None or episode.ended_us > failed_us)
        if episode.asset == asset and is_open:
            lead = (failed_us - episode.opened_us) / HOUR_US
            return round(lead, 2) if lead >= LEAST_LEAD_H else None
    return None


def _unfounded(episode: Episode, history: History) -> bool | None:
    """Whether no failure follows within the last horizon; None where the history ends too early to tell.

    The minute of the failure itself still belongs to it: a warning that opens with it is too late, not unfounded.
    """
    first, last = episode.opened_us - MINUTE_US, episode.opened_us + FOUNDED_US
    if any(failure.asset == episode.asset and first <= failure.time_us <= last for failure in history.failures):
        return False
    return True if last <= history.end_us else None


def score(runs: Sequence[Replay], limit: float) -> Scores:
    """Figures of a limit over some histories together."""
    total = Scores(0, (), 0, 0, 0.0)
    for run in runs:
        total = total.with_more(judge(run.history, episodes(run, limit)))
    return total


def choose_limit(runs: Sequence[Replay]) -> tuple[float, dict[float, Scores]]:
    """The limit with the fewest unfounded warnings of those that warn of LEAST_RECALL of failures, longest lead first.

    Where no limit does, the one that warns of most. Returns the figures of all limits too.
    """
    tried = {limit: score(runs, limit) for limit in LIMITS}
    enough = {limit: scores for limit, scores in tried.items() if scores.recall >= LEAST_RECALL}
    if not enough:
        return max(tried, key=lambda limit: (tried[limit].recall, limit)), tried
    return min(enough, key=lambda limit: (enough[limit].unfounded, -enough[limit].lead_h())), tried
