"""What most people would do: one LightGBM classifier of failing within 72 h, judged on machines that it never saw."""

from __future__ import annotations

import lightgbm
import numpy as np

from models.failure.hazard import WARNING
from models.records import HORIZONS_H
from onnx_export.calibrate import come
from onnx_export.crossval import splits
from onnx_export.history import History
from onnx_export.train import PARAMETERS, TREES


def classified(history: History, seed: int, trees: int = TREES) -> np.ndarray:
    """Chances of failing within 72 h out of fold, in the place of those of every horizon, float64 [rows, horizons].

    Rows of which it is not known whether they fail within 72 h are left out of training, as is usual.
    """
    outcomes, told = history.outcomes
    failed, known = come(outcomes, WARNING)
    known &= told
    chance = np.zeros(len(history.asset))
    parameters = PARAMETERS | {"objective": "binary", "seed": seed}
    for kept, left_out in splits(history.asset, seed):
        rows = kept[known[kept]]
        data = lightgbm.Dataset(history.features[rows], label=failed[rows].astype(np.float64))
        model = lightgbm.train(parameters, data, num_boost_round=trees)
        chance[left_out] = model.predict(history.features[left_out], num_threads=1)
    return np.repeat(chance[:, None], len(HORIZONS_H), axis=1)
