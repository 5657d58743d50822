"""What rules and models say of the azure_pdm machines, each fold by what the other folds taught: a number a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import lightgbm
import numpy as np
from sklearn.ensemble import IsolationForest

from models.failure.hazard import WARNING
from models.records import WARNING_HORIZON_H, Rung
from onnx_export.history import History
from onnx_export.pooled import chances
from onnx_export.survival import fit, scores_of, within_of
from onnx_export.train import PARAMETERS
from tests.kit import azure
from tests.kit.azure_rungs import alone

FOLDS, ROUNDS, EVERY_H = 5, 100, 2
SMALLER: dict[str, object] = {"num_leaves": 7, "min_data_in_leaf": 40}
"""20 machines are few: smaller trees than the starter's, half as many. Not searched."""
DAY_H = 24.0
Fold = tuple[np.ndarray, History, np.ndarray]
"""Rows of all machines, their history, and whether a row is of a machine that is trained on, bool [rows]."""


def folds_of(repeat: int) -> list[list[int]]:
    """Machines of each fold; the repeat is the seed."""
    drawn = np.random.default_rng(repeat).permutation(azure.MACHINES)
    return [sorted(drawn[at::FOLDS].tolist()) for at in range(FOLDS)]


def each_fold(folds: Sequence[Sequence[int]]) -> Iterator[Fold]:
    """Rows as each fold's training machines scale them."""
    for fold in folds:
        trained = [machine for machine in range(azure.MACHINES) if machine not in fold]
        rows = azure.features(trained)
        history = azure.history(rows)
        yield rows, history, np.isin(history.asset, trained)


def hazard(folds: Sequence[Sequence[int]], seed: int) -> np.ndarray:
    """The pooled hazard's chances, float64 [rows, horizons], each machine by a model that never saw it."""
    pool, (outcomes, told), out = azure.pool(), azure.outcomes(), None
    for rows, _, trained in each_fold(folds):
        of_components, each = pool.rows(rows), len(pool.modes)
        thinned = np.arange(len(rows)) % EVERY_H == 0
        use = np.flatnonzero(np.repeat(trained & thinned, each) & told)
        settings = PARAMETERS | SMALLER | {"seed": seed}
        model = fit(of_components[use], outcomes.where(use), settings, ROUNDS)
        within = within_of(scores_of(model, of_components[np.repeat(~trained, each)]))
        out = np.empty((len(rows), within.shape[1])) if out is None else out
        out[~trained], _ = chances(pool, within)
    assert out is not None
    return out


def four_sigma(folds: Sequence[Sequence[int]], _seed: int) -> np.ndarray:
    """How many standard errors a day's mean of any sensor lies off the fleet's."""

    def said(rows: np.ndarray, _history: History, _trained: np.ndarray) -> np.ndarray:
        return (np.abs(_columns(rows, "mean_24h")) * np.sqrt(DAY_H)).max(axis=1)

    return _by_fold(folds, said)


def age_alone(folds: Sequence[Sequence[int]], _seed: int) -> np.ndarray:
    """Hours since the component was replaced whose date is the oldest; 0 where none is known."""

    def said(rows: np.ndarray, _history: History, _trained: np.ndarray) -> np.ndarray:
        return np.nan_to_num(_columns(rows, "replaced_h")).max(axis=1)

    return _by_fold(folds, said)


def isolation_forest(folds: Sequence[Sequence[int]], seed: int) -> np.ndarray:
    """How isolated a row is (Liu, Ting and Zhou 2008), what is missing read as the training machines' median."""

    def said(rows: np.ndarray, _history: History, trained: np.ndarray) -> np.ndarray:
        whole = np.where(np.isnan(rows), np.nanmedian(rows[trained], axis=0), rows)
        forest = IsolationForest(random_state=seed, n_jobs=1).fit(whole[trained][::EVERY_H])
        return -np.asarray(forest.score_samples(whole))

    return _by_fold(folds, said)


def classifier(folds: Sequence[Sequence[int]], seed: int) -> np.ndarray:
    """LightGBM's chance of "fails within 72 h", on all columns of the machine, censored rows left out."""

    def said(rows: np.ndarray, history: History, trained: np.ndarray) -> np.ndarray:
        label = history.hours <= WARNING_HORIZON_H
        known = label & (history.hours > 0) | (history.known_h > WARNING_HORIZON_H)
        use = trained & known & (np.arange(len(rows)) % EVERY_H == 0)
        settings = PARAMETERS | SMALLER | {"objective": "binary", "seed": seed}
        model = lightgbm.train(settings, lightgbm.Dataset(rows[use], label=label[use]), ROUNDS)
        return np.asarray(model.predict(rows, num_threads=1))

    return _by_fold(folds, said)


Said = Callable[[np.ndarray, History, np.ndarray], np.ndarray]
RULES: dict[str, Callable[[Sequence[Sequence[int]], int], np.ndarray]] = {
    "4 sigma": four_sigma, "age alone": age_alone, "isolation forest": isolation_forest,
    "72 h classifier": classifier, "rules alone": alone(Rung.RULES), "health alone": alone(Rung.HEALTH),
    "time to limit alone": alone(Rung.TREND), "these three together": alone(None),
}  # fmt: skip
"""Beside the hazard, by name. Rungs open at limits of their own, so that no fold chooses one for them."""


def _by_fold(folds: Sequence[Sequence[int]], said: Said) -> np.ndarray:
    out = np.empty(0)
    for rows, history, trained in each_fold(folds):
        found = said(rows, history, trained)
        out = np.empty(len(rows)) if not len(out) else out
        out[~trained] = found[~trained]
    return out


def _columns(rows: np.ndarray, what: str) -> np.ndarray:
    return rows[:, [at for at, name in enumerate(azure.names()) if name.rpartition(".")[2] == what]]


def warning_of(chance: np.ndarray) -> np.ndarray:
    """The chance that warnings go by."""
    return chance[:, WARNING]
