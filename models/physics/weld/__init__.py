"""A resistance spot-weld cell with what may be set, what drifts, and what a setting is truly worth.

Frozen before anything was tuned on it: `tests/unit/models/physics/test_weld.py` holds its files by a hash. Each
constant names its source; `models/physics/SCENARIO.md` has the table.
"""

from models.physics.weld.cell import (
    DRESS_EVERY,
    LOTS,
    NEW_LOT,
    PARAMETERS,
    PLAIN,
    SCENARIOS,
    START,
    WEARING,
    WEARING_NEW_LOT,
    Cell,
    Kind,
    Lot,
    Parameter,
    Scenario,
    Settings,
    Welds,
)
from models.physics.weld.rate import Kinds, cycle_s, energy_kj, kinds, true_rate

__all__ = [
    "DRESS_EVERY",
    "LOTS",
    "NEW_LOT",
    "PARAMETERS",
    "PLAIN",
    "SCENARIOS",
    "START",
    "WEARING",
    "WEARING_NEW_LOT",
    "Cell",
    "Kind",
    "Kinds",
    "Lot",
    "Parameter",
    "Scenario",
    "Settings",
    "Welds",
    "cycle_s",
    "energy_kj",
    "kinds",
    "true_rate",
]
