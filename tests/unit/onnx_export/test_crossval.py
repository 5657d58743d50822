"""Machines are judged by models that never saw them, and by metrics that are not ours."""

from __future__ import annotations

import numpy as np

from onnx_export.calibrate import Scaling
from onnx_export.crossval import FOLDS, by_other_hands, cross_validate, held, machines_of, splits
from onnx_export.episodes import Episode
from onnx_export.history import HOUR_US
from tests.unit.onnx_export import small
from tests.unit.onnx_export.test_evaluate import run


def test_no_machine_is_on_both_sides_and_every_row_is_left_out_once() -> None:
    machine = np.repeat(np.arange(10), np.arange(10, 20))
    seen = []
    for kept, left_out in splits(machine):
        assert set(machine[kept]).isdisjoint(machine[left_out])
        assert len(kept) + len(left_out) == len(machine)
        seen += left_out.tolist()
    assert sorted(seen) == list(range(len(machine)))


def test_machines_of_two_fleets_have_numbers_of_their_own() -> None:
    machines = machines_of([small.history(), small.history()])
    assert len(np.unique(machines)) == 12


def test_models_of_other_machines_do_better_than_the_shares_of_the_classes() -> None:
    found = cross_validate(small.spec(), [small.history()], trees=10, scaling=Scaling(), limit=0.4)
    assert found.machines == 6
    assert found.log_loss < found.guess
    assert found.scores.failures == len(small.history().failures)
    assert found.figures()["folds"] == FOLDS


def test_a_row_is_held_until_the_next_is_due() -> None:
    history = small.history()
    run_ = held(history, np.tile(np.arange(1, 7) / 7, (len(history.asset), 1)))
    assert len(run_.history.asset) == 11 * len(history.asset)
    assert np.allclose(run_.chances[0], np.arange(1, 7) / 7)
    assert np.diff(run_.history.window_end_us[:11]).tolist() == [HOUR_US // 6] * 10


def test_sktime_finds_the_warned_failure_and_the_false_warning() -> None:
    rows = 60 * 24 * 6
    history = run([0.0] * rows, failures=[rows // 2]).history
    failed = history.failures[0].time_us
    warned, false = (
        Episode(0, failed - 50 * HOUR_US, failed),
        Episode(0, failed - 500 * HOUR_US, failed - 400 * HOUR_US),
    )
    figures = by_other_hands(history, [false, warned])
    assert figures["event_share"] == 1.0
    assert abs(figures["false_a_machine_month"] - 0.5) < 0.01
    assert by_other_hands(history, [false])["event_share"] == 0.0
    assert by_other_hands(history, []) == {"event_share": 0.0, "false_a_machine_month": 0.0}
