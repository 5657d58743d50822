"""What a fleet's first days say, against figures that they were made with."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from models.features import Expected, Fleet, Groups, Spec
from onnx_export.history import HOUR_US, NO_MODE, History
from onnx_export.siblings import fleet_of
from onnx_export.train import needing

SPEC = Spec(("a", "b"), expected=(Expected("b", 0.0, (("a", 1.0),)),))
OVER, RUNNING = SPEC.column("b.over_1h"), SPEC.running


def history(lives: dict[tuple[int, int], tuple[float, float]], rows: int = 200) -> History:
    """Lives by asset and start, each with its usual and spread; beyond the first day they read something else."""
    random, parts = np.random.default_rng(5), []
    for (asset, since_us), (usual, spread) in lives.items():
        features = np.full((2 * rows, len(SPEC.names)), np.nan, np.float32)
        features[:, OVER] = random.normal(usual, spread, 2 * rows)
        features[:, RUNNING] = np.linspace(0, 48, 2 * rows, endpoint=False)
        features[rows:, OVER] += 1000.0
        parts.append((features, np.full(2 * rows, asset), np.full(2 * rows, since_us)))
    features, asset, since_us = (np.concatenate(part) for part in zip(*parts, strict=True))
    none = np.full(len(asset), np.inf)
    return History(
        features=features, asset=asset, window_end_us=since_us + HOUR_US, since_us=since_us, hours=none, known_h=none,
        mode=np.full(len(asset), NO_MODE, np.int8), failures=(), modes=(), end_us=10**15, every_min=10,
    )  # fmt: skip


def test_a_fleet_is_its_middle_machine_its_spread_and_how_far_apart_machines_are():
    usuals = np.random.default_rng(6).normal(10.0, 4.0, 400).tolist()
    first = history({(at, 0): (usual, 2.0) for at, usual in enumerate(usuals[:200])})
    second = history({(at % 100, at): (usual, 2.0) for at, usual in enumerate(usuals[200:])})
    (found,) = fleet_of(SPEC, [first, second])
    assert found.target == "b"
    assert found.usual == pytest.approx(10.0, abs=0.5)
    assert found.spread == pytest.approx(2.0, abs=0.05)
    assert found.between == pytest.approx(4.0, abs=0.5)


def test_one_odd_machine_moves_nothing():
    lives = {(at, 0): (float(at), 1.0) for at in range(9)}
    (plain,) = fleet_of(SPEC, [history(lives)])
    (odd,) = fleet_of(SPEC, [history(lives | {(8, 0): (500.0, 90.0)})])
    assert (odd.usual, odd.between) == (plain.usual, pytest.approx(plain.between, rel=0.05))


def test_too_few_machines_or_equal_ones_are_no_fleet():
    with pytest.raises(ValueError, match=r"fleet of b: 2 machines .* and 3 are needed"):
        fleet_of(SPEC, [history({(0, 0): (1.0, 1.0), (1, 0): (2.0, 1.0)})])
    with pytest.raises(ValueError, match="all equal"):
        fleet_of(SPEC, [history({(at, 0): (1.0, 0.0) for at in range(5)})])


def test_a_signal_that_is_missing_in_training_leaves_it_known_whose_usual_it_would_be():
    spec = replace(SPEC, groups=Groups(fleet=(Fleet("b", 1.0, 1.0, 1.0),), siblings=True))
    lost = {spec.names[at] for at in needing(spec, "b")}
    assert "b.siblings_24h" in lost and "b.is_own" not in lost
    assert "b.is_own" not in {spec.names[at] for at in needing(spec, "a")}
