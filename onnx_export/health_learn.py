"""From healthy feature rows to a health model: spreads, components, limits by budget, the graph and its card.

No failure label is read anywhere. Whose rows they are is known in `health` (simulated fleets) and `health_own`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from models.failure.health import LIMIT, HealthCard, HealthModel
from models.features import Spec
from onnx_export.evaluate import MONTH_H
from onnx_export.health_graph import Learned, distances, gate, inputs_of, said, to_onnx
from onnx_export.history import History
from onnx_export.rungs import episodes_of, health_on
from onnx_export.train import masked

HEALTH = "health"
"""What a health model's name has after its type's."""
EVERY_MIN = 60
"""A machine's health is told once in an hour of running."""
EXPLAINED = 0.9
"""Share of the squared distances of a fleet kept back that the components explain: a common choice."""
QUANTILE = 0.99
"""Of T2 and SPE over healthy rows: an empirical limit, since neither is normal nor independent from hour to hour."""
LEAST_ROWS = 120
"""Hours of running with all inputs: five days. Our choice."""
MASKED = 0.2
"""Share of the gate's rows that lack a signal."""
BUDGET_A_MONTH = 0.0143
"""Warnings per machine-month that the limit would cost on fleets that do not fail, were they given there: a tenth of
0.143, which two a week are for 60 machines. The other nine tenths are for what cannot be seen there, warnings of
failures that come too early, and for the other rungs. Our choice. It and MARGIN were settled by how simulated plants
with failures came out, seeds 9001 to 9006, which are in no recipe and judge nothing; no failure goes into the model
itself."""
FACTORS = tuple(round(1.1**step, 3) for step in range(41))
"""What the limits are tried to be multiplied by: 1 to 45, in steps of a twentieth of the distance."""
AT_LIMIT = (LIMIT, 70.0)
"""On once the index is under the first, off above the second: at the limit. Health itself warns farther out yet."""
MARGIN = 1.1
"""The limit is set so much wider than the budget asks for: other plants are not those it is chosen on. Our choice."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A health model as it ships, and what it was made of."""

    learned: Learned
    onnx: bytes
    card: HealthCard


def learn(spec: Spec, fleets: Sequence[np.ndarray]) -> Learned:
    """Spreads, components and limits of healthy feature rows, fleet by fleet; the factor is 1 yet.

    Raises ValueError where an input is never known, or too few rows are.
    """
    rows = np.concatenate(list(fleets))
    spreads = [_root_mean_square(part) for part in distances(spec, rows)]
    if not all((spread > 0.0).all() for spread in spreads):
        raise ValueError("some input is not known in any healthy row: name a span in which all signals were heard")
    plain = Learned(
        own=spreads[0], fleet=spreads[1], loadings=np.empty((0, 0)), variances=np.empty(0), t2_limit=1.0, spe_limit=1.0
    )
    parts = [part for fleet in fleets if len(part := _complete(inputs_of(plain, spec, fleet)))]
    if sum(map(len, parts)) < LEAST_ROWS:
        raise ValueError(f"{sum(map(len, parts))} healthy rows have all inputs: {LEAST_ROWS} are needed, add days")
    count = _components(parts)
    values, vectors = _principal(np.concatenate(parts))
    found = replace(plain, loadings=vectors[:, :count], variances=values[:count])
    everything = said(found, spec, rows)
    t2_limit, spe_limit = (float(np.quantile(part, QUANTILE)) for part in (everything.t2, everything.spe))
    return replace(found, t2_limit=t2_limit, spe_limit=spe_limit)


def _root_mean_square(values: np.ndarray) -> np.ndarray:
    """By column, about 0, of what is known; 0 where nothing is."""
    known = ~np.isnan(values)
    return np.sqrt(np.square(np.where(known, values, 0.0)).sum(axis=0) / np.maximum(np.count_nonzero(known, axis=0), 1))


def _complete(inputs: np.ndarray) -> np.ndarray:
    return inputs[~np.isnan(inputs).any(axis=1)]


