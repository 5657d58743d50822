"""A hazard refitted on recent rows, judged where nothing was learned from, and exported by the same gate.

The trees stay as they are in the parent's file; leaf values, and their scaling where that is called for, are new. Or
leaves stay too, and more trees come behind them (`growth`). Every figure is of machines that the model which scored
them learned nothing from: three folds by machine, old and new rows of a machine in the same. The model that leaves has
learned from all. No clock, no files; the loop around it is elsewhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from msgspec import Struct, structs

from models.failure.hazard import Card
from models.features import Spec
from models.passed import Passed, Refit
from onnx_export import growth
from onnx_export.calibrate import UNSCALED, Scaling, scaled, scaling_of
from onnx_export.episodes import Replay
from onnx_export.evaluate import choose_limit
from onnx_export.forest import Forest, NotTrees, read
from onnx_export.gate import gate as examine
from onnx_export.history import History, Progress, quiet
from onnx_export.judged import folds_of
from onnx_export.learner import Learner, with_rows
from onnx_export.leaves import rescaled
from onnx_export.own_says import Remains, as_live, remains
from onnx_export.parity import LEAST_ROWS, Parity, candidate, compared, passed, rows_at
from onnx_export.refit_card import refit_card
from onnx_export.refit_gate import (
    LEAST_EVENTS,
    STEPS,
    Figures,
    Judged,
    NotRefitted,
    Reason,
    events_of,
    figures,
    refuse,
    surer,
    wrong,
)  # fmt: skip
from onnx_export.teaching import Part, growing, out_of_fold, part_of, refitting

__all__ = ["Asked", "Judged", "NotRefitted", "Reason", "Refitted", "refit"]

SEED = 20260105
"""Of folds where none is given."""
NOBODY = np.empty(0, np.int64)


class Asked(Struct, frozen=True, kw_only=True):
    """How to refit. `command` is for the card; `simulated` says what simulated the new rows, if so.

    If it `grows`, leaves stay and more trees come behind them.
    """

    command: str
    grows: bool = False
    simulated: str | None = None
    least_events: int = LEAST_EVENTS
    seed: int = SEED
    parity_rows: int = LEAST_ROWS


@dataclass(frozen=True, kw_only=True, slots=True)
class Refitted:
    """A model that may be offered, and how it did; `remains` is how it tells time to failure, or why not.

    Its file of past cases is the parent's.
    """

    onnx: bytes
    card: Card
    events: int
    step: float
    scaling: Scaling
    judged: Judged
    remains: Remains


def refit(
    parent: bytes,
    card: Card,
    new: History,
    old: History,
    asked: Asked,
    *,
    weights: tuple[np.ndarray, np.ndarray] | None = None,
    progress: Progress = quiet,
) -> Refitted:
    """The parent with other leaves, if it passes the gate. Raises NotRefitted with a reason, and ParityError.

    The warning limit is chosen anew, as training chooses it: most failures warned of within the budget, on new rows.

    `new` are labelled rows that the parent has not learned from; those that an earlier refit of it had are left out.
    `old` are rows from before, best of machines or times that it has not learned from either: else it is flattered, and
    the gate only stricter. A machine has the same number in both. `weights` are how many rows each stands for, of new
    and of old, where they are a sample (`shards.gathered`).
    """
    forest, spec = _forest(parent, card), Spec.of_card(card)
    weights = weights or (np.ones(len(new.asset)), np.ones(len(old.asset)))
    fresh = _fresh(card, new)
    new, weights = with_rows(new, fresh), (weights[0][fresh], weights[1])
    refuse(len(spec.names), new, old, asked.least_events)
    learner, events = Learner(spec=spec, pool=forest.pool), events_of(new)
    parts = tuple(part_of(forest, learner, *pair) for pair in zip((new, old), weights, strict=True))
    folds = _folds(parts, asked.seed)
    progress(0, 3, "refitting out of fold")
    teach = growing(forest, spec, parts, asked.seed) if asked.grows else refitting(forest, parts)
    whole = out_of_fold(teach, parts, folds)
    progress(1, 3, "judging")
    chosen = _chosen(learner, parts, whole, folds, asked.seed)
    progress(2, 3, "refitting on all machines")
    taught = teach(NOBODY)
    made = taught.forest.with_values(rescaled(taught.forest, taught.after(chosen.step), chosen.scaling))
    onnx, parity, gated = _examined(made, spec, new, old, asked)
    with_new = [fold for fold in folds if np.isin(fold, new.asset).any()]
    run = Replay(new, as_live(chosen.chances))
    limit, _ = choose_limit([run._replace(history=_with_own_failures(new))])
    says = remains(run, with_new, limit)
    told = _told(card, new, old, chosen, growth.TREES if asked.grows else 0)
    progress(3, 3, "done")
    return Refitted(
        onnx=onnx,
        card=refit_card(
            structs.replace(card, warning_limit=limit), onnx, told, parity, gated, says.levels, asked.command,
            asked.simulated, asked.seed,
        ),
        events=events, step=chosen.step, scaling=chosen.scaling, judged=chosen.judged, remains=says,
    )  # fmt: skip


def _with_own_failures(new: History) -> History:
    """With failures of its machines and its time alone: what it did not see it did not miss."""
    first_us, machines = int(new.window_end_us.min()), set(new.asset.tolist())
    own = (one for one in new.failures if one.asset in machines and first_us <= one.time_us <= new.end_us)
    return dataclasses.replace(new, failures=tuple(own))


def _forest(parent: bytes, card: Card) -> Forest:
    try:
        return read(parent, card)
    except NotTrees as wrong:
        raise NotRefitted(Reason.NOT_TREES, f"{card.version}: {wrong}: train it anew") from wrong


def _fresh(card: Card, new: History) -> np.ndarray:
    """Rows later than those that the parent was refitted on, if it was: no failure is learned or counted twice."""
    since_us = card.refit.until_us if isinstance(card.refit, Refit) else 0
    return np.flatnonzero(new.window_end_us > since_us)


def _folds(parts: Iterable[Part], seed: int) -> list[np.ndarray]:
    """Machines that each fold leaves out, by their numbers."""
    machines = np.unique(np.concatenate([part.history.asset for part in parts]))
    return [machines[left_out] for left_out in folds_of(len(machines), seed)]


class Chosen(NamedTuple):
    """The share of the way that leaves go, the scaling, how both do, and chances of new rows out of fold."""

    step: float
    scaling: Scaling
    judged: Judged
    chances: np.ndarray


def _chosen(
    learner: Learner, parts: tuple[Part, ...], whole: list[np.ndarray], folds: list[np.ndarray], seed: int
) -> Chosen:
    """The longest step that passes, scaled where that is called for.

    Raises NotRefitted with what is wrong with the shortest where none does.
    """
    before = [learner.chances(part.scores) for part in parts]
    new, old = parts
    told = [figures(part.history, part.weight, chances, folds) for part, chances in zip(parts, before, strict=True)]
    for step in STEPS:
        scores, old_scores = (part.scores + step * (far - part.scores) for part, far in zip(parts, whole, strict=True))
        scaling, scores = _rescaled(learner, new, scores, folds)
        after = learner.chances(scores)
        judged = Judged(
            old=(told[1], figures(old.history, old.weight, learner.chances(old_scores, scaling), folds)),
            new=(told[0], figures(new.history, new.weight, after, folds)),
            surer=surer(new.history, new.weight, before[0], after, seed),
        )
        reasons = wrong(judged)
        if not reasons:
            return Chosen(step, scaling, judged, after)
    events = events_of(new.history)
    reason, detail = next(iter(reasons.items()))
    raise NotRefitted(reason, f"{detail}; new independent failures: {events}", events)


def _rescaled(learner: Learner, part: Part, scores: np.ndarray, folds: list[np.ndarray]) -> tuple[Scaling, np.ndarray]:
    """A scaling, if those of other machines' rows make each fold's likelier, and scores as they make them."""

    def loss(scores: np.ndarray) -> float:
        return figures(part.history, part.weight, learner.chances(scores), folds).log_loss

    out = scores.copy()
    for left_out in folds:
        mine = np.isin(part.asset, left_out)
        others = np.flatnonzero(~mine[part.told])
        out[mine] = scaled(scores[mine], scaling_of(scores[part.told[others]], part.outcomes.where(others)))
    if loss(out) < loss(scores):
        return scaling_of(scores[part.told], part.outcomes), out
    return UNSCALED, scores


def _examined(made: Forest, spec: Spec, new: History, old: History, asked: Asked) -> tuple[bytes, Parity, Passed]:
    """The export gate, the trees in float64 as the native model. Raises ParityError."""
    features = np.concatenate([old.features, new.features])
    rows = rows_at(spec, features, made.thresholds, asked.parity_rows)
    parity = passed(compared(made.onnx, rows, made.chances, made.thresholds))
    onnx, gated = examine(candidate(spec, made.onnx, made.chances, made.thresholds, features, new.features))
    return onnx, parity, gated


def _told(card: Card, new: History, old: History, chosen: Chosen, more_trees: int) -> Refit:
    scaling, judged = chosen.scaling, chosen.judged

    def pair(of: tuple[Figures, Figures], name: str) -> tuple[float, float]:
        before, after = (round(float(getattr(one, name)), 6) for one in of)
        return before, after

    return Refit(
        parent=card.version,
        rows=len(new.asset),
        machines=len(np.unique(new.asset)),
        events=events_of(new),
        until_us=int(new.end_us),
        old_rows=len(old.asset),
        old_events=events_of(old),
        step=chosen.step,
        more_trees=more_trees,
        temperature=scaling.temperature,
        offset=scaling.offset,
        average_precision_old=pair(judged.old, "average_precision"),
        average_precision_new=pair(judged.new, "average_precision"),
        log_loss_old=pair(judged.old, "log_loss"),
        log_loss_new=pair(judged.new, "log_loss"),
    )
