"""What a model is worth on labelled rows: warnings against failures, bounds over machines, rules beside it.

By event first, at the model's own limit and at a fixed budget; then by row. Nothing is trained here but the rival.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum

import numpy as np
from msgspec import Struct

from models.bins import MINUTE_US
from models.failure.hazard import WARNING, Card, Hazard
from models.features import Spec
from onnx_export.asof import AsOf
from onnx_export.baselines import AGES, FOUR_SIGMA_LIMIT, age_alone, four_sigma
from onnx_export.bootstrap import Bounds, bounds_of
from onnx_export.calibrate import Fit, come, fit_of
from onnx_export.crossval import FOLDS
from onnx_export.episodes import ROWS_A_CALL, Episode, Replay
from onnx_export.evaluate import FOUNDED_US, LIMITS, Scores, judge
from onnx_export.history import HOUR_US, Failure, History, Progress, next_failure, quiet
from onnx_export.judged import Grid, Machines, first_of_steps, score, tried, warnings, within
from onnx_export.learner import with_rows
from onnx_export.rival import classified
from onnx_export.shards import PER_ROW, Survey, cadence_of, history_of, parts, survey
from onnx_export.table import Data

BUDGET = 0.5
"""Unfounded warnings a machine-month where none is given: what the literature puts up with."""
MISSED_TO_UNFOUNDED = 20.0
"""How many unfounded warnings a missed failure costs where nobody says. Our choice; a plant knows better."""
SHIFT_DAYS = 3
"""Dates of failures in maintenance systems are off by a weekend. Our choice."""
ROWS_SHARE = 0.3
"""Of the memory: rows with their features. Our choice."""
COPIES = 3


class Chosen(StrEnum):
    """Where a limit comes from."""

    CARD = "the model's own"
    BUDGET = "most failures within the budget, in hindsight"
    FIXED = "fixed"


class Judging(Struct, frozen=True, kw_only=True):
    """How to judge: the budget a machine-month, the cost ratio, the seed of draws and folds, and the memory in MiB."""

    budget: float = BUDGET
    missed_to_unfounded: float = MISSED_TO_UNFOUNDED
    seed: int = 20260104
    memory_mib: int = 512


class Line(Struct, frozen=True, kw_only=True):
    """One way to warn at one limit; `precision` is of warnings whose outcome is known, None where there is none.

    `cost` is in unfounded warnings a machine-month.
    """

    name: str
    limit: float
    chosen: Chosen
    scores: dict[str, float]
    bounds: Bounds
    precision: float | None
    cost: float


class ByRow(Struct, frozen=True, kw_only=True):
    """Figures of rows; rows before the same failure say the same again, so `failures` counts what there is to learn."""

    failures: int
    rows: int
    rows_failing_in_72h: int
    average_precision_72h: float | None
    fit: Fit


class Evaluation(Struct, frozen=True, kw_only=True):
    """All that was found; `tried` are the limits of the model, `leads_h` those at its own."""

    version: str
    trained_on: str
    judging: Judging
    rows: int
    judged_every_min: int
    machines: int
    lines: tuple[Line, ...]
    left_out: tuple[str, ...]
    by_row: ByRow
    tried: dict[float, Scores]
    leads_h: tuple[float, ...]


def evaluate(hazard: Hazard, data: Data, judging: Judging, progress: Progress = quiet) -> Evaluation:
    """Judge a model on rows. Raises TableError and FutureData."""
    spec, card = hazard.spec, hazard.card
    found = survey(data, spec, progress)
    history = rows_of(found, spec, judging.memory_mib << 20, progress)
    chances = _chances(hazard, history.features)
    lines, figures = _own_lines(history, chances, card, judging, progress)
    beside, left_out = _beside(spec, history, judging, progress)
    return Evaluation(
        version=card.version, trained_on=card.trained_on, judging=judging, rows=len(history.asset),
        judged_every_min=history.every_min, machines=len(found.assets), lines=(*lines, *beside), left_out=left_out,
        by_row=by_row(history, chances), tried=figures, leads_h=_leads(history, chances, card.warning_limit),
    )  # fmt: skip


def rows_of(found: Survey, spec: Spec, memory_bytes: int, progress: Progress) -> History:
    """Rows of all machines with their features, as close together as fits."""
    each = PER_ROW + COPIES * 4 * len(spec.names)
    every_min = cadence_of(found, each, ROWS_SHARE * memory_bytes)
    pieces = list(parts(found, spec.names, Grid(every_min), progress, "reading"))
    history = history_of(found, pieces, every_min)
    return with_rows(history, first_of_steps(history.asset, history.window_end_us, every_min))


def _chances(hazard: Hazard, rows: np.ndarray) -> np.ndarray:
    return np.concatenate([hazard.chances(rows[at : at + ROWS_A_CALL]) for at in range(0, len(rows), ROWS_A_CALL)])


def _own_lines(
    history: History, chances: np.ndarray, card: Card, judging: Judging, progress: Progress
) -> tuple[list[Line], dict[float, Scores]]:
    machines = Machines.of(history, chances)
    limits = sorted({*LIMITS, card.warning_limit})
    figures = tried(machines, limits, lambda limit: progress(limits.index(limit), len(limits), f"limit {limit:g}"))
    at_budget = within(figures, judging.budget)
    lines = [
        line("this model", machines, card.warning_limit, Chosen.CARD, judging),
        line("this model, at the budget", machines, at_budget, Chosen.BUDGET, judging),
    ]
    for days in (-SHIFT_DAYS, SHIFT_DAYS):
        moved = Machines.of(shifted(history, days), chances)
        name = f"this model, dates of failures {abs(days)} days {'early' if days < 0 else 'late'}"
        lines.append(line(name, moved, card.warning_limit, Chosen.CARD, judging))
    return lines, figures


def _beside(spec: Spec, history: History, judging: Judging, progress: Progress) -> tuple[list[Line], tuple[str, ...]]:
    """Rules and a rival on the same rows, and what could not be held beside the model."""
    progress(0, 3, "rules and a rival")
    sigma = Machines.of(history, four_sigma(spec, history).chances)
    out = [line("4 sigma", sigma, FOUR_SIGMA_LIMIT, Chosen.FIXED, judging)]
    others: dict[str, tuple[Callable[[], np.ndarray], Sequence[float]]] = {
        "age alone": (lambda: age_alone(spec, history).chances, AGES)
    }
    left_out: tuple[str, ...] = ()
    if len(np.unique(history.asset)) >= FOLDS:
        others["a 72 h classifier, out of fold"] = (lambda: classified(history, judging.seed), LIMITS)
    else:
        left_out = (f"a 72 h classifier: judging it out of fold takes {FOLDS} machines",)
    for name, (chances, limits) in others.items():
        machines = Machines.of(history, chances())
        limit = within(tried(machines, limits, lambda _: None), judging.budget)
        out.append(line(name, machines, limit, Chosen.BUDGET, judging))
    return out, left_out


def line(name: str, machines: Machines, limit: float, chosen: Chosen, judging: Judging) -> Line:
    """A line of the table."""
    each, total, founded, unfounded = [], Scores(), 0, 0
    for run in machines:
        found = warnings(run, limit)
        each.append(judge(run.history, found))
        total = total.with_more(each[-1])
        right, wrong = _verdicts(run, found)
        founded, unfounded = founded + right, unfounded + wrong
    missed = total.failures - len(total.leads_h)
    cost = judging.missed_to_unfounded * missed + total.unfounded
    return Line(
        name=name,
        limit=limit,
        chosen=chosen,
        scores=total.figures(),
        bounds=bounds_of(each, judging.seed),
        precision=round(founded / (founded + unfounded), 4) if founded + unfounded else None,
        cost=round(cost / total.machine_months, 4) if total.machine_months else 0.0,
    )


def _verdicts(run: Replay, found: Sequence[Episode]) -> tuple[int, int]:
    """Warnings that a failure followed within the last horizon, and those that none did; of others nothing is known."""
    right = wrong = 0
    for one in found:
        first, last = one.opened_us - MINUTE_US, one.opened_us + FOUNDED_US
        if any(one.asset == failure.asset and first <= failure.time_us <= last for failure in run.history.failures):
            right += 1
        elif last <= run.history.end_us:
            wrong += 1
    return right, wrong


def shifted(history: History, days: float) -> History:
    """The same rows where every failure was so many days later; those outside of what its rows see are not known."""
    by_us = round(days * 24) * HOUR_US
    moved = [Failure(one.asset, one.time_us + by_us, one.mode) for one in history.failures]
    first_us = {asset: int(history.window_end_us[history.asset == asset].min()) for asset in np.unique(history.asset)}
    known = tuple(
        one
        for one in AsOf(moved, lambda one: one.time_us, history.end_us).known
        if one.asset in first_us and one.time_us > first_us[one.asset]
    )
    hours, mode = next_failure(history.asset, history.window_end_us, known)
    to_end_h = (history.end_us - history.window_end_us) / HOUR_US
    until_h = np.where(history.hours <= history.known_h, to_end_h, history.known_h)
    return replace(history, hours=hours, mode=mode, known_h=np.minimum(hours, until_h), failures=known)


def by_row(history: History, chances: np.ndarray) -> ByRow:
    """Row metrics of chances [rows, horizons], where anything is known."""
    from sklearn.metrics import average_precision_score

    outcomes, told = history.outcomes
    rows = np.flatnonzero(told)
    outcomes, chances = outcomes.where(rows), chances[rows]
    failed, known = come(outcomes, WARNING)
    some = failed[known].any()
    return ByRow(
        failures=len(history.failures),
        rows=len(rows),
        rows_failing_in_72h=int(failed.sum()),
        average_precision_72h=(
            round(float(average_precision_score(failed[known], chances[known, WARNING])), 4) if some else None
        ),
        fit=fit_of(chances, outcomes),
    )


def _leads(history: History, chances: np.ndarray, limit: float) -> tuple[float, ...]:
    return score(Machines.of(history, chances), limit).leads_h
