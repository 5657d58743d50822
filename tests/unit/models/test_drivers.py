"""Drivers are an exact ablation: what the served graph says once a signal is as usual."""

from __future__ import annotations

import numpy as np

from models.failure.hazard import DECIMALS, WARNING
from tests.kit import tiny


def test_a_drivers_drop_is_what_the_served_chance_falls_by_once_its_signal_is_as_usual():
    hazard = tiny.hazard()
    random = np.random.default_rng(9)
    for row, normal in random.normal(20, 10, (20, 2, 1, len(hazard.spec.names))).astype(np.float32):
        chance = float(hazard.chances(row)[0, WARNING])
        variants = hazard.chances(hazard.variants(row, normal)[0])[:, WARNING]
        told = {one.signal: one.drop for one in hazard.drivers(row[0], chance, variants)}
        for signal in hazard.spec.signals:
            other = row.copy()
            other[0, hazard.spec.columns_of(signal)] = normal[0, hazard.spec.columns_of(signal)]
            drop = round(chance - float(hazard.chances(other)[0, WARNING]), DECIMALS)
            assert told.get(signal) == (drop if drop > 0 else None)
