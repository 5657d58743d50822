"""What came of an accepted change, as a record: parts at both settings, judged by a test to look at any time. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from models.records import Arm, EffectVerdict, Expected, Suggestion, SuggestionEffect, SuggestionState
from models.tuning import effect
from models.tuning.answering import revised
from models.tuning.arms import Arms, arms_of, at_setting
from models.tuning.journal import Rows

RATE = "defect rate"
Vector = tuple[float, ...]


class Running(NamedTuple):
    """An accepted suggestion that is measured: full settings before and after, and what was told last.

    Settings are empty until a step, as parts may be read after what was said of them.
    """

    suggestion: Suggestion
    before: Vector
    after: Vector
    told: SuggestionEffect | None = None

    @property
    def goes_on(self) -> bool:
        """Whether it is known where it began, and nothing final was told of it."""
        return bool(self.before) and (self.told is None or not self.told.is_final)

    def is_news(self, said: SuggestionEffect, least: float) -> bool:
        """Whether an effect says more than the one told last: another verdict, or so many parts more."""
        told = self.told
        if not said.after.parts:
            return False
        return told is None or told.verdict is not said.verdict or said.after.parts - told.after.parts >= least


def measured(
    of: Running, rows: Rows, pair: Rows | None, units: Mapping[str, str], now_us: int, *, is_final: bool = False
) -> SuggestionEffect:
    """What came of it by now; `units` are of the figures of parts, by name in their order."""
    changed_us = of.suggestion.moved_us
    arms = arms_of(rows, of.before, of.after, changed_us, pair)
    figures = figures_of(rows, units, of.before, of.after, changed_us)
    return effect_of(of.suggestion, arms, figures, now_us, is_final=is_final)


def failed(of: Running, said: SuggestionEffect, now_us: int) -> Suggestion:
    """The suggestion withdrawn, for what parts showed."""
    what = "made it worse" if said.verdict is EffectVerdict.HARMS else "did not show what it promised"
    why = (
        f"it {what}: {said.after.defects} of {said.after.parts} parts defective, {said.before.defects} of "
        f"{said.before.parts} before; {of.suggestion.revert}"
    )
    return revised(of.suggestion, SuggestionState.WITHDRAWN, now_us, why, failed=True)


def effect_of(
    one: Suggestion, arms: Arms, figures: tuple[Expected, ...], now_us: int, *, is_final: bool = False
) -> SuggestionEffect:
    """The record of how things stand; what was promised is the suggestion's own expectation."""
    promised = next(of for of in one.expected if of.figure == RATE)
    promise = _promise(promised)
    found = effect.judged(*arms, promise)
    return SuggestionEffect(
        plant=one.plant, asset=one.asset, suggestion=one.id, product=one.product, time_us=now_us,
        before=_told(arms.old, found.old_interval), after=_told(arms.new, found.new_interval),
        change_low=found.difference[0], change_high=found.difference[1], e_better=_bounded(found.e_better),
        e_worse=_bounded(found.e_worse), least_parts=effect.least_parts(promise.old, promise.new) if promise else 0,
        verdict=found.verdict, is_final=is_final, figures=figures,
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


def _told(arm: effect.Arm, within: tuple[float, float]) -> Arm:
    rate = arm.defects / arm.parts if arm.parts else 0.0
    return Arm(parts=arm.parts, defects=arm.defects, rate=rate, low=within[0], high=within[1])


def _bounded(e_value: float) -> float:
    """Within what a record holds: JSON has no infinity."""
    return min(e_value, 1e300)
