"""From a station's journal to a released model: what it rests on, and why there is none."""

from __future__ import annotations

import numpy as np
import pytest

from models.figures.model import FigureModel
from models.plant.tuning import Moves
from models.tuning.journal import Journal
from onnx_export import defect_station
from onnx_export.defect_station import (
    LEAST_DEFECTS,
    LEAST_PARTS,
    NotReleased,
    loss,
    made,
    recipe_of,
    table_of,
)
from tests.kit.tuned import INPUTS, PRODUCT, START, heat, load, part, result, station

PARAMETERS = ("heat", "load")


def journal(parts=600, rate=0.05, holes=(), unknown=(), seed=1):
    """Parts whose chance of a defect grows with their heat."""
    noise = np.random.default_rng(seed)
    out = Journal(PARAMETERS, tuple(INPUTS), ())
    for number in range(parts):
        hot = noise.normal(0.0, 2.0)
        measured = {"heat": 150.0 + hot, "load": 5.0 + noise.normal(0.0, 0.1), "room": 20.0 + noise.normal()}
        if number in holes:
            del measured["room"]
        at = out.take(part(number, START, measured=measured))
        if number not in unknown:
            out.put(at, result(number, int(noise.random() < min(1.0, rate * np.exp(0.4 * hot - 0.32)))))
    return out


def of(journal):
    return made(journal.rows, station(), "press-defects", PRODUCT, "command", journal.parameters)


def test_a_model_is_one_that_the_role_can_ask_and_says_what_it_was_trained_on():
    kept = journal()
    onnx, card = of(kept)
    model = FigureModel(onnx, card)
    assert [one.name for one in card.inputs] == list(INPUTS)
    assert card.trained_on == f"600 parts of cap, {kept.rows.defects.sum()} defective, settings heat, load"
    cold, hot = model.run(np.array([[146, 5, 20], [154, 5, 20]], np.float32))["defect"][:, 0]
    assert cold < hot


def test_the_same_journal_makes_the_same_bytes():
    assert of(journal())[0] == of(journal())[0]


def test_too_few_parts_are_no_model_and_it_is_told_how_many_there_are():
    with pytest.raises(NotReleased, match=rf"in {LEAST_PARTS - 1} parts of 'cap'.*at least {LEAST_DEFECTS} in"):
        of(journal(LEAST_PARTS - 1, rate=0.3))


def test_too_few_defects_are_no_model():
    with pytest.raises(NotReleased, match=r"0 defects in 600 parts"):
        of(journal(rate=0.0))


def test_a_model_that_is_worse_than_a_constant_on_parts_it_had_not_seen_is_not_released(monkeypatch):
    monkeypatch.setattr(defect_station, "tried", lambda *_: {"log_loss": 0.2, "log_loss_of_constant": 0.1})
    with pytest.raises(NotReleased, match=r"its log loss is 0.2000, of a constant rate 0.1000"):
        of(journal())


def test_an_empty_journal_is_no_model():
    with pytest.raises(NotReleased):
        of(Journal(PARAMETERS, tuple(INPUTS), ()))


def test_parts_without_a_result_or_an_input_are_not_learned_from():
    table = table_of(journal(50, holes={3, 4}, unknown={4, 7}).rows)
    assert len(table.inputs) == 47 and np.isfinite(table.inputs).all()


def test_scales_are_what_a_step_of_a_setting_moves_an_input_by():
    boost = heat(step=0.2, low=0.0, high=1.0, moves=Moves(input="heat", factor=-3.0, per="room"))
    steps = recipe_of(journal(50).rows, station(parameters={"load": load(), "boost": boost})).steps
    assert steps[0] == pytest.approx(0.2 * 3.0 * 20.0, rel=0.05) and steps[1:] == (2.0, 0.0)


def test_of_two_settings_that_move_an_input_the_larger_step_counts():
    both = station(parameters={"heat": heat(), "fine": heat(step=1.0, moves=Moves(input="heat"))})
    assert recipe_of(journal(50).rows, both).steps[0] == 8.0


def test_loss_is_the_mean_in_nats_a_unit():
    assert loss(np.array([0.5, 0.5]), np.array([1, 3]), np.array([1, 0])) == pytest.approx(np.log(2.0))
    assert loss(np.array([0.0]), np.array([1]), np.array([1])) == pytest.approx(-np.log(1e-9))
