"""Trees at the gate: ONNX must say what LightGBM says, alone or among others, and never fall.

Compared is the model as it was trained, with float64 thresholds, on the float32 rows that serving sees: history, rows
with missing signals, and rows that stand exactly on a threshold or one float32 beside it. `candidate_of` takes them on
to the whole gate (onnx_export.gate).
"""

from __future__ import annotations

from collections.abc import Sequence

import lightgbm
import numpy as np
from msgspec import Struct

from models.features import Spec
from models.inference import Predictor
from models.passed import Kind
from onnx_export.gate import Candidate
from onnx_export.pooled import Pool, chances, plain
from onnx_export.reasons import ParityError, Reason
from onnx_export.recut import Chances, in_batches
from onnx_export.resolution import resolutions
from onnx_export.survival import scores_of, within_of
from onnx_export.train import masked, needing
from onnx_export.trials import LARGEST, trials

__all__ = [
    "Parity",
    "ParityError",
    "candidate",
    "candidate_of",
    "compare",
    "compared",
    "expected",
    "gate",
    "passed",
    "rows_at",
    "thresholds_of",
    "trial_rows",
]

TOLERANCE = 1e-6
"""Chances travel with 6 decimals (models.failure.hazard.DECIMALS); float32 sums of 40 leaves differ by some 3e-7."""
LEAST_ROWS = 20_000
BATCH = 256
SEED = 20260102
"""Of the draw of rows and thresholds."""


class Parity(Struct, frozen=True):
    """What was compared, and the largest differences."""

    rows: int
    rows_at_threshold: int
    rows_with_nan: int
    largest_difference: float
    rows_differing_by_batch: int
    rows_decreasing: int

    def figures(self) -> dict[str, float]:
        """As a card tells them."""
        return {name: float(getattr(self, name)) for name in self.__struct_fields__}


def trial_rows(
    spec: Spec, features: np.ndarray, model: lightgbm.Booster, least: int = LEAST_ROWS, pool: Pool | None = None
) -> np.ndarray:
    """At least `least` rows made from history: a third as they are, a third each on and beside a threshold.

    One row in five lacks a signal.
    """
    return rows_at(spec, features, thresholds_of(model, pool), least)


def rows_at(
    spec: Spec, features: np.ndarray, thresholds: Sequence[tuple[int, float]], least: int = LEAST_ROWS
) -> np.ndarray:
    """The same of any trees, by their thresholds (column, value)."""
    random = np.random.default_rng(SEED)
    rows = features[random.integers(len(features), size=least + 2)]
    third = len(rows) // 3
    for at in range(third, len(rows)):
        column, value = thresholds[int(random.integers(len(thresholds)))]
        exact = np.float32(np.clip(value, -LARGEST, LARGEST))
        rows[at, column] = (
            exact if at < 2 * third else np.nextafter(exact, np.float32(random.choice((-LARGEST, LARGEST))))
        )
    return masked(spec, rows, share=0.2)


def thresholds_of(model: lightgbm.Booster, pool: Pool | None = None) -> list[tuple[int, float]]:
    """Every (column, threshold) of a model's trees, in order and without doubles, but those of the interval.

    Columns are a machine's, also where the trees see rows of its components.
    """
    found: set[tuple[int, float]] = set()
    for tree in model.dump_model()["tree_info"]:
        waiting = [tree["tree_structure"]]
        while waiting:
            node = waiting.pop()
            if "threshold" in node:
                found.add((node["split_feature"], float(node["threshold"])))
                waiting += (node["left_child"], node["right_child"])
    interval = model.num_feature() - 1
    told = sorted(one for one in found if one[0] < interval)
    return pool.thresholds(told) if pool else told


def expected(model: lightgbm.Booster, rows: np.ndarray, pool: Pool | None = None) -> np.ndarray:
    """Chances by LightGBM in float64: what the product of survivals leaves."""
    pool = pool or plain(rows.shape[1])
    return chances(pool, within_of(scores_of(model, pool.rows(rows))))[0]


