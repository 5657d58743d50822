"""One model and rows of its asset type: whether they moved away from what it learned, and what it becomes by them.

Offline: rows in, findings and files out. Where rows come from, and what is made of the files, is for others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from models.alerting.wording import clock
from models.bins import MINUTE_US
from models.failure.hazard import WARNING, Card, Hazard
from models.inference import ModelError
from models.passed import Refit
from models.records import HORIZONS_H, Drift, DriftCause, ModelUpdate, UpdateStep
from onnx_export import drift
from onnx_export.drift.notices import Stands
from onnx_export.history import HOUR_US, History
from onnx_export.learner import with_rows
from onnx_export.reasons import ParityError
from onnx_export.refit import Asked, Refitted, refit
from onnx_export.refit_gate import NotRefitted, Reason, events_of
from pipelines.cli.learning.round import Look, Made, NotMade

DAY_US = 24 * 60 * MINUTE_US
UNMENDED = frozenset({Reason.FORGETS_OLD, Reason.NO_BETTER_ON_NEW, Reason.WORSE_CALIBRATED})
"""Why a refit is refused that leaves cannot mend, since splits stand where they stood; luck and few failures pass."""


class Spans(NamedTuple):
    """Days that are looked at: those before `learned_until_us`, which the model is held to, and the last.

    Our choice: a recent time of two weeks holds a machine's load on all days of a week twice.
    """

    learned_until_us: int
    reference_days: int = 60
    recent_days: int = 14


@dataclass(frozen=True, kw_only=True)
class Material:
    """Rows of an asset type and for how many each stands, names of assets by number, what is known of the plant."""

    history: History
    weights: np.ndarray  # float64 [rows]
    names: Sequence[str]
    context: drift.Context
    ambient: tuple[str, ...] = ()


class Seen(NamedTuple):
    """All findings, moved or not, and causes."""

    findings: tuple[drift.Finding, ...]
    told: tuple[drift.Told, ...]


class Student:
    """A model as it is served, of an asset type of a plant."""

    def __init__(self, onnx: bytes, card: Card, plant: str, cases: bytes = b"") -> None:
        """`cases` is the file of past cases, if the card names one."""
        self._onnx, self.card, self._plant = onnx, card, plant
        self._hazard = Hazard(onnx, card, cases)

    def see(self, of: Material, spans: Spans) -> Seen:
        """What moved from the reference to the recent time, and why. Raises ModelError where either has no rows."""
        history, until_us = of.history, spans.learned_until_us
        rows = drift.Rows.of(history, self._hazard.chances(history.features)[:, WARNING], of.weights)
        end_us = history.end_us
        reference = rows.between(until_us - spans.reference_days * DAY_US, until_us)
        recent = rows.between(max(until_us, end_us - spans.recent_days * DAY_US), end_us)
        if not (len(reference.asset) and len(recent.asset)):
            raise ModelError(
                f"{len(reference.asset)} rows of the {spans.reference_days} days before {_day(until_us)}, until when "
                f"the model learned, and {len(recent.asset)} of the last {spans.recent_days}: both are needed; give "
                "rows that reach so far, or --learned-until"
            )
        watch = drift.watched(self._hazard.spec, of.ambient)
        later = rows.between(until_us, end_us)
        findings = drift.looked(reference, recent, of.names, watch, later=later)
        return Seen(findings, drift.told_apart(findings, of.context))

    def look(self, of: Material, spans: Spans, told: Sequence[Drift | ModelUpdate], now_us: int) -> Look:
        """The same as a round asks for it; causes that stand by what was told already are no news."""
        seen = self.see(of, spans)
        _, news = drift.noticed(standing_of(told, self.card.version), seen.told, now_us)
        learnable = [one.since_us for one in seen.told if one.may_update]
        since_us = max(spans.learned_until_us, min(learnable)) if learnable else None
        moved, fresh = (tuple(self._record(one, now_us) for one in some) for some in (seen.told, news))
        later = of.history.window_end_us > spans.learned_until_us
        events = events_of(_where(of.history, later))
        return Look(self.card.version, moved, fresh, since_us, events, in_vain(told, self.card.version))

    def learn(self, of: Material, spans: Spans, since_us: int, asked: Asked) -> tuple[Made, Refitted]:
        """Refitted on rows since then, but for machines that degrade, and held to what was before. Raises NotMade."""
        sick = drift.excluded(self.see(of, spans).told)
        ends_us = of.history.window_end_us
        new = (ends_us > since_us) & ~_sick(of, sick)
        old_us = spans.learned_until_us
        old = (ends_us <= min(old_us, since_us)) & (ends_us > old_us - spans.reference_days * DAY_US)
        try:
            found = refit(
                self._onnx, self.card, _where(of.history, new), _where(of.history, old), asked,
                weights=(of.weights[new], of.weights[old]),
            )  # fmt: skip
        except NotRefitted as refused:
            raise NotMade(str(refused.reason), str(refused), refused.events) from refused
        except ParityError as refused:
            raise NotMade("not-exported", str(refused), 0) from refused
        return made_of(found), found

    def _record(self, told: drift.Told, now_us: int) -> Drift:
        card = self.card
        return drift.record_of(told, self._plant, card.name, card.asset_type, card.version, now_us)


def standing_of(told: Sequence[Drift | ModelUpdate], version: str) -> drift.Standing:
    """Causes of a model's drift that hold, from what was told of it, in order of time."""
    out: dict[DriftCause, Stands] = {}
    for one in told:
        if isinstance(one, Drift) and one.version == version:
            assets = out[one.cause].assets if one.cause in out else frozenset()
            out[one.cause] = Stands(one.time_us, assets | set(one.assets))
        elif isinstance(one, ModelUpdate) and one.parent == version:
            out |= {cause: out[cause]._replace(last_us=one.time_us) for cause in one.causes if cause in out}
    return out


