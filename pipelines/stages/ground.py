"""Baselines that became whole, as records: what changes of a machine are held against from then on, how well founded.

An asset's baselines of a rule are numbered, over repairs and changes of the plant.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.bins import MINUTE_US
from models.plant import Rule
from models.plant.templates import product_of
from models.records import HealthyBaseline, id_of
from pipelines.stages.order import Rises
from pipelines.state import Block

Grounds = list[tuple[int, HealthyBaseline]]
"""Baselines to publish, each with the place of the record that made its minute final."""


def ground(block: Block, rises: Rises, lateness_us: int, plant: str) -> Grounds:
    """Baselines of a block's step, in order; forgets what was still to tell."""
    whole, block.whole = sorted(block.whole, key=lambda one: (one.asset, one.minute, one.base)), []
    if not whole or block.rules is None:
        return []
    asset, minute = np.array([(one.asset, one.minute) for one in whole], np.int64).T
    places = rises.known_at(asset, minute, lateness_us, block.pauses).tolist()
    out = []
    for at, one in zip(places, whole, strict=True):
        said: dict[str, Any] = {
            "from_us": one.first * MINUTE_US, "to_us": (one.last + 1) * MINUTE_US, "mean": one.mean,
            "spread": one.spread, "minutes": one.minutes, "origin": one.healthy.origin, "doubts": one.healthy.doubts,
            "confidence": one.healthy.confidence,
        }  # fmt: skip
        out.append((at, numbered(block, one.asset, block.rules.changing[one.base], plant, **said)))
    return out


def numbered(block: Block, asset: int, rule: Rule, plant: str, **said: Any) -> HealthyBaseline:
    """The next baseline of an asset's rule."""
    name, versions = block.names[asset], block.small.versions.setdefault(asset, {})
    versions[rule.name] = number = versions.get(rule.name, 0) + 1
    return HealthyBaseline(
        id=id_of("baseline", plant, name, rule.name, number),
        plant=plant,
        asset=name,
        rule=rule.name,
        signals=rule.signals,
        states=rule.states,
        product=product_of(rule),
        number=number,
        **said,
    )
