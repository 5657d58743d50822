"""What `forewarn model verify` and `export` look at: the file's bytes, then the graph on rows made of chance.

The native model is not at hand here; what the gate found against it stands in the card. Needs no training library.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec import UNSET, to_builtins

from models import onnx_file, onnx_limits
from models.failure.hazard import Card, Hazard
from models.inference import Graph, ModelError, Predictor
from models.onnx_limits import STANDARD, TREES
from models.passed import Infinite, Served
from onnx_export import latency
from onnx_export.recut import RANDOM_CUTS, SIZES, differing, in_batches
from onnx_export.trials import edges, infinite

ROWS, SEED = 2048, 1
LARGEST_OF_NETS = 1e6
"""Nets add; trees compare, and take the largest float32."""
FLOAT32 = np.float32(np.finfo(np.float32).max)
Told = dict[str, object]


def checks(onnx: bytes, hazard: Hazard) -> Told:
    """What was looked at and found. Raises ModelError with all that is wrong, and what to do."""
    found = contents(onnx)
    predictor = Predictor(onnx)
    beyond = _says_of_infinities(hazard.card, found)
    rows = rows_of(len(hazard.spec.names), float(FLOAT32) if beyond is Infinite.BEYOND else LARGEST_OF_NETS)
    wrong = [*_order(predictor, rows), *_batches(predictor, rows)]
    if beyond is Infinite.BEYOND:
        wrong += _infinities(predictor, rows)
    if wrong:
        raise ModelError(f"{'; '.join(wrong)}: nothing was copied; train or export the model anew")
    return {
        "version": hazard.card.version,
        "trained on": hazard.card.trained_on,
        "sha256": hazard.card.sha256,
        "size": f"{len(onnx):,} bytes, {found.nodes} nodes",
        "opsets": {domain or "ai.onnx": version for domain, version in sorted(found.opsets.items())},
        "operators": sorted({name for _, name in found.operators}),
        "features": len(hazard.spec.names),
        "acceptance vectors": f"{hazard.vectors} agree" if hazard.vectors else "no acceptance vectors",
        "batches": f"{len(rows)} rows equal bit for bit in batches of {_listed(SIZES)} and {RANDOM_CUTS} random cuts",
        "chances": "finite, in 0..1, never decreasing, on missing, edge and random rows",
        "infinities": beyond.value,
        "parity of training": hazard.card.parity,
        "gate": _gate(hazard.card),
        "scores": hazard.card.scores,
    }


def served(onnx: bytes, features: int) -> Served:
    """What the file costs to serve here."""
    return latency.served(onnx, Predictor(onnx).predict, random_rows(features))


def told(found: Mapping[str, object]) -> list[tuple[str, str]]:
    """Names and values as lines for people; a value of several figures has a line each."""
    lines: list[tuple[str, str]] = []
    for name, value in found.items():
        if isinstance(value, Mapping):
            lines += [
                (name if at == 0 else "", f"{key}: {_figure(one)}") for at, (key, one) in enumerate(value.items())
            ]
        else:
            lines.append((name, _figure(value)))
    return lines


def random_rows(features: int, count: int = ROWS) -> np.ndarray:
    """Float32 rows [count, features] of no machine; one in seven lacks half of its features."""
    random = np.random.default_rng(SEED)
    rows = random.normal(0, 50, (count, features)).astype(np.float32)
    rows[::7] = np.where(random.random((len(rows[::7]), features)) < 0.5, np.float32(np.nan), rows[::7])
    return rows


def rows_of(features: int, largest: float) -> np.ndarray:
    """Random rows, rows at the edges of float32 and one that has nothing."""
    rows = random_rows(features)
    return np.concatenate([rows, edges(rows, largest), np.full((1, features), np.nan, np.float32)])


def _says_of_infinities(card: Card, found: onnx_file.Contents) -> Infinite:
    """What the card says, or what is usual of what the file is made of."""
    if card.gate is not UNSET:
        return card.gate.infinite
    return Infinite.BEYOND if any(domain == TREES for domain, _ in found.operators) else Infinite.KEPT_OUT


def contents(onnx: bytes) -> onnx_file.Contents:
    """What is in a file. Raises ModelError where it breaks a limit."""
    found = onnx_file.read(onnx)
    broken = "; ".join(f"{one.reason}: {one.detail}" for one in onnx_limits.broken(found))
    if broken:
        raise ModelError(
            f"the file breaks limits of what workers load: {broken}: export it anew, of standard operators at opset "
            f"{onnx_limits.OPSETS[STANDARD].start} to {onnx_limits.OPSETS[STANDARD].stop - 1}, in one file"
        )
    return found


def _order(predictor: Predictor, rows: np.ndarray) -> list[str]:
    chances = in_batches(predictor.predict, rows)
    if not np.isfinite(chances).all() or chances.min() < 0 or chances.max() > 1 or (np.diff(chances, axis=1) < 0).any():
        return ["chances must be finite, lie in 0..1 and never fall with the horizon"]
    return []


def check_rows_alone(graph: Graph) -> None:
    """Raise ModelError where what a row gives depends on the rows beside it."""
    if wrong := _batches(graph, random_rows(graph.features)):
        raise ModelError("; ".join(wrong))


def _batches(predictor: Graph, rows: np.ndarray) -> list[str]:
    other = int(differing(predictor.predict, rows).sum())
    if not other:
        return []
    return [f"results of {other} of {len(rows)} rows depend on the rows beside them: dynamic quantisation or threads?"]


def _infinities(predictor: Predictor, rows: np.ndarray) -> list[str]:
    tried = infinite(rows)
    largest = np.where(np.isinf(tried), np.copysign(FLOAT32, tried), tried)
    if np.array_equal(in_batches(predictor.predict, tried), in_batches(predictor.predict, largest)):
        return []
    return ["an infinite value gives another chance than the largest one"]


def _gate(card: Card) -> object:
    return "not in the card: made before the gate wrote there" if card.gate is UNSET else to_builtins(card.gate)


def _figure(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_figure(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return _listed(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _listed(values: list[object] | tuple[object, ...]) -> str:
    return ", ".join(str(value) for value in values)