def in_vain(told: Sequence[Drift | ModelUpdate], version: str) -> bool:
    """Whether a refit of a model was given up beside it, or refused for what more rows do not mend."""
    updates = [one for one in told if isinstance(one, ModelUpdate)]
    own = [one for one in updates if one.parent == version and not one.anew]
    offered = {one.candidate for one in own if one.step is UpdateStep.OFFERED}
    return any(one.step is UpdateStep.REFUSED and one.reason in UNMENDED for one in own) or any(
        one.step is UpdateStep.GIVEN_UP and one.candidate in offered for one in updates
    )


def made_of(found: Refitted) -> Made:
    """What a refit made, as a round tells it."""
    figures = {
        f"{name} of {when} data, {whose}": round(float(getattr(of, name)), 4)
        for when, pair in (("old", found.judged.old), ("new", found.judged.new))
        for whose, of in zip(("parent", "candidate"), pair, strict=True)
        for name in ("average_precision", "log_loss")
    }
    (before, after), (old, kept) = found.judged.new, found.judged.old
    said = (
        f"{_how(found.card)} {found.events} failures, {found.step:g} of the way: average precision on new data "
        f"{before.average_precision:.3f} to {after.average_precision:.3f}, on old {old.average_precision:.3f} to "
        f"{kept.average_precision:.3f}"
    )
    return Made(found.card.version, figures, said, found.events)


def _how(card: Card) -> str:
    trees = card.refit.more_trees if isinstance(card.refit, Refit) else 0
    return f"{trees} trees more, learned from" if trees else "leaves refitted on"


def _where(history: History, chosen: np.ndarray) -> History:
    """Some rows, and the failures that they could foretell."""
    rows = with_rows(history, np.flatnonzero(chosen))
    if not len(rows.asset):
        return rows
    first_us = int(rows.window_end_us.min())
    last_us = int(rows.window_end_us.max()) + HORIZONS_H[-1] * HOUR_US
    return replace(rows, failures=tuple(one for one in history.failures if first_us <= one.time_us <= last_us))


def _day(time_us: int) -> str:
    return clock(time_us)[:10]


def _sick(of: Material, since_us: Mapping[str, int]) -> np.ndarray:
    """Rows of machines that degrade, from when they began to."""
    out = np.zeros(len(of.history.asset), bool)
    for number, name in enumerate(of.names):
        if name in since_us:
            out |= (of.history.asset == number) & (of.history.window_end_us > since_us[name])
    return out
