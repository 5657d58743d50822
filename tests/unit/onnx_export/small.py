"""A starter small enough for unit tests: two little fleets with short lives, a few trees."""

from __future__ import annotations

from functools import cache

import lightgbm
import numpy as np
from msgspec.structs import replace

from models.features import Expected, Fleet, Groups, Spec
from models.physics.fleet import FleetSpec
from models.physics.wear import WearLaw
from models.plant import AssetType, Plant, parse
from onnx_export.history import History, record
from onnx_export.recipe import START_US, TRAINING_EVERY_MIN, Plan, Recipe
from onnx_export.starter import plant_text
from onnx_export.train import rows_of, train

SHORT = WearLaw(family="uniform", shape=0.6, mean_life_days=12.0)
RECIPE = Recipe(
    training=(Plan(seed=11, law=SHORT), Plan(seed=12, law=SHORT)),
    validation=(Plan(seed=13, law=SHORT),),
    test=(Plan(seed=14, law=SHORT),),
    pumps=6,
    pumps_scored=2,
    days=30,
    trees=5,
    parity_rows=2000,
)


def plant() -> Plant:
    """The demo's, of which models are trained here that are not its own."""
    return parse(plant_text().replace('health = "pump.health"\n', ""))


def asset_type() -> AssetType:
    return plant().types["pump"]


def spec() -> Spec:
    """The starter's list; what is expected is about what a fit finds."""
    on_weather = (("speed_rpm", 0.02), ("ambient_temp_degc", 1.0))
    temps = ("oil_temp_degc", "radial_bearing_temp_degc", "thrust_bearing_temp_degc")
    flow = Expected("flow_m3_h", -102.0, (("speed_rpm", 0.176), ("discharge_pressure_bar", -13.5)))
    return Spec.of(asset_type(), (flow, *(Expected(temp, -35.0, on_weather) for temp in temps)))


def with_groups() -> Plant:
    """The same, where the plant file tells of components, alarms and what is made: here, what the pump does."""
    components = (
        'product = "run_state"\n[types.pump.components]\noil = ["oil-overheat"]\nimpeller = ["impeller-wear"]\n'
    )
    text = plant_text().replace('health = "pump.health"\n', components, 1)
    words = 'words = ["off", "starting", "running", "stopping", "idle", "maintenance"]'
    text = text.replace('kind = "state" #', f'{words}\nkind = "state" #', 1)
    return parse(text.replace('kind = "event" #', 'alarms = ["HIGH_OIL_TEMP", "LOW_FLOW"]\nkind = "event" #', 1))


def spec_with_groups() -> Spec:
    """The list of that plant, with all groups and a fleet about as healthy pumps give it."""
    kind = with_groups().types["pump"]
    fleet = tuple(Fleet(one.target, 0.4, 1.5, 2.0) for one in spec().expected)
    return Spec.of(kind, spec().expected, replace(Groups.of(kind, fleet), types=("fan", "pump")))


def fleet(pumps: int = 6, days: int = 30, law: WearLaw = SHORT) -> FleetSpec:
    return FleetSpec(start_us=START_US, n_pumps=pumps, days=days, wear=law)


@cache
def history() -> History:
    return record(fleet(), 11, asset_type(), spec(), TRAINING_EVERY_MIN)


@cache
def model() -> lightgbm.Booster:
    return train(spec(), *rows_of([history()]), trees=35)


def rows() -> np.ndarray:
    return history().features