def _principal(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variances about 0 and directions of rows, the largest first, by singular values; signs are fixed."""
    _, singular, vectors = np.linalg.svd(inputs, full_matrices=False)
    signs = np.sign(vectors[np.arange(len(vectors)), np.abs(vectors).argmax(axis=1)])
    return np.square(singular) / len(inputs), (vectors * signs[:, None]).T


def _components(parts: Sequence[np.ndarray]) -> int:
    """The fewest components that explain EXPLAINED of each fleet's squares when learned on all others, on the mean."""
    shares = np.zeros(parts[0].shape[1])
    for kept in range(len(parts)):
        others = [part for at, part in enumerate(parts) if at != kept or len(parts) == 1]
        _, vectors = _principal(np.concatenate(others))
        shares += np.square(parts[kept] @ vectors).sum(axis=0) / np.square(parts[kept]).sum()
    return int(np.searchsorted(np.cumsum(shares / len(parts)), EXPLAINED) + 1)


def choose_factor(learned: Learned, spec: Spec, fleets: Sequence[History], budget: float) -> tuple[Learned, float]:
    """The limits as close to healthy machines as the budget of warnings a machine-month allows on other such fleets.

    Returns what they cost there. Raises ValueError where no factor keeps the budget.
    """
    for factor in FACTORS:
        tried = with_floor(replace(learned, factor=factor), spec, fleets)
        cost = cost_of(tried, spec, fleets)
        if tried.floor < 1.0 and cost <= budget:
            wider = with_floor(replace(learned, factor=factor * MARGIN), spec, fleets)
            return wider, cost_of(wider, spec, fleets)
    raise ValueError(f"healthy machines cost {cost:.3f} warnings a machine-month at the widest, {budget} are allowed")


def with_floor(learned: Learned, spec: Spec, fleets: Sequence[History]) -> Learned:
    """With where healthy machines lie half of the time."""
    roots = [np.sqrt(found.t2 + found.spe) for found in (said(learned, spec, fleet.features) for fleet in fleets)]
    return replace(learned, floor=float(np.median(np.concatenate(roots))))


def cost_of(learned: Learned, spec: Spec, fleets: Sequence[History]) -> float:
    """Times a machine-month that a machine of healthy fleets is at its limit for hours."""
    warnings = months = 0.0
    for fleet in fleets:
        on = health_on(fleet, said(learned, spec, fleet.features).index[:, 0], AT_LIMIT)
        warnings += len(list(episodes_of(fleet, on)))
        months += len(on) * fleet.every_min / 60 / MONTH_H
    return warnings / months


def finish(learned: Learned, spec: Spec, rows: np.ndarray, *, name: str, **said_of: object) -> Made:
    """Export, hold the graph to what was learned on `rows`, and write the card. Raises ParityError."""
    onnx = to_onnx(learned, spec)
    card = HealthCard(
        name=name,
        sha256=hashlib.sha256(onnx).hexdigest(),
        signals=spec.signals,
        counters=spec.counters,
        expected=spec.expected,
        shares=spec.shares,
        events=spec.events,
        rolls_over_at=spec.rolls_over_at,
        groups=spec.groups_told,
        features_sha256=spec.sha256,
        components=learned.loadings.shape[1],
        parity=gate(learned, spec, onnx, trial_rows(spec, rows)),
        **said_of,  # type: ignore[arg-type]
    )
    HealthModel(onnx, card)
    return Made(learned=learned, onnx=onnx, card=card)


def trial_rows(spec: Spec, rows: np.ndarray) -> np.ndarray:
    """Rows for the gate: some lack a signal, as windows without its samples do."""
    return masked(spec, rows, share=MASKED)


def write(folder: Path, made: Made) -> tuple[Path, Path]:
    """Put the model and its card beside one another; returns where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / f"{made.card.name}.onnx", folder / f"{made.card.name}.json"
    paths[0].write_bytes(made.onnx)
    paths[1].write_bytes(msgspec.json.format(msgspec.json.encode(made.card), indent=2) + b"\n")
    return paths
