"""Levels of an interval follow from lives that nobody trained on, and cover what they say on others."""

from __future__ import annotations

import numpy as np
import pytest

from models.failure.interval import Levels
from models.records import HORIZONS_H
from onnx_export.conformal import Rows, TooFewFailures, crossed, fit, interval_of, judge, measured, rows_of, told_from
from onnx_export.episodes import Replay
from onnx_export.history import HOUR_US, Failure, History

EDGES_H = np.array([0.0, *HORIZONS_H])


def lives(seed: int, number: int = 400, power: float = 1.0, rows: int = 20) -> Rows:
    """Lives of a known law: exponential with a mean of its own each row; `power` bends the chances that are told.

    Each life is a machine at one moment, seen by `rows` forecasts at the moment.
    """
    random = np.random.default_rng(seed)
    mean_h = random.uniform(10, 150, number)
    hours = random.exponential(mean_h)
    true = 1.0 - np.exp(-np.array(HORIZONS_H) / mean_h[:, None])
    chances = true**power
    each = np.repeat(np.arange(number), rows)
    return Rows(chances[each], hours[each], each)


@pytest.mark.parametrize("power", [1.0, 0.4, 2.0])
def test_levels_cover_nine_in_ten_on_other_lives_however_wrong_the_chances_are(power):
    levels = fit(lives(1, 2000, power), 0.2)
    found = judge(levels, lives(2, 2000, power))
    assert found.coverage == pytest.approx(0.9, abs=0.02)
    assert 0.0 < found.early < 0.1


def test_levels_of_chances_that_are_right_are_those_that_are_to_be_left_out():
    levels = fit(lives(1, 4000), 0.2)
    assert (levels.low, levels.high, levels.alone) == (
        pytest.approx(0.05, abs=0.02), pytest.approx(0.95, abs=0.02), pytest.approx(0.1, abs=0.02),
    )  # fmt: skip


@pytest.mark.parametrize("power", [0.4, 2.0])
def test_each_kind_of_interval_covers_nine_in_ten_and_none_makes_up_for_the_other(power):
    found = judge(fit(lives(1, 4000, power), 0.2), lives(2, 4000, power))
    assert 0.1 < found.open_share < 0.9
    assert (found.with_end, found.without_end) == (pytest.approx(0.9, abs=0.02), pytest.approx(0.9, abs=0.02))


def test_chances_that_are_wrong_do_not_cover_without_the_correction():
    plain = Levels(low=0.05, high=0.95, alone=0.1, from_chance=0.2, events=0)
    assert judge(plain, lives(2, 2000, 2.0)).coverage < 0.8


def test_an_interval_ends_nowhere_where_too_few_failures_say_where():
    levels = fit(lives(1, 30), 0.2)
    assert levels.events >= 20
    assert levels.high == 1.0


def test_a_life_weighs_the_same_however_many_rows_it_has():
    few, many = lives(1, 100, rows=1), lives(1, 100, rows=1)
    repeated = np.concatenate([np.arange(100), np.zeros(5000, np.int64)])
    many = Rows(*(column[repeated] for column in few))
    assert fit(few, 0.0) == fit(many, 0.0)
    assert judge(fit(few, 0.0), few).coverage == pytest.approx(judge(fit(few, 0.0), many).coverage)


def test_under_twenty_failures_there_is_no_interval():
    with pytest.raises(TooFewFailures, match="20 lives"):
        fit(lives(1, 19), 0.0)


def test_what_was_measured_is_in_the_levels_with_its_events():
    levels = fit(lives(1), 0.2)
    other = judge(levels, lives(2))
    found = measured(levels, other)
    assert (found.coverage, found.held_out) == (round(other.coverage, 4), other.events)
    assert (found.low, found.high, found.events) == (levels.low, levels.high, levels.events)


