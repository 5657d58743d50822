"""A shop of a press, the press beside it, and an oven that is no station."""

from __future__ import annotations

from typing import Any

import msgspec

from models.plant import Plant, Tuning, parse
from tests.kit.tuned import ASSET, PRODUCT, station

OTHER = "plug"
TOML = """
plant = "shop"
[types.press]
signals = {}
[assets.press-01]
type = "press"
[assets.press-02]
type = "press"
[assets.oven]
type = "press"
"""
BOTH = {PRODUCT: "press-defects", OTHER: "press-defects"}


def plant(stopped: bool = False, **said: Any) -> Plant:
    """As its plant file has it."""
    stations = {ASSET: station(pair="press-02", models=BOTH, **said)}
    return msgspec.structs.replace(parse(TOML), tuning=Tuning(stations=stations, stopped=stopped))
