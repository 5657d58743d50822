"""The gate that every hazard graph passes before it leaves: it says what the native model says, whatever it is asked.

Judged from the bytes first (models.onnx_limits), then on named sets of rows against the native model, in batches of
other sizes, at infinities, and by what float32 can hold. What passes gets its acceptance vectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from msgspec import structs

from models import acceptance, onnx_file, onnx_limits
from models.inference import Predictor
from models.onnx_limits import Limit
from models.passed import Coarsest, Infinite, Kind, Missing, Passed
from onnx_export.reasons import ParityError, Reason
from onnx_export.recut import RANDOM_CUTS, SIZES, Chances, differing, in_batches
from onnx_export.resolution import Resolution
from onnx_export.stamp import stamped
from onnx_export.trials import REQUIRED, Trial, infinite

TOLERANCES = {Kind.TREES: 1e-5, Kind.MINIROCKET: 1e-3}
"""How far a chance may be off the native model's: the contract of the export."""
ACCEPTED = {Kind.TREES: 1e-6, Kind.MINIROCKET: 1e-4}
"""How far acceptance vectors may be off on another runtime or processor: a tenth of that. Bits would refuse a good file
for adding in another order. Our choice."""
BEYOND = {Kind.TREES: Infinite.BEYOND, Kind.MINIROCKET: Infinite.KEPT_OUT}
"""Trees compare, so infinities are as good as large numbers; sums of a net would be no numbers."""
MOST_RECUT = 2048
"""Rows that are cut anew, evenly from all sets."""
VECTORS = 32
"""Rows inside the file, evenly from all sets."""
LARGEST = np.float32(np.finfo(np.float32).max)
Wrong = list[tuple[Reason | Limit, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A graph that wants to leave, its native model, and what it is held to it on.

    `native` gives float64 chances [rows, horizons] of float32 rows; `trials` has at least all REQUIRED sets. `infinite`
    is what its card will say of infinities; None for what is usual of its kind.
    """

    onnx: bytes
    kind: Kind
    native: Chances
    trials: Mapping[Trial, np.ndarray]
    resolutions: Sequence[Resolution]
    operators: Set[tuple[str, str]] = onnx_limits.OPERATORS
    infinite: Infinite | None = None

    @property
    def beyond(self) -> Infinite:
        """What infinities do."""
        return self.infinite or BEYOND[self.kind]


def gate(candidate: Candidate) -> tuple[bytes, Passed]:
    """The file with its acceptance vectors inside, and its figures. Raises as `examine` does."""
    found = examine(candidate)
    rows = _evenly({trial: candidate.trials[trial] for trial in REQUIRED}, VECTORS)
    tolerance = ACCEPTED[candidate.kind]
    made = stamped(candidate.onnx, acceptance.Vectors.of(rows, Predictor(candidate.onnx).predict(rows), tolerance))
    count = acceptance.check(Predictor(made))
    return made, structs.replace(found, vectors=count, vectors_tolerance=tolerance, size_bytes=len(made))


def examine(candidate: Candidate) -> Passed:
    """The figures of a graph that may leave, of the file as it is. Raises ParityError with a reason for each check.

    Raises ValueError where a set of rows is missing, and ModelError where the bytes are no graph of ours.
    """
    lacking = [trial.value for trial in REQUIRED if not len(candidate.trials.get(trial, ()))]
    if lacking or not candidate.resolutions:
        raise ValueError(f"the gate needs rows of {', '.join(REQUIRED)} and resolutions, but lacks {lacking}")
    found = onnx_file.read(candidate.onnx)
    _refuse([(one.reason, f"{one.reason}: {one.detail}") for one in onnx_limits.broken(found, candidate.operators)], {})
    predictor = Predictor(candidate.onnx)
    trials = _with_infinite(candidate)
    given = {trial: in_batches(predictor.predict, rows) for trial, rows in trials.items()}
    off = {trial: _off(candidate.native, rows, given[trial]) for trial, rows in trials.items()}
    recut = _evenly(trials, MOST_RECUT)
    wrong = [
        *_differing(off, TOLERANCES[candidate.kind]),
        *_shape(np.concatenate(list(given.values()))),
        *_batch(differing(predictor.predict, recut)),
        *_infinite(predictor, trials.get(Trial.INFINITE)),
        *_unresolved(candidate.resolutions),
    ]
    _refuse(wrong, {trial.value: value for trial, value in off.items()})
    return _figures(candidate, found, trials, off, len(recut))


def _refuse(wrong: Wrong, figures: Mapping[str, object]) -> None:
    if wrong:
        reasons = tuple(dict.fromkeys(reason for reason, _ in wrong))
        told = "; ".join(detail for _, detail in wrong)
        raise ParityError(f"the graph may not leave: {told}: do not ship it, export it anew", reasons, figures)


def _with_infinite(candidate: Candidate) -> dict[Trial, np.ndarray]:
    trials = dict(candidate.trials)
    if candidate.beyond is Infinite.BEYOND:
        trials[Trial.INFINITE] = infinite(trials[Trial.HELD_OUT])
    return trials


def _off(native: Chances, rows: np.ndarray, given: np.ndarray) -> float:
    """The largest difference of chances; NaN where either is none."""
    return float(np.abs(given.astype(np.float64) - native(rows)).max())


def _differing(off: Mapping[Trial, float], tolerance: float) -> Wrong:
    return [
        (Reason.DIFFERS, f"{Reason.DIFFERS} by up to {value:.3g} on {trial} rows, {tolerance:g} is allowed")
        for trial, value in off.items()
        if not value <= tolerance  # a NaN is wrong too
    ]


def _shape(chances: np.ndarray) -> Wrong:
    """Chances that are none, or not of one machine."""
    asked = {
        Reason.NOT_FINITE: ~np.isfinite(chances).all(axis=1),
        Reason.OUT_OF_RANGE: ((chances < 0) | (chances > 1)).any(axis=1),
        Reason.DECREASES: (np.diff(chances, axis=1) < 0).any(axis=1),
    }
    return [(reason, f"{reason} for {rows.sum()} rows") for reason, rows in asked.items() if rows.any()]


def _batch(other: np.ndarray) -> Wrong:
    if not other.any():
        return []
    return [(Reason.BATCH, f"{Reason.BATCH} for {other.sum()} of {len(other)} rows: dynamic quantisation, or threads?")]


def _infinite(predictor: Predictor, rows: np.ndarray | None) -> Wrong:
    """Infinities against the largest float32 of their sign, bit for bit."""
    if rows is None:
        return []
    largest = np.where(np.isinf(rows), np.copysign(LARGEST, rows), rows)
    other = (in_batches(predictor.predict, rows) != in_batches(predictor.predict, largest)).any(axis=1)
    return [(Reason.INFINITE, f"{Reason.INFINITE} for {other.sum()} rows")] if other.any() else []


def _evenly(trials: Mapping[Trial, np.ndarray], most: int) -> np.ndarray:
    """As many rows of each set, spread over it."""
    each = most // len(trials)
    return np.concatenate(
        [rows[np.unique(np.linspace(0, len(rows) - 1, each).astype(int))] for rows in trials.values()]
    )


def _unresolved(resolutions: Sequence[Resolution]) -> Wrong:
    return [(Reason.RESOLUTION, f"{Reason.RESOLUTION}: {wrong}") for one in resolutions if (wrong := one.wrong())]


def _figures(
    candidate: Candidate,
    found: onnx_file.Contents,
    trials: Mapping[Trial, np.ndarray],
    off: Mapping[Trial, float],
    recut: int,
) -> Passed:
    worst = max(candidate.resolutions, key=lambda one: one.share)
    return Passed(
        kind=candidate.kind,
        tolerance=TOLERANCES[candidate.kind],
        rows={trial.value: len(rows) for trial, rows in trials.items()},
        largest_difference={trial.value: value for trial, value in off.items()},
        recut=recut,
        batches=SIZES,
        random_cuts=RANDOM_CUTS,
        missing=Missing.LEARNED,
        infinite=candidate.beyond,
        coarsest=Coarsest(worst.feature, worst.step, worst.spread, worst.share),
        size_bytes=found.size_bytes,
        nodes=found.nodes,
        operators=tuple(sorted({name for _, name in found.operators})),
        opsets={domain or "ai.onnx": version for domain, version in sorted(found.opsets.items())},
    )
