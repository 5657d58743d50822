"""The milling machine of the tuning benchmark: its file follows its rules, and suggestions are judged by them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kit import ai4i, ai4i_moves, boosted_defects
from tests.kit.ai4i import INPUTS, MODES, SPEED, STEPS, TORQUE, Milled
from tests.kit.public import why_not

needs_data = pytest.mark.skipif(not ai4i.path().exists(), reason=why_not(ai4i.path()))


def made(count: int = 1500) -> Milled:
    """A machine like the set's that fails where its rules say, often enough to be learned of few rows."""
    random = np.random.default_rng(3)
    air, speed = random.normal(300.0, 2.0, count), random.uniform(1200.0, 2200.0, count)
    inputs = np.column_stack(
        [
            air,
            air + random.normal(10.0, 1.0, count),
            speed,
            random.uniform(10.0, 70.0, count),
            random.uniform(0.0, 240.0, count),
            random.integers(0, 3, count),
        ]
    )
    modes = ai4i.regions(inputs)
    modes[:, MODES.index("TWF")] = False
    return Milled(inputs, modes, modes.any(axis=1))


@needs_data
def test_the_file_follows_the_rules_of_heat_power_and_overstrain():
    of = ai4i.milled()
    rules = ai4i.regions(of.inputs)
    for mode in ai4i.SETTABLE:
        at = MODES.index(mode)
        assert (rules[:, at] == of.modes[:, at]).all()
    assert of.modes.sum(axis=0).tolist() == [46, 115, 95, 98, 19] and int(of.failed.sum()) == 357


def test_regions_are_as_published():
    row = np.array([300.0, 310.0, 1500.0, 40.0, 100.0, 0.0])
    moved = {"TWF": {4: 200.0}, "HDF": {1: 308.0, 2: 1300.0}, "PWF": {3: 60.0}, "OSF": {3: 56.0, 4: 197.0}}
    assert not ai4i.regions(row[None]).any()
    for mode, changes in moved.items():
        other = row.copy()
        for at, value in changes.items():
            other[at] = value
        assert [name for name, is_in in zip(MODES, ai4i.regions(other[None])[0], strict=True) if is_in] == [mode]


def test_a_threshold_is_where_calls_have_the_best_f1_and_out_of_reach_where_nothing_came():
    chances = np.array([[0.9, 0.9], [0.8, 0.1], [0.7, 0.2], [0.1, 0.3]])
    came = np.array([[True, False], [False, False], [True, False], [False, False]])
    found = ai4i.thresholds(chances, came)
    assert found[0] == pytest.approx(0.7) and np.isinf(found[1])


def test_recall_and_precision_are_counted_by_mode():
    modes = np.zeros((4, 5), bool)
    modes[:2, 1] = True
    calls = np.zeros((4, 5), bool)
    calls[1:4, 1] = True
    found = ai4i.called(Milled(np.zeros((4, 6)), modes, modes.any(axis=1)), calls)
    assert found.recall[1] == pytest.approx(0.5) and found.precision[1] == pytest.approx(1 / 3)


def test_bagged_boosters_say_the_same_by_their_file():
    of = made()
    boosters = boosted_defects.boosters(of.inputs, of.failed.astype(float))
    rows = of.inputs[:200].astype(np.float32)
    said = boosted_defects.model(boosted_defects.to_onnx(boosters, len(INPUTS)), INPUTS).run(rows)
    each = np.stack([one.predict(np.hstack([rows.astype(float), np.zeros((200, 1))])) for one in boosters])
    assert said["defect"][:, 0] == pytest.approx(boosted_defects.chances(boosters, rows), abs=1e-5)
    spread = np.log(np.clip(each, boosted_defects.LEAST, 1.0)).std(axis=0) * each.mean(axis=0)
    assert said["spread"][:, 0] == pytest.approx(spread, abs=1e-4)


def test_both_models_by_one_file_say_the_mean():
    of = made()
    rows = of.inputs[:100].astype(np.float32)
    one, two, said = (make(of).run(rows) for make in (ai4i_moves.ours, ai4i_moves.boosted, ai4i_moves.both))
    assert said["defect"] == pytest.approx((one["defect"] + two["defect"]) / 2.0, abs=1e-5)
    assert said["spread"] == pytest.approx(np.hypot(one["spread"], two["spread"]) / 2.0, abs=1e-5)


@pytest.mark.parametrize("model", [ai4i_moves.ours, ai4i_moves.boosted, ai4i_moves.both])
def test_a_suggestion_is_a_step_at_most_of_speed_and_torque_alone(model):
    of = made()
    move = ai4i_moves.suggested(model(of), of)
    rows = of.inputs[of.failed][:20]
    pairs = [(row, after) for row in rows if (after := move(row)) is not None]
    assert len(pairs) >= 10
    for row, after in pairs:
        apart = np.abs(after - row)
        assert apart[SPEED] <= STEPS[SPEED] + 1e-6 and apart[TORQUE] <= STEPS[TORQUE] + 1e-6
        assert np.delete(apart, [SPEED, TORQUE]).max() == 0.0


def test_rows_led_out_of_a_region_are_told_from_those_that_stay():
    inside = np.array([300.0, 308.0, 1330.0, 50.0, 10.0, 0.0])
    outside = np.array([300.0, 310.0, 1500.0, 40.0, 10.0, 0.0])
    faster = inside.copy()
    faster[SPEED] = 1430.0

    def move(row: np.ndarray) -> np.ndarray | None:
        return faster if row[SPEED] < 1380.0 else None

    led = ai4i_moves.led(move, np.stack([inside, outside]))
    assert led.moved.tolist() == [True, False] and led.before.tolist() == [True, False]
    assert (led.kept_off, led.got_out, led.out_at_once, led.got_in) == (1.0, 1.0, 1.0, 0.0)
    assert led.got_out_of("HDF") == 1.0
    stays = ai4i_moves.led(lambda row: None, np.stack([inside, outside]))
    assert stays.got_out == 0.0 and np.isnan(stays.kept_off)


def test_the_step_to_the_mean_ends_there():
    of = made()
    move, mean = ai4i_moves.to_mean(of), of.inputs[~of.failed].mean(axis=0)
    row = of.inputs[0].copy()
    row[[SPEED, TORQUE]] = mean[[SPEED, TORQUE]] + np.array([250.0, -4.0])
    first = move(row)
    assert first is not None and first[[SPEED, TORQUE]] == pytest.approx(mean[[SPEED, TORQUE]] + np.array([150.0, 0.0]))
    last = row
    while (after := move(last)) is not None:
        last = after
    assert last[[SPEED, TORQUE]] == pytest.approx(mean[[SPEED, TORQUE]])
