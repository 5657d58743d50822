"""A forecast does not depend on who shared its batch: the shipped hazard, as a worker asks it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
import pytest

from models import starter
from models.failure.hazard import WARNING, Hazard
from models.failure.health import HealthModel

FILES = files(starter)


@cache
def hazard() -> Hazard:
    return Hazard.load(*(FILES.joinpath(f"pump.{kind}").read_bytes() for kind in ("onnx", "json", "cases.json")))


@cache
def rows() -> np.ndarray:
    """Rows about what the trees split at, some signals missing."""
    random = np.random.default_rng(6)
    found = random.normal(0, 1, (600, len(hazard().spec.names))) * 10.0 ** random.integers(-2, 4, (600, 1))
    found[random.random(found.shape) < 0.1] = np.nan
    return found.astype(np.float32)


@cache
def alone() -> np.ndarray:
    return np.concatenate([hazard().chances(rows()[at : at + 1]) for at in range(len(rows()))])


@pytest.mark.parametrize("size", [2, 3, 16, 255, 256, 600])
def test_chances_are_the_same_alone_and_in_any_company(size: int) -> None:
    random = np.random.default_rng(size)
    for _ in range(5):
        company = random.permutation(len(rows()))[:size]
        assert np.array_equal(hazard().chances(rows()[company]), alone()[company])


def test_chances_are_the_same_beside_rows_that_no_machine_has() -> None:
    for strange in (np.nan, np.inf, -np.inf, np.finfo(np.float32).max, 0.0):
        batch = np.full((256, rows().shape[1]), strange, np.float32)
        batch[100:140] = rows()[:40]
        assert np.array_equal(hazard().chances(batch)[100:140], alone()[:40])


def test_drivers_are_the_same_whoever_else_was_looked_at() -> None:
    normal = np.nan_to_num(rows()[::-1])
    variants = hazard().variants(rows(), normal)
    flat = variants.reshape(-1, variants.shape[-1])
    together = hazard().chances(flat)[:, WARNING].reshape(len(rows()), -1)
    for at in range(0, len(rows()), 37):
        mine = hazard().chances(hazard().variants(rows()[at : at + 1], normal[at : at + 1])[0])[:, WARNING]
        assert np.array_equal(mine, together[at])


def test_health_is_the_same_alone_and_in_company() -> None:
    model = HealthModel.load(*(FILES.joinpath(f"pump.health.{kind}").read_bytes() for kind in ("onnx", "json")))
    together = model.scores(rows())
    for at in range(0, len(rows()), 41):
        mine, theirs = model.scores(rows()[at : at + 1]), together.part(np.array([at]))
        for name in ("index", "t2", "spe", "shares", "over", "missing"):
            assert np.array_equal(getattr(mine, name), getattr(theirs, name), equal_nan=name in ("index", "over")), name
