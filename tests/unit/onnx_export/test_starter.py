"""The shipped starter is what its recipe makes, and its card is true."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec
import numpy as np
import pytest

from models import starter
from models.failure.hazard import Card, Hazard
from models.failure.similar import load as load_cases
from models.inference import ModelError
from models.physics.fleet import SIGNALS, simulate
from models.physics.plc import TAGS
from models.records import HORIZONS_H, Became
from onnx_export.card import card_json
from onnx_export.conformal import told_from
from onnx_export.recipe import DEMO_SEED, STARTER, Plan
from onnx_export.report import run_folder, write_run
from onnx_export.starter import make_run, write
from tests.unit.onnx_export import small

HERE = files(starter)
TABLES = [
    "config.json", "limits.csv", "pump.cases.json", "pump.json", "pump.onnx", "reliability.csv", "scores.json",
]  # fmt: skip
PICTURES = ["importance.svg", "leads.svg", "limits.svg", "machine.svg", "reliability.svg"]
FILES = sorted(TABLES + PICTURES)


@cache
def shipped() -> Hazard:
    return Hazard.load(*(HERE.joinpath(f"pump.{kind}").read_bytes() for kind in ("onnx", "json", "cases.json")))


def test_the_shipped_card_fits_the_shipped_file() -> None:
    hazard = shipped()
    assert hazard.card.version.startswith("pump@")
    assert hazard.card.horizons_h == HORIZONS_H
    assert hazard.chances(np.zeros((3, len(hazard.spec.names)), np.float32)).shape == (3, len(HORIZONS_H))


def test_the_shipped_model_is_small() -> None:
    assert len(HERE.joinpath("pump.onnx").read_bytes()) < 1_000_000


def test_the_shipped_card_keeps_the_aims() -> None:
    card = msgspec.json.decode(HERE.joinpath("pump.json").read_bytes(), type=Card)
    assert card.scores["recall"] >= 0.9
    assert card.scores["unfounded_a_machine_month"] <= 0.3
    assert card.scores["lead_h_median"] >= 60
    assert card.parity["largest_difference"] <= 1e-6
    assert card.parity["rows"] >= 20_000
    assert HERE.joinpath("pump.onnx").stat().st_size < 2_000_000
    assert card.basis == "simulated pumps"
    assert card.seeds == STARTER.seeds
    assert card.trained_on == STARTER.trained_on


def test_the_shipped_file_went_through_the_gate_and_has_its_vectors() -> None:
    card = shipped().card
    assert shipped().vectors == card.gate.vectors >= 30
    assert max(card.gate.largest_difference.values()) <= card.gate.tolerance
    assert card.gate.size_bytes == HERE.joinpath("pump.onnx").stat().st_size


def test_the_shipped_card_tells_time_to_failure_as_it_held_on_the_test_fleets() -> None:
    levels = shipped().card.interval
    assert levels is not None
    assert levels.coverage is not None
    assert min(levels.events, levels.held_out) >= 50
    assert levels.from_chance == told_from(shipped().card.warning_limit)


def test_the_shipped_past_cases_are_few_and_some_failed() -> None:
    assert HERE.joinpath("pump.cases.json").stat().st_size < 150_000
    cases = load_cases(HERE.joinpath("pump.cases.json").read_bytes(), shipped().spec).cases
    assert len(cases) == shipped().past_cases
    assert len({case.mode for case in cases if case.outcome is Became.FAILED}) >= 3


def test_laws_of_the_test_are_none_of_the_training() -> None:
    trained = {plan.law.family for plan in (*STARTER.training, *STARTER.validation)}
    assert trained.isdisjoint({plan.law.family for plan in STARTER.test})


@pytest.mark.parametrize("seed", [DEMO_SEED, 11])
def test_a_recipe_refuses_the_demos_seed_and_one_used_twice(seed: int) -> None:
    with pytest.raises(ValueError, match="must differ"):
        msgspec.structs.replace(small.RECIPE, test=(Plan(seed=seed, law=small.SHORT),))


def test_the_plant_file_has_the_simulators_signals_and_twelve_pumps() -> None:
    plant = small.plant()
    assert tuple(plant.types["pump"].signals) == (*SIGNALS, *TAGS)
    assert list(plant.assets) == [f"pump-{number:02d}" for number in range(1, 13)]
    assert plant.types["pump"].model == "pump"


def test_every_simulated_value_lies_in_its_range() -> None:
    signals = small.asset_type().signals
    for block in simulate(small.fleet(), 11):
        for signal, column in zip(SIGNALS, block.values.T, strict=True):
            low, high = signals[signal].range
            assert low <= np.nanmin(column)
            assert np.nanmax(column) <= high


def test_the_same_recipe_makes_the_same_bytes_and_tells_how_far_it_is(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    first = make_run(small.RECIPE, progress=lambda done, total, _text: told.append((done, total)), workers=1)
    again = make_run(small.RECIPE, workers=2)
    assert told == [(day, 120) for day in range(1, 121)]
    folders = write_run(tmp_path / "first", first), write_run(tmp_path / "again", again)
    names = [sorted(path.name for path in folder.iterdir()) for folder in folders]
    assert names[0] == names[1] == FILES
    for name in FILES:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name
    written = write(tmp_path, first.onnx, first.card, first.cases)
    assert Hazard.load(*(path.read_bytes() for path in written)).card == first.card
    assert first.card.interval is None  # of so few failures
    assert run_folder(first.card, tmp_path).name == f"pump-{first.card.sha256[:12]}"


def test_all_seasons_and_plants_with_and_without_sensor_faults_are_among_the_training() -> None:
    assert len({plan.start_us for plan in STARTER.training}) == 4
    assert {plan.faults for plan in STARTER.training} == {True, False}


def test_a_changed_file_is_refused() -> None:
    onnx, card = HERE.joinpath("pump.onnx").read_bytes(), HERE.joinpath("pump.json").read_bytes()
    with pytest.raises(ModelError, match="sha256"):
        Hazard.load(onnx + b"\0", card)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_the_shipped_files_are_what_the_recipe_makes() -> None:
    run = make_run()
    assert HERE.joinpath("pump.onnx").read_bytes() == run.onnx
    assert HERE.joinpath("pump.json").read_bytes() == card_json(run.card)
    assert HERE.joinpath("pump.cases.json").read_bytes() == run.cases
