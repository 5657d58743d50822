"""Rows to a small LightGBM hazard: its parameters, rows that lack a signal, thresholds that float32 can tell.

The same rows give the same trees: one thread, fixed seeds. Thresholds are rounded down to float32 before anything is
exported, so that float32 rows go the same way in LightGBM and in ONNX.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import lightgbm
import numpy as np

from models.features import PER_SIGNAL, Spec
from onnx_export.history import History
from onnx_export.survival import Outcomes, fit

TREES = 120
"""On fleets held back these had a log loss of 0.2985, 60 of them 0.3074, and 200 at half the rate 0.3001."""
LEAVES = 15
MASKED_SHARE = 0.05
"""Share of rows in which one signal is missing, so that trees learn a way for every sensor that may fall silent."""
MASK_SEED = 20260101

ZERO = float(np.float32(1e-35))
"""LightGBM's kZeroThreshold (include/LightGBM/meta.h): it reads values up to this far from 0 as 0, ONNX does not; a
split below 0 stands exactly on the negative one."""

PARAMETERS: dict[str, object] = {
    "objective": "binary",
    "num_leaves": LEAVES,
    "learning_rate": 0.1,
    "min_data_in_leaf": 100,  # a leaf speaks for several machines: a failure has about 90 rows at one in 110 min
    "feature_fraction": 0.4,  # so that no single signal carries a hazard alone
    "lambda_l2": 5.0,
    "max_bin": 127,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,  # more add histograms in another order
    "seed": 20260101,
    "verbose": -1,
}


def rows_of(histories: Sequence[History], every: int = 1) -> tuple[np.ndarray, Outcomes]:
    """Features and outcomes of one row in `every` of each history, of those of which anything is known."""
    features, outcomes = [], []
    for history in histories:
        found, told = history.outcomes
        rows = np.flatnonzero(told[::every]) * every
        features.append(history.features[rows])
        outcomes.append(found.where(rows))
    return np.concatenate(features), Outcomes(*(np.concatenate(parts) for parts in zip(*outcomes, strict=True)))


def masked(spec: Spec, features: np.ndarray, share: float = MASKED_SHARE) -> np.ndarray:
    """A copy in which some rows lack one signal, as windows without its samples do."""
    random = np.random.default_rng(MASK_SEED)
    out = features.copy()
    hit = random.random(len(out)) < share
    which = random.integers(len(spec.signals), size=len(out))
    for at, signal in enumerate(spec.signals):
        rows = np.flatnonzero(hit & (which == at))
        out[rows[:, None], needing(spec, signal)] = np.nan
    return out


def needing(spec: Spec, signal: str) -> np.ndarray:
    """Columns that a window without a signal leaves empty, in order: its own, and of targets expected from it.

    What a target reads by itself stays; only what is compared with its expected reading goes. Whose usual that would be
    is known without it.
    """
    stays = set(spec.own.tolist()) if spec.groups.fleet else set()
    found = set(spec.columns_of(signal).tolist()) - stays
    for one in spec.expected:
        if signal in (term for term, _ in one.terms):
            own = {f"{one.target}.{what}" for what in PER_SIGNAL}
            found |= {
                column for column in spec.columns_of(one.target).tolist() if spec.names[column] not in own
            } - stays
    return np.array(sorted(found))


def train(spec: Spec, features: np.ndarray, outcomes: Outcomes, trees: int = TREES) -> lightgbm.Booster:
    """The model as LightGBM makes it, with float64 thresholds.

    Rows weigh the same: an outcome is as frequent in them as in the plant, so that chances are chances.
    """
    return fit(masked(spec, features), outcomes, PARAMETERS, trees)


def floored(model: lightgbm.Booster) -> lightgbm.Booster:
    """The same model with each threshold the largest float32 that is not above it.

    No float32 lies between the two, so every float32 row takes the same branches.
    """
    text = re.sub(r"(?m)^threshold=(.*)$", _floored_line, model.model_to_string())
    # The sizes of the trees' texts are an index for reading in parallel, and wrong now; without them it reads in order.
    return lightgbm.Booster(model_str=re.sub(r"(?m)^tree_sizes=.*\n", "", text))


def _floored_line(found: re.Match[str]) -> str:
    return "threshold=" + " ".join(repr(floor32(float(word))) for word in found[1].split())


def floor32(value: float) -> float:
    """The largest float32 that is not above a float64, and one lower for -ZERO, which LightGBM reads as 0."""
    near = np.float32(value)
    return float(np.nextafter(near, np.float32(-np.inf)) if float(near) > value or value == -ZERO else near)
