"""A release's files loaded and run: acceptance vectors, rows with missing and edge values, the time of a batch.

Called in a trial's own process. Reads no file; asks the processor's clock alone.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from msgspec import Struct

from models import acceptance
from models.contracts import kind_of, outputs_of, unsound
from models.failure.health import HealthModel, without_fleet
from models.failure.learned import Model, card_of, load
from models.inference import Graph, ModelError, Predictor, WrongEnds
from models.release import Kind, Part, Refusal, Refused

BATCH = 256
BATCH_MS = 20.0
"""Of processor time, for a batch at the 99th percentile: the starter takes 1 ms. Our choice."""
MOST_BATCHES, MOST_BATCHES_S = 200, 2.0
SEED = 1
EDGES = (np.nan, 0.0, 1e6, -1e6)
"""More than a signal has in any unit that a plant uses. Our choice; the export gate looks further."""


class Tried(Struct, frozen=True, kw_only=True, tag=True):
    """What was measured: rows that came out well, acceptance vectors that agreed, processor time, largest memory.

    A processor's clock may tick in 4 ms, as in some virtual machines: the mean is exact, the percentile to a tick.
    """

    rows: int
    vectors: int
    load_ms: float
    batch_mean_ms: float
    batch_p99_ms: float
    memory_bytes: int = 0


def measured(files: Mapping[Part, bytes], batch_ms: float = BATCH_MS) -> Tried:
    """What loading and running the files gives. Raises Refused; anything else that is raised was not foreseen."""
    begin_s = time.process_time()
    graph, model, vectors = _loaded(files)
    load_ms = (time.process_time() - begin_s) * 1e3
    rows = rows_of(graph.features)
    _run_well(graph, model, rows)
    taken_ms = _times_ms(lambda: graph.run(rows[:BATCH]))
    p99_ms = _at(taken_ms, 0.99)
    if p99_ms > batch_ms:
        raise Refused(
            Refusal.TOO_SLOW,
            f"a batch of {BATCH} rows takes {p99_ms:.3g} ms of processor time at the 99th percentile, {batch_ms:g} ms "
            "is allowed: export a smaller model",
        )
    return Tried(
        rows=len(rows),
        vectors=vectors,
        load_ms=round(load_ms, 3),
        batch_mean_ms=round(sum(taken_ms) / len(taken_ms), 3),
        batch_p99_ms=round(p99_ms, 3),
    )


def _loaded(files: Mapping[Part, bytes]) -> tuple[Graph, Model, int]:
    """A graph, the model around it, and how many acceptance vectors agreed."""
    with _refusing(Refusal.NO_CARD):
        card = card_of(files.get(Part.CARD, b""))
    onnx = files[Part.ONNX]
    with _refusing(Refusal.NOT_ONNX):
        graph = Predictor(onnx) if kind_of(card) is Kind.FAILURE else Graph(onnx, tuple(outputs_of(card)))
    with _refusing(Refusal.VECTORS_FAIL):
        vectors = acceptance.check(graph)
    with _refusing(Refusal.WRONG_CARD):
        model = load(onnx, files[Part.CARD], files.get(Part.CASES, b""))
    return graph, model, vectors


@contextlib.contextmanager
def _refusing(reason: Refusal) -> Iterator[None]:
    """A ModelError inside means this; one of inputs and outputs always means WRONG_INPUTS."""
    try:
        yield
    except WrongEnds as wrong:
        raise Refused(Refusal.WRONG_INPUTS, str(wrong)) from wrong
    except ModelError as wrong:
        raise Refused(reason, str(wrong)) from wrong


def rows_of(features: int) -> np.ndarray:
    """BATCH rows of no machine, one in seven without half of its features; then each feature, and all, at EDGES."""
    random = np.random.default_rng(SEED)
    some = random.normal(0.0, 50.0, (BATCH, features)).astype(np.float32)
    some[::7] = np.where(random.random(some[::7].shape) < 0.5, np.float32(np.nan), some[::7])
    each = np.eye(features, dtype=bool)
    at = np.concatenate([each, np.ones((1, features), bool)])
    base = some[np.arange(features + 1) % BATCH]
    return np.concatenate([some, *(np.where(at, np.float32(edge), base) for edge in EDGES)])


def _run_well(graph: Graph, model: Model, rows: np.ndarray) -> None:
    """Raise Refused where outputs have other shapes than the graph states, or are not sound by their contract."""
    if isinstance(model, HealthModel):
        rows = without_fleet(model.spec, rows)
    batches = [graph.run(rows[at : at + BATCH]) for at in range(0, len(rows), BATCH)]
    outputs = [np.concatenate(parts) for parts in zip(*batches, strict=True)]
    found, stated = [output.shape for output in outputs], [(len(rows), width) for width in graph.widths]
    if found != stated:
        raise Refused(Refusal.WRONG_INPUTS, f"outputs of {len(rows)} rows are {found}, stated is {stated}")
    if wrong := unsound(kind_of(model.card), dict(zip(graph.names, outputs, strict=True))):
        raise Refused(Refusal.NOT_FINITE, f"with missing and edge values, {wrong}: train or export the model anew")


def _times_ms(run: Callable[[], object]) -> list[float]:
    """Processor time of each run, sorted, without that of the first, which warms up."""
    taken: list[float] = []
    while len(taken) < 2 or (len(taken) <= MOST_BATCHES and sum(taken) < MOST_BATCHES_S * 1e3):
        begin_ns = time.process_time_ns()
        run()
        taken.append((time.process_time_ns() - begin_ns) / 1e6)
    return sorted(taken[1:])


def _at(ordered: list[float], share: float) -> float:
    """The value under which this share of them lies, by the nearest rank."""
    return ordered[max(0, int(np.ceil(share * len(ordered))) - 1)]
