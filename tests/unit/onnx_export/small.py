"""A starter small enough for unit tests: two little fleets with short lives, a few trees."""

from __future__ import annotations

from functools import cache

import lightgbm
import numpy as np

from models.features import Spec
from models.physics.fleet import FleetSpec
from models.physics.wear import WearLaw
from models.plant import AssetType, Plant, parse
from onnx_export.history import History, record
from onnx_export.starter import START_US, TRAINING_EVERY_MIN, Recipe, plant_text
from onnx_export.train import rows_of, train

SHORT = WearLaw(family="uniform", shape=0.6, mean_life_days=12.0)
RECIPE = Recipe(
    training=((11, SHORT), (12, SHORT)),
    validation=((13, SHORT),),
    test=((14, SHORT),),
    pumps=6,
    pumps_scored=2,
    days=30,
    trees=5,
    parity_rows=2000,
)


def plant() -> Plant:
    return parse(plant_text())


def asset_type() -> AssetType:
    return plant().types["pump"]


def spec() -> Spec:
    return Spec(tuple(asset_type().signals))


def fleet(pumps: int = 6, days: int = 30, law: WearLaw = SHORT) -> FleetSpec:
    return FleetSpec(start_us=START_US, n_pumps=pumps, days=days, wear=law)


@cache
def history() -> History:
    return record(fleet(), 11, asset_type(), spec(), TRAINING_EVERY_MIN)


@cache
def model() -> lightgbm.Booster:
    return train(spec(), *rows_of([history()]), trees=5)


def rows() -> np.ndarray:
    return history().features
