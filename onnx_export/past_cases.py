"""Past cases beside a model: what lives with a known end looked like when they were first over its limit.

Each life gives one case at most, so that a long one is not told three times. Features are those that say how far a
machine is from its own usual, or hourly and daily means where nothing is expected of its signals.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from models.failure.hazard import WARNING
from models.failure.similar import PastCase, PastCases
from models.features import Spec
from models.records import HORIZONS_H, Became
from onnx_export.episodes import Replay
from onnx_export.history import History

CHANGES = ("change_24h", "exceeds_72h", "slope_72h_per_h", "slope_7d_per_d", "slope_30d_per_d")
"""Of each signal of which something is expected: its distance from the asset's own usual, and how that moves."""
MEANS = ("mean_1h", "mean_24h")
MOST = 400
"""Cases kept, evenly from all: some 100 KB of JSON, and one search in well under a millisecond. Our choice."""
LEAST_KNOWN = 0.5
"""Share of cases that have a feature; one that fewer have is left out. Our choice."""
SPREAD = 1.4826
"""Of a median absolute deviation to a standard deviation of the normal distribution."""
DIGITS = 6


def past_cases(spec: Spec, runs: Sequence[Replay], limit: float) -> PastCases:
    """The cases of histories with the model's own chances.

    A case failed where it did so within the last horizon; one whose outcome is not known is left out.
    """
    found = [(run.history, row) for run in runs for row in _first_over(run, limit).tolist()]
    kept = [found[at] for at in sorted({round(at) for at in np.linspace(0, len(found) - 1, min(MOST, len(found)))})]
    columns = _columns(spec)
    values = np.array([history.features[row, columns] for history, row in kept], np.float64).reshape(-1, len(columns))
    used, scale = _scales(values)
    return PastCases(
        features=tuple(spec.names[columns[at]] for at in used.tolist()),
        scale=tuple(scale.tolist()),
        cases=tuple(_case(history, row, of) for (history, row), of in zip(kept, values[:, used], strict=True)),
    )


def file_of(spec: Spec, runs: Sequence[Replay], limit: float) -> bytes:
    """The bytes of NAME.cases.json; none where no case, or nothing that differs between them, was found."""
    found = past_cases(spec, runs, limit)
    return encoded(found) if found.cases and found.features else b""


def encoded(found: PastCases) -> bytes:
    """The bytes of NAME.cases.json, whose hash the card has."""
    return msgspec.json.encode(found) + b"\n"


def _first_over(run: Replay, limit: float) -> np.ndarray:
    """Rows of known outcome at which each life was first over the limit."""
    history = run.history
    over = np.flatnonzero((run.chances[:, WARNING] >= limit) & history.known)
    _, first = np.unique(np.stack([history.asset[over], history.since_us[over]]), axis=1, return_index=True)
    return over[np.sort(first)]


def _columns(spec: Spec) -> np.ndarray:
    wanted = CHANGES if spec.expected else MEANS
    return np.array([at for at, name in enumerate(spec.names) if name.rpartition(".")[2] in wanted], np.int64)


def _scales(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of features that most cases have and that differ between them, and their robust spread."""
    known = ~np.isnan(values)
    enough = np.flatnonzero(known.mean(axis=0) >= LEAST_KNOWN) if len(values) else np.empty(0, np.int64)
    middle = np.nanmedian(values[:, enough], axis=0)
    spread = SPREAD * np.nanmedian(np.abs(values[:, enough] - middle), axis=0)
    scale = np.array([float(f"{one:.{DIGITS}g}") for one in spread.tolist()])
    return enough[scale > 0], scale[scale > 0]


def _case(history: History, row: int, values: np.ndarray) -> PastCase:
    told = tuple(None if np.isnan(value) else float(f"{value:.{DIGITS}g}") for value in values.tolist())
    if history.hours[row] > HORIZONS_H[-1]:
        return PastCase(values=told, outcome=Became.OUTLIVED)
    mode, lead_h = history.modes[history.mode[row]], round(float(history.hours[row]), 1)
    return PastCase(values=told, outcome=Became.FAILED, mode=mode, lead_h=lead_h)
