"""Warnings against failures, on histories small enough to count by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from models.alerting.life import CLEAR_AFTER, OPEN_AFTER
from models.records import HORIZONS_H
from onnx_export import evaluate
from onnx_export.episodes import Episode, Replay, episodes
from onnx_export.evaluate import choose_limit, judge, score, score_by_seed
from onnx_export.history import HOUR_US, Failure, History

START_US = 1_735_689_600_000_000
STEP_US = 600_000_000


def run(
    chances: list[float], failures: Sequence[int] = (), repairs: Sequence[int] = (), seen: int | None = None
) -> Replay:
    """One machine, a row each 10 min with these 72 h chances; failures and repairs by row number."""
    n = len(chances)
    ends = START_US + (1 + np.arange(n)) * STEP_US
    since = np.zeros(n, np.int64)
    for row in repairs:
        since[row:] = ends[row]
    hours = np.full(n, np.inf)
    for row in sorted(failures, reverse=True):
        hours[: row + 1] = (ends[row] - ends[: row + 1]) / HOUR_US
    history = History(
        features=np.zeros((n, 1), np.float32),
        asset=np.zeros(n, np.int64),
        window_end_us=ends,
        since_us=since,
        hours=hours,
        known_h=np.minimum(hours, ((n if seen is None else seen) - 1.0 - np.arange(n)) / 6),
        mode=np.zeros(n, np.int8),
        failures=tuple(Failure(0, int(ends[row]), 0) for row in failures),
        modes=("impeller_wear", "oil_overheat"),
        end_us=START_US + (n if seen is None else seen) * STEP_US,
        every_min=10,
    )
    return Replay(history, np.repeat(np.array(chances)[:, None], len(HORIZONS_H), axis=1))


def test_a_failure_with_an_open_warning_is_warned_of_and_the_lead_runs_from_the_opening() -> None:
    trial = run([0.1] * 10 + [0.9] * 90, failures=[99])
    scores = score([trial], 0.5)
    opened = 10 + OPEN_AFTER - 1
    assert scores.leads_h == (round((99 - opened) / 6, 2),)
    assert (scores.failures, scores.recall, scores.unfounded) == (1, 1.0, 0)


def test_a_warning_under_an_hour_ahead_is_too_late() -> None:
    scores = score([run([0.1] * 94 + [0.9] * 6, failures=[99])], 0.5)
    assert (scores.recall, scores.episodes, scores.unfounded) == (0.0, 1, 0)


def test_a_warning_that_cleared_before_the_failure_does_not_count() -> None:
    trial = run([0.9] * 10 + [0.1] * (CLEAR_AFTER + 30), failures=[CLEAR_AFTER + 39])
    assert score([trial], 0.5).recall == 0.0


def test_a_warning_without_a_failure_in_168_hours_is_unfounded() -> None:
    rows = 168 * 6
    assert score([run([0.9] * 10 + [0.1] * (rows + 200))], 0.5).unfounded == 1
    late = run([0.9] * 10 + [0.1] * (rows + 200), failures=[rows + 150])
    assert score([late], 0.5).unfounded == 1
    in_time = run([0.9] * 10 + [0.1] * (rows + 200), failures=[rows - 50])
    assert score([in_time], 0.5).unfounded == 0


def test_a_warning_whose_outcome_is_not_seen_is_not_counted() -> None:
    assert score([run([0.9] * 300)], 0.5).unfounded == 0


def test_a_repair_ends_a_warning() -> None:
    found = list(episodes(run([0.9] * 20 + [0.1] * 20, failures=[19], repairs=[20]), 0.5))
    assert found == [Episode(0, START_US + OPEN_AFTER * STEP_US, START_US + 21 * STEP_US)]


def test_a_warning_of_one_machine_does_not_reach_another() -> None:
    history = run([0.9] * 100).history
    assert judge(history, [Episode(1, START_US, None)]).leads_h == ()


def test_machine_months_are_of_rows_with_a_known_outcome() -> None:
    rows = 720 * 6
    known = score([run([0.1] * rows, seen=rows + 169 * 6)], 0.5)
    assert known.machine_months == 1.0
    cut = score([run([0.1] * rows)], 0.5)
    assert abs(cut.machine_months - (720 - 168) / 720) < 0.001


def test_the_limit_chosen_warns_of_most_within_the_budget_and_of_those_earliest(monkeypatch) -> None:
    monkeypatch.setattr(evaluate, "LIMITS", (0.2, 0.4, 0.5, 0.8))
    rows = 168 * 6
    quiet = run([0.3] * 10 + [0.1] * (rows + 200))
    failing = run([0.1] * 10 + [0.6] * 90, failures=[99])
    limit, tried = choose_limit([quiet, failing])
    assert limit == 0.4
    assert (tried[0.2].unfounded, tried[0.8].recall) == (1, 0.0)
    assert tried[0.5].leads_h == tried[0.4].leads_h, "of equals the first"


@pytest.mark.parametrize(("ratio", "chosen"), [(None, 0.4), (20.0, 0.4), (0.5, 0.8)])
def test_the_limit_chosen_costs_least_where_it_is_said_what_a_missed_failure_costs(monkeypatch, ratio, chosen) -> None:
    monkeypatch.setattr(evaluate, "BUDGET_A_MONTH", 100.0)
    rows = 168 * 6
    quiet = run([0.5] * 10 + [0.1] * (rows + 200))
    failing = run([0.1] * 10 + [0.6] * 90, failures=[99])
    limit, tried = choose_limit([quiet, failing], (0.4, 0.8), ratio)
    assert (tried[0.4].unfounded, tried[0.8].unfounded, tried[0.8].recall) == (1, 0, 0.0)
    assert limit == chosen


def test_where_no_limit_keeps_the_budget_the_calmest_is_chosen(monkeypatch) -> None:
    monkeypatch.setattr(evaluate, "LIMITS", (0.2, 0.4))
    noisy = run(([0.3] * 10 + [0.1] * 100) * 12 + [0.6] * 10 + [0.1] * 168 * 6)
    limit, tried = choose_limit([noisy])
    assert (limit, tried[0.4].unfounded) == (0.4, 1)


def test_a_warning_from_before_the_last_horizon_counts_on_both_sides_and_is_told_as_early() -> None:
    rows = 200 * 6
    scores = score([run([0.9] * rows, failures=[rows - 1])], 0.5)
    assert (scores.recall, scores.unfounded, scores.early) == (1.0, 1, 1)
    assert scores.leads_h[0] > HORIZONS_H[-1]
    assert scores.figures()["early"] == 1.0
    in_time = score([run([0.9] * 100 * 6, failures=[100 * 6 - 1])], 0.5)
    assert (in_time.recall, in_time.unfounded, in_time.early) == (1.0, 0, 0)


def test_an_early_warning_that_cleared_is_unfounded_and_not_early() -> None:
    rows = 200 * 6
    scores = score([run([0.9] * 10 + [0.1] * (rows - 10), failures=[rows - 1])], 0.5)
    assert (scores.recall, scores.unfounded, scores.early) == (0.0, 1, 0)


def test_figures_are_told_by_failure_mode_and_by_seed() -> None:
    warned, missed = run([0.9] * 100, failures=[99]), run([0.1] * 100, failures=[99])
    missed = Replay(
        replace(missed.history, failures=(Failure(0, missed.history.failures[0].time_us, 1),)), missed.chances
    )
    modes = score([warned, missed], 0.5).figures_by_mode()
    assert {mode: figures["recall"] for mode, figures in modes.items()} == {"impeller_wear": 1.0, "oil_overheat": 0.0}
    seeds = score_by_seed({1: warned, 2: missed}, 0.5)
    assert (seeds[1].recall, seeds[2].recall) == (1.0, 0.0)
