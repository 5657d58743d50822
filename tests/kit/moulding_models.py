"""Classifiers of lenses: the source's six by scikit-learn, and ours, chosen and calibrated on what it learns from.

Peers have settings of their own, fixed before any was asked: the source's where they are known (its forest), else those
that scikit-learn has, with a scale of inputs where one is needed. The source chose its by the folds it tells of.
"""

from __future__ import annotations

import warnings
from typing import Any

import lightgbm
import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from onnx_export.defect_learn import Recipe, Table, learn
from tests.kit.moulding import CLASSES, LEAST, SEED, Chances, Classifier, Lenses

TREES = 151
"""The source's."""
INNER = 3
"""Folds within what is learned from, by which ours is chosen and calibrated."""
ROUNDS = 150
BOOSTED: dict[str, Any] = {
    "objective": "multiclass", "num_class": len(CLASSES), "learning_rate": 0.06, "num_leaves": 15, "verbosity": -1,
    "min_data_in_leaf": 4, "feature_fraction": 0.6, "bagging_fraction": 0.8, "bagging_freq": 1, "num_threads": 1,
    "seed": SEED, "deterministic": True, "force_col_wise": True,
}  # fmt: skip
AT_RANDOM = {"extra_trees": True, "num_leaves": 31, "min_data_in_leaf": 2, "feature_fraction": 0.8}
"""Splits at random, as the source's best has them."""
FOREVER = 1e12
"""A half-life: rows of the set are in no order of time."""


def peers() -> dict[str, Classifier]:
    """By name; the first six are the source's."""
    return {
        "nearest neighbours": _peer(lambda: make_pipeline(StandardScaler(), KNeighborsClassifier(5))),
        "decision tree": _peer(lambda: DecisionTreeClassifier(random_state=SEED)),
        "random forest": _peer(lambda: RandomForestClassifier(TREES, min_samples_leaf=2, random_state=SEED)),
        "boosted trees": _peer(lambda: GradientBoostingClassifier(subsample=0.8, random_state=SEED)),
        "support vectors": _peer(_support_vectors),
        "perceptron": _peer(lambda: make_pipeline(StandardScaler(), MLPClassifier(max_iter=400, random_state=SEED))),
        "extremely random trees": _peer(lambda: ExtraTreesClassifier(TREES, min_samples_leaf=2, random_state=SEED)),
    }


def _support_vectors() -> Any:
    return make_pipeline(StandardScaler(), CalibratedClassifierCV(SVC(C=10.0), ensemble=False, cv=INNER))


def _peer(make: Any) -> Classifier:
    def say(of: Lenses, _groups: np.ndarray, ask: np.ndarray) -> Chances:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the perceptron's, that more rounds might help
            made = make().fit(of.inputs, of.classes)
        out = np.zeros((len(ask), len(CLASSES)))
        out[:, [CLASSES.index(one) for one in made.classes_]] = made.predict_proba(ask)
        return out

    return say


def boosted(of: Lenses, ask: np.ndarray, more: dict[str, Any]) -> Chances:
    """LightGBM's."""
    rows = lightgbm.Dataset(of.inputs, of.classes - CLASSES[0], params={"verbosity": -1})
    return np.asarray(lightgbm.train(BOOSTED | more, rows, ROUNDS).predict(ask))


def by_kind(of: Lenses, ask: np.ndarray) -> Chances:
    """The learner of defects, a class at a time against all others."""
    nothing = np.zeros(len(of.classes), int)
    said = []
    for one in CLASSES:
        found = (of.classes == one).astype(int)
        table = Table(of.inputs, nothing + 1, found, nothing, ("",), nothing - 1)
        said.append(learn(table, Recipe((0.0,) * of.inputs.shape[1], half_life=FOREVER)).said(ask)[0])
    chances = np.maximum(np.stack(said, axis=1), LEAST)
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))


def candidates(of: Lenses, ask: np.ndarray) -> dict[str, Chances]:
    """Of which ours is one."""
    greedy, random = boosted(of, ask, {}), boosted(of, ask, AT_RANDOM)
    return {"boosted": greedy, "random splits": random, "both": (greedy + random) / 2.0, "kinds": by_kind(of, ask)}


def ours(of: Lenses, groups: np.ndarray, ask: np.ndarray) -> Chances:
    """The candidate of the least log loss on groups held back, at the temperature that is best there."""
    inner: dict[str, Chances] = {}
    folds = StratifiedGroupKFold(INNER, shuffle=True, random_state=SEED).split(of.inputs, of.classes, groups)
    for learned, held in folds:
        for name, chances in candidates(of.where(learned), of.inputs[held]).items():
            inner.setdefault(name, np.zeros((len(of.classes), len(CLASSES))))[held] = chances
    found = {name: cooled_by(chances, of.classes) for name, chances in inner.items()}
    name = min(found, key=lambda one: found[one][1])
    return cooled(candidates(of, ask)[name], found[name][0])


def cooled(chances: Chances, temperature: float) -> Chances:
    """Chances whose logarithms are divided by a temperature (Guo et al. 2017, temperature scaling)."""
    powered = np.maximum(chances, LEAST) ** (1.0 / temperature)
    return np.asarray(powered / powered.sum(axis=1, keepdims=True))


def cooled_by(chances: Chances, classes: np.ndarray) -> tuple[float, float]:
    """The temperature of the least log loss, and that loss."""
    best = minimize_scalar(
        lambda log: log_loss(classes, cooled(chances, float(np.exp(log))), labels=CLASSES),
        bounds=(-1.5, 1.5), method="bounded",
    )  # fmt: skip
    return float(np.exp(best.x)), float(best.fun)
