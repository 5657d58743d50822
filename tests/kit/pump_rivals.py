"""Simpler models beside the shipped hazard, on the same simulated pumps: each learned and its limit chosen as ours are.

They learn from the first fleets of the recipe's training and choose on the first of its validation: all of them would
double the time of a benchmark for models that nobody ships.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from typing import NamedTuple

import lightgbm
import numpy as np
from sklearn.ensemble import IsolationForest

from models.features import Spec
from models.plant import AssetType
from models.records import HORIZONS_H, WARNING_HORIZON_H
from onnx_export.episodes import Replay
from onnx_export.evaluate import Scores, choose_limit, score
from onnx_export.fleets import Job, record_all
from onnx_export.history import History, Progress
from onnx_export.recipe import SCORING_EVERY_MIN, STARTER, TRAINING_EVERY_MIN
from onnx_export.train import PARAMETERS, TREES, masked
from tests.kit.judging import limits_of

CLASSIFIER, FOREST = "72 h classifier", "isolation forest"
FLEETS, SEED = 3, 20261127


class Rival(NamedTuple):
    """A model as bytes, what it says of rows, and the limit at which it warns."""

    model: bytes
    kind: str
    limit: float

    def scores(self, history: History) -> Scores:
        """Its warnings on a history."""
        return score([replayed(history, SAYS[self.kind](self.model, history.features))], self.limit)


def replayed(history: History, said: np.ndarray) -> Replay:
    """What a rival said, as a chance at every horizon."""
    return Replay(history, np.repeat(said[:, None], len(HORIZONS_H), axis=1))


def by_classifier(model: bytes, rows: np.ndarray) -> np.ndarray:
    """The chance of "fails within 72 h"."""
    return np.asarray(lightgbm.Booster(model_str=model.decode()).predict(rows, num_threads=1))


def by_forest(model: bytes, rows: np.ndarray) -> np.ndarray:
    """How isolated rows are (Liu, Ting and Zhou 2008); what is missing is read as training's median."""
    forest, middle = pickle.loads(model)
    return -np.asarray(forest.score_samples(np.where(np.isnan(rows), middle, rows)))


SAYS: dict[str, Callable[[bytes, np.ndarray], np.ndarray]] = {CLASSIFIER: by_classifier, FOREST: by_forest}


def classifier(spec: Spec, histories: Sequence[History]) -> bytes:
    """LightGBM with the hazard's parameters and as many trees, censored rows left out."""
    rows, labels = [], []
    for history in histories:
        fails = (history.hours > 0) & (history.hours <= WARNING_HORIZON_H)
        known = fails | (history.known_h > WARNING_HORIZON_H)
        rows.append(history.features[known])
        labels.append(fails[known])
    data = lightgbm.Dataset(masked(spec, np.concatenate(rows)), label=np.concatenate(labels))
    return lightgbm.train(PARAMETERS, data, TREES).model_to_string().encode()


def forest(_spec: Spec, histories: Sequence[History]) -> bytes:
    """Of all rows, whatever became of them."""
    rows = np.concatenate([history.features for history in histories])
    middle = np.nanmedian(rows, axis=0)
    whole = np.where(np.isnan(rows), middle, rows)
    return pickle.dumps((IsolationForest(random_state=SEED, n_jobs=1).fit(whole), middle))


LEARN: dict[str, Callable[[Spec, Sequence[History]], bytes]] = {CLASSIFIER: classifier, FOREST: forest}


def learned(asset_type: AssetType, spec: Spec, workers: int, progress: Progress) -> dict[str, Rival]:
    """All rivals, by name: fleets are recorded anew, some minutes of work."""
    training = [
        Job(plan, STARTER.pumps, STARTER.days, TRAINING_EVERY_MIN, asset_type, spec)
        for plan in STARTER.training[:FLEETS]
    ]
    chosen_on = Job(STARTER.validation[0], STARTER.pumps_scored, STARTER.days, SCORING_EVERY_MIN, asset_type, spec)
    *seen, held_back = record_all([*training, chosen_on], workers, progress)
    out = {}
    for name, learn in LEARN.items():
        model = learn(spec, seen)
        said = SAYS[name](model, held_back.features)
        limit, _ = choose_limit([replayed(held_back, said)], limits_of(said).tolist())
        out[name] = Rival(model, name, limit)
    return out
