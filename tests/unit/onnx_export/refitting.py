"""A small hazard of made-up machines (`tests.kit.labelled`), and rows of a plant in which sensors were exchanged."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import lightgbm
import numpy as np
import polars as pl

from models.failure.hazard import Card
from onnx_export.card import card_of
from onnx_export.history import History, quiet
from onnx_export.learner import Learner, pool_of
from onnx_export.shards import gathered, sample_of, survey
from onnx_export.table import data_of
from tests.kit import labelled

TREES, MIB = 40, 1 << 20


def spec():
    return labelled.spec()


def history(table: pl.DataFrame) -> History:
    data = data_of(str(labelled.write(Path(mkdtemp()), table)))
    found = survey(data, spec(), quiet)
    return gathered(found, spec(), sample_of(found, len(spec().names), 1, 512 * MIB), quiet)[0]


def exchanged(table: pl.DataFrame) -> pl.DataFrame:
    """The same where heat is read with another gain and offset."""
    return table.with_columns((pl.col("heat.mean_1h") * 1.5 + 2.0).cast(pl.Float32))


@cache
def old() -> History:
    return history(labelled.table(machines=12, every_h=4, seed=5))


@cache
def new() -> History:
    return history(exchanged(labelled.table(machines=12, every_h=4, seed=6)))


@cache
def learner(components: bool = False) -> Learner:
    return Learner(spec=spec(), pool=pool_of(spec(), labelled.MODES if components else {}), trees=TREES)


@cache
def model(components: bool = False) -> lightgbm.Booster:
    rows = history(labelled.table(machines=12, every_h=4, seed=3))
    return learner(components).train(rows, np.ones(len(rows.asset)))


@cache
def parent(components: bool = False) -> tuple[bytes, Card]:
    made = learner(components).to_onnx(model(components))
    card = card_of(
        name="press", onnx=made, asset_type="press", spec=spec(), limit=0.3, basis="30 failures", failures=30,
        trained_on="made-up rows", command="none", seeds={}, scores={},
        modes=tuple(labelled.MODES) if components else (),
        parity=learner(components).gate(model(components), made, old().features, 600),
    )  # fmt: skip
    return made, card


def later(table: pl.DataFrame, days: int = 130) -> pl.DataFrame:
    """The same so many days later."""
    return table.with_columns(pl.col("window_end_us", "since_us") + days * 24 * labelled.HOUR_US)
