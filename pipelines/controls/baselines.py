"""A baseline that people approved takes the place of an asset's own, from where it lies in the log on."""

from __future__ import annotations

import math

import numpy as np

from models.bins import MINUTE_US
from models.failure.baseline import Healthy, put
from models.records import HealthyBaseline, Origin, Reject
from pipelines.controls.rebuilt import Where
from pipelines.parse import Rejected
from pipelines.stages.ground import numbered

APPROVED = (Origin.CHOSEN, Origin.FLEET)


def take(record: HealthyBaseline, where: Where) -> list[HealthyBaseline]:
    """Hold the rule against it in the life that the asset is in; the baseline as it is told, with its number.

    Raises Rejected for one that fits no rule of the asset, or that nobody approved.
    """
    block, asset, rules = where.block, where.asset, where.block.rules
    base = rules.base_named(record.rule) if rules else None
    if rules is None or base is None:
        there = ", ".join(f"'{rule.name}'" for rule in rules.changing) if rules else ""
        raise _unfit(
            record, f"no rule of '{record.asset}' looks at a change under this name: there are {there or 'none'}"
        )
    if not record.approved_by or record.origin not in APPROVED:
        raise _unfit(record, f"it must be approved by somebody, and its origin one of {', '.join(APPROVED)}")
    if record.from_us > record.to_us or not math.isfinite(record.mean + record.spread * record.spread * record.minutes):
        raise _unfit(record, "its time, mean or spread is none")
    block.stir(asset)
    minute = max(where.watermark_us, 0) // MINUTE_US
    put(block.marks, asset, base, record, int(block.since_us(np.array([asset]), np.array([minute]))[0]))
    said = {
        name: getattr(record, name)
        for name in ("from_us", "to_us", "mean", "spread", "minutes", "origin", "doubts", "approved_by")
    }
    confidence = Healthy(record.origin, record.doubts).confidence
    return [numbered(block, asset, rules.changing[base], record.plant, confidence=confidence, **said)]


def _unfit(record: HealthyBaseline, why: str) -> Rejected:
    return Rejected(Reject.UNFIT_BASELINE, f"baseline of '{record.rule}': {why}", asset=record.asset)
