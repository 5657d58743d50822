"""What came of an accepted change, as a record: parts at both settings, judged by a test to look at any time. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from models.records import Arm, EffectVerdict, Expected, Suggestion, SuggestionEffect
from models.tuning import effect
from models.tuning.arms import Arms, Count, at_setting
from models.tuning.journal import Rows

RATE = "defect rate"
Vector = tuple[float, ...]


def effect_of(
    one: Suggestion, arms: Arms, figures: tuple[Expected, ...], now_us: int, *, is_final: bool = False
) -> SuggestionEffect:
    """The record of how things stand; what was promised is the suggestion's own expectation."""
    promised = next(of for of in one.expected if of.figure == RATE)
    old, new = _arm(arms.old), _arm(arms.new)
    pair = None if arms.pair is None else effect.Pair(old=_arm(arms.pair[0]), new=_arm(arms.pair[1]))
    promise = _promise(promised)
    found = effect.judged(old, new, pair, promise)
    return SuggestionEffect(
        plant=one.plant, asset=one.asset, suggestion=one.id, product=one.product, time_us=now_us,
        before=_told(old, found.old_interval), after=_told(new, found.new_interval), change_low=found.difference[0],
        change_high=found.difference[1], e_better=_bounded(found.e_better), e_worse=_bounded(found.e_worse),
        least_parts=effect.least_parts(promise.old, promise.new) if promise else 0,
        verdict=EffectVerdict(found.verdict), is_final=is_final, figures=figures,
    )  # fmt: skip


def figures_of(
    rows: Rows, units: Mapping[str, str], before: Vector, after: Vector, since_us: int
) -> tuple[Expected, ...]:
    """Means of what parts took at both settings, with 80 % bounds of the mean after."""
    out = []
    old, new = at_setting(rows, before), at_setting(rows, after) & (rows.time_us >= since_us)
    for at, (name, unit) in enumerate(units.items()):
        was, now = (rows.figures[of, at][np.isfinite(rows.figures[of, at])] for of in (old, new))
        if len(was) and len(now):
            half = 1.2816 * float(now.std()) / math.sqrt(len(now))
            mean = float(now.mean())
            out.append(
                Expected(
                    figure=name,
                    unit=unit,
                    before=float(was.mean()),
                    after=mean,
                    after_low=mean - half,
                    after_high=mean + half,
                )
            )
    return tuple(out)


def _promise(of: Expected) -> effect.Promise | None:
    """None where what was expected is no two rates."""
    try:
        return effect.Promise(old=of.before, new=of.after)
    except ValueError:
        return None


def _arm(of: Count) -> effect.Arm:
    return effect.Arm(parts=of.parts, defects=of.defects)


def _told(arm: effect.Arm, within: tuple[float, float]) -> Arm:
    rate = arm.defects / arm.parts if arm.parts else 0.0
    return Arm(parts=arm.parts, defects=arm.defects, rate=rate, low=within[0], high=within[1])


def _bounded(e_value: float) -> float:
    """Within what a record holds: JSON has no infinity."""
    return min(e_value, 1e300)