def test_the_interval_of_a_card_is_fitted_on_the_one_and_measured_on_the_other():
    made = interval_of(lives(1), lives(2), 0.2)
    assert made == measured(fit(lives(1), 0.2), judge(fit(lives(1), 0.2), lives(2)))
    assert made.coverage != interval_of(lives(1), lives(3), 0.2).coverage


def history(*rows: tuple[int, float, float], end_h: float, failures: tuple[tuple[int, float], ...] = ()) -> Replay:
    """Rows of (asset, window end, hours to failure), in hours; all chances are one half."""
    asset, end, hours = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    made = History(
        features=np.zeros((len(rows), 1), np.float32), asset=asset.astype(np.int64),
        window_end_us=(end * HOUR_US).astype(np.int64), since_us=np.zeros(len(rows), np.int64), hours=hours,
        known_h=np.minimum(hours, end_h - end), mode=np.zeros(len(rows), np.int8), modes=("worn",),
        failures=tuple(Failure(a, int(t * HOUR_US), 0) for a, t in failures),
        end_us=int(end_h * HOUR_US), every_min=10,
    )  # fmt: skip
    return Replay(made, np.full((len(rows), len(HORIZONS_H)), 0.5))


def test_rows_near_the_end_of_a_history_are_left_out_whether_a_failure_came_or_not():
    run = history((0, 100, 20.0), (0, 250, np.inf), (1, 240, 10.0), (1, 100, np.inf), end_h=300)
    assert rows_of([run]).hours.tolist() == [20.0, np.inf]


def test_lives_of_two_histories_are_not_taken_for_one():
    run = history((0, 100, 20.0), end_h=300)
    assert rows_of([run, run]).life.tolist() == [0, 1]


def test_the_row_at_a_failure_is_left_out():
    run = history((0, 100, -0.01), (0, 90, 10.0), end_h=300)
    assert rows_of([run]).hours.tolist() == [10.0]


def fold(seed: int, number: int, power: float = 1.0) -> Replay:
    """Lives of a known law as a history, each a machine that is seen once."""
    found = lives(seed, number, power, rows=1)
    rows = zip(found.life.tolist(), found.hours.tolist(), strict=True)
    run = history(*((life, 0.0, hours) for life, hours in rows), end_h=1e6)
    return Replay(run.history, found.chances)


def test_levels_of_all_folds_are_told_with_what_the_others_levels_cover_of_each():
    folds = [fold(1, 900, 2.0), fold(2, 300, 0.7), fold(3, 300, 1.0)]
    made = crossed(folds, 0.2)
    every = rows_of(folds)
    found = [
        judge(fit(rows_of([one for one in folds if one is not left_out]), 0.2), rows_of([left_out]))
        for left_out in folds
    ]
    held = sum(one.coverage * one.lives for one in found) / sum(one.lives for one in found)
    assert (made.coverage, made.held_out) == (round(held, 4), every.told(0.2).events)
    assert made.coverage != round(judge(fit(every, 0.2), every).coverage, 4)


def test_what_is_crossed_covers_nine_in_ten_of_machines_that_levels_were_not_fitted_on():
    assert crossed([fold(seed, 700, 0.4) for seed in (1, 2, 3)], 0.2).coverage == pytest.approx(0.9, abs=0.02)


def test_nothing_is_told_that_could_not_be_measured_on_the_fold_left_out():
    with pytest.raises(TooFewFailures, match="without the machines of fold 1, on which it would be measured"):
        crossed([fold(1, 200), fold(2, 10), fold(3, 10)], 0.2)


def test_a_fold_of_which_nothing_would_be_told_is_no_part_of_the_measure():
    quiet = fold(4, 50)
    low = Replay(quiet.history, np.full_like(quiet.chances, 0.01))
    assert crossed([fold(1, 200), fold(2, 200), low], 0.2) == crossed([fold(1, 200), fold(2, 200)], 0.2)


def test_an_interval_is_told_from_where_a_warning_would_not_clear():
    assert told_from(0.25) == 0.15
