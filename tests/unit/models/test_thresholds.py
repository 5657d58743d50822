"""Thresholds of an asset: what the plant file says, else what holds everywhere."""

from __future__ import annotations

from models.alerting.life import CLEAR_AFTER, CLEAR_SHARE, OPEN_AFTER, Threshold
from models.alerting.thresholds import threshold_of
from models.plant import parse
from tests.kit import tiny

OWN = """
[thresholds.pump-01]
hazard = 0.3
open_after = 10
clear_after = 240
clear_share = 0.4
[thresholds.pump-02]
clear_after = 90
"""
PLANT = parse(tiny.PLANT_TOML + OWN)


def test_an_asset_without_thresholds_has_the_models_limit_and_what_holds_everywhere():
    assert threshold_of(PLANT, "fan-01", 0.45) == Threshold(0.45, OPEN_AFTER, CLEAR_AFTER, CLEAR_SHARE)


def test_an_asset_has_the_thresholds_of_the_plant_file():
    assert threshold_of(PLANT, "pump-01", 0.45) == Threshold(0.3, 10, 240, 0.4)


def test_what_the_plant_file_leaves_out_is_as_everywhere():
    assert threshold_of(PLANT, "pump-02", 0.45) == Threshold(0.45, OPEN_AFTER, 90, CLEAR_SHARE)