def compare(model: lightgbm.Booster, onnx: bytes, rows: np.ndarray, pool: Pool | None = None) -> Parity:
    """Differences of the graph from the model, of rows alone from rows in batches, and of horizons from their order."""
    return compared(onnx, rows, lambda rows: expected(model, rows, pool), thresholds_of(model, pool))


def compared(onnx: bytes, rows: np.ndarray, native: Chances, thresholds: Sequence[tuple[int, float]]) -> Parity:
    """The same of any trees, by what gives their chances in float64, and their thresholds."""
    predictor = Predictor(onnx)
    batched, alone = (in_batches(predictor.predict, rows, size) for size in (BATCH, 1))
    at_threshold = _at_threshold(thresholds, rows)
    return Parity(
        rows=len(rows),
        rows_at_threshold=int(at_threshold.sum()),
        rows_with_nan=int(np.isnan(rows).any(axis=1).sum()),
        largest_difference=float(np.abs(batched - native(rows)).max()),
        rows_differing_by_batch=int((batched.view(np.int32) != alone.view(np.int32)).any(axis=1).sum()),
        rows_decreasing=int((np.diff(batched, axis=1) < 0).any(axis=1).sum()),
    )


def _at_threshold(thresholds: Sequence[tuple[int, float]], rows: np.ndarray) -> np.ndarray:
    """Rows with a value that is the nearest float32 of a threshold, where rounding up would send it the wrong way."""
    out = np.zeros(len(rows), bool)
    for column in {column for column, _ in thresholds}:
        values = np.clip([value for at, value in thresholds if at == column], -LARGEST, LARGEST).astype(np.float32)
        out |= np.isin(rows[:, column], values)
    return out


def gate(model: lightgbm.Booster, onnx: bytes, rows: np.ndarray, pool: Pool | None = None) -> Parity:
    """The figures of a graph that may ship; raises ParityError where it may not."""
    return passed(compare(model, onnx, rows, pool))


def passed(found: Parity) -> Parity:
    """Figures of a graph that may ship. Raises ParityError where it may not."""
    asked = {
        Reason.DIFFERS: (
            not found.largest_difference <= TOLERANCE,  # a NaN is wrong too
            f"differs from LightGBM by up to {found.largest_difference:.3g}, {TOLERANCE:g} is allowed",
        ),
        Reason.BATCH: (
            found.rows_differing_by_batch > 0,
            f"gives other bits in a batch of {BATCH} than alone for {found.rows_differing_by_batch} rows",
        ),
        Reason.DECREASES: (found.rows_decreasing > 0, f"decreases in the horizon for {found.rows_decreasing} rows"),
    }
    wrong = {reason: detail for reason, (is_wrong, detail) in asked.items() if is_wrong}
    if wrong:
        told = f"over {found.rows} rows the graph {'; '.join(wrong.values())}: do not ship it, export it anew"
        raise ParityError(told, tuple(wrong), found.figures())
    return found


def candidate_of(
    spec: Spec,
    model: lightgbm.Booster,
    onnx: bytes,
    history: np.ndarray,
    held_out: np.ndarray,
    pool: Pool | None = None,
) -> Candidate:
    """A model of trees for the whole gate: `history` is what it learned from, `held_out` rows that it never saw."""
    thresholds = thresholds_of(model, pool)
    return candidate(spec, onnx, lambda rows: expected(model, rows, pool), thresholds, history, held_out)


def candidate(
    spec: Spec,
    onnx: bytes,
    native: Chances,
    thresholds: Sequence[tuple[int, float]],
    history: np.ndarray,
    held_out: np.ndarray,
) -> Candidate:
    """The same of any trees, by what gives their chances in float64, and their thresholds."""
    groups = {signal: needing(spec, signal) for signal in spec.signals}
    return Candidate(
        onnx=onnx,
        kind=Kind.TREES,
        native=native,
        trials=trials(held_out, groups, thresholds),
        resolutions=resolutions(history, spec.names, thresholds),
    )
