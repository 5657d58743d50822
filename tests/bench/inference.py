"""How fast the hazard answers, without servers: `make bench ONLY=inference`.

The shipped starter on prepared float32 rows of simulated pumps, all six horizons, as a worker asks it: one thread, in
batches across assets. Beside it LightGBM's own predict of a model of the starter's size (7 classes x 40 rounds, 15
leaves, learned from random rows), the same model a row at a time, and other settings of the session, interleaved in the
same run. Bars, and what two threads do, are in time of the clock; all else in time of the core, whoever else uses it.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Barrier

import lightgbm
import numpy as np
import onnxruntime

from models.failure.hazard import Hazard
from models.inference import INPUT, OUTPUT, Predictor
from models.physics.wear import WearLaw
from models.plant import parse
from models.records import HORIZONS_H
from onnx_export.convert import to_onnx
from onnx_export.fleets import Job
from onnx_export.parity import expected
from onnx_export.recipe import Plan
from onnx_export.recut import Chances, differing, in_batches
from onnx_export.survival import INTERVALS, Outcomes, fit
from onnx_export.train import PARAMETERS, TREES, floored
from pipelines.settings import STARTER
from tests.kit.bench import Row, report

BATCH, CALLS, ROUNDS, RELOADS = 256, 500, 9, 300
PROCESSES, SECONDS = 2, 4.0
"""A worker's step is one process and one core; so two of them are what two cores do."""
MOST_MS, LEAST_A_SECOND = 20.0, 20_000.0
"""Asked for: p99 of 256 windows; forecasts of six horizons from prepared features, on two cores."""
SEED, PUMPS, DAYS, EVERY_MIN = 9901, 6, 20, 20
"""Of the rows; no model ever saw this seed."""
PEER_SEED, PEER_ROWS = 9902, 20_000


def shipped() -> Hazard:
    return Hazard.load(*((Path(STARTER) / f"pump.{kind}").read_bytes() for kind in ("onnx", "json", "cases.json")))


def prepared(hazard: Hazard) -> np.ndarray:
    """Rows of simulated pumps in no order of time, whole batches: each is of many assets and hours."""
    asset_type = parse((Path(STARTER) / "pumps.toml").read_text()).types["pump"]
    found = Job(Plan(seed=SEED, law=WearLaw()), PUMPS, DAYS, EVERY_MIN, asset_type, hazard.spec).run().features
    found = found[np.random.default_rng(SEED).permutation(len(found))]
    return np.ascontiguousarray(found[: len(found) // BATCH * BATCH])


def batches(rows: np.ndarray) -> Iterator[np.ndarray]:
    """Without end, each another batch."""
    at = 0
    while True:
        yield rows[at : at + BATCH]
        at = (at + BATCH) % len(rows)


def windows_ms(hazard: Hazard, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Milliseconds of calls with BATCH rows, by the clock and of the core."""
    clock, core = [], []
    for _, batch in zip(range(CALLS), batches(rows), strict=False):
        begun, spent = time.perf_counter(), time.process_time()
        hazard.chances(batch)
        core.append((time.process_time() - spent) * 1000.0)
        clock.append((time.perf_counter() - begun) * 1000.0)
    return np.array(clock), np.array(core)


def serve(rows: np.ndarray, together: Barrier, found: SimpleQueue[float]) -> None:
    """One process: forecasts a second over SECONDS, begun when all are ready."""
    hazard, done = shipped(), 0
    hazard.chances(rows[:BATCH])
    together.wait()
    begun = time.perf_counter()
    for batch in batches(rows):
        done += len(hazard.chances(batch))
        if (took := time.perf_counter() - begun) >= SECONDS:
            found.put(done / took)
            return


def a_second(rows: np.ndarray, processes: int) -> float:
    """Forecasts a second of so many processes side by side."""
    context = multiprocessing.get_context("spawn")
    together, found = context.Barrier(processes), context.SimpleQueue()
    running = [context.Process(target=serve, args=(rows, together, found)) for _ in range(processes)]
    for process in running:
        process.start()
    rates = [found.get() for _ in running]
    for process in running:
        process.join()
    return sum(rates)


def us_a_row(ways: Mapping[str, Callable[[], object]], rows: int, clock: Callable[[], float]) -> dict[str, list[float]]:
    """Microseconds a row by round, the ways interleaved, each after a pass that brings its trees into the cache."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            way()
            begun = clock()
            way()
            found[name].append((clock() - begun) / rows * 1e6)
    return found


def peer(features: int) -> lightgbm.Booster:
    """Trees as many and as large as the starter's; what they say is nothing."""
    random = np.random.default_rng(PEER_SEED)
    rows = random.normal(0, 50, (PEER_ROWS, features)).astype(np.float32)
    rows[random.random(rows.shape) < 0.02] = np.nan
    classes = (np.nan_to_num(rows[:, :8]).sum(axis=1) // 20 + random.integers(0, 3, PEER_ROWS)).astype(int) % (
        INTERVALS + 1
    )
    return fit(rows, Outcomes(classes, classes, np.ones(PEER_ROWS)), PARAMETERS, TREES)


def against_lightgbm(rows: np.ndarray) -> list[Row]:
    """The same trees, by LightGBM and by the graph, in batches and a row at a time."""
    model = peer(rows.shape[1])
    graph = Predictor(to_onnx(floored(model))).predict
    some = rows[: 8 * BATCH]
    assert np.abs(graph(some) - expected(model, some)).max() < 1e-5
    ours, *peers = ("graph in batches", "graph, a row at a time", "LightGBM in batches", "LightGBM, a row at a time")
    asked = ((graph, BATCH), (graph, 1), (_of(model), BATCH), (_of(model), 1))
    ways = {name: _cut(chances, some, size) for name, (chances, size) in zip((ours, *peers), asked, strict=True)}
    us = us_a_row(ways, len(some), time.process_time)
    return [
        *(Row.of(each, name=f"same trees, {name}", unit="us a row") for name, each in us.items()),
        *(_times_as_fast(f"{ours} to {name}", us[ours], us[name], name) for name in peers),
    ]


def _times_as_fast(name: str, ours: list[float], theirs: list[float], peer: str) -> Row:
    """Of medians, with the spread over rounds."""
    each = [slow / quick for slow, quick in zip(theirs, ours, strict=True)]
    return Row(
        name=name, value=statistics.median(theirs) / statistics.median(ours), unit="times as fast", peer=peer,
        theirs=1.0, low=min(each), high=max(each), runs=len(each),
    )  # fmt: skip


def _of(model: lightgbm.Booster) -> Chances:
    return lambda rows: expected(model, rows)


def session(onnx: bytes, *, arena: bool = False, pattern: bool = True, threads: int = 1) -> Chances:
    """As `models.inference` makes one, with other settings."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.enable_cpu_mem_arena, options.enable_mem_pattern = arena, pattern
    options.log_severity_level = 3
    made = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    return lambda rows: made.run([OUTPUT], {INPUT: rows})[0]


def settings(onnx: bytes, rows: np.ndarray) -> tuple[list[Row], list[Row]]:
    """Whether settings of the session keep a row's bits in other batches; microseconds a row with each."""
    some = rows[: 8 * BATCH]
    one = {
        "as served": session(onnx),
        "with the arena": session(onnx, arena=True),
        "without memory pattern": session(onnx, pattern=False),
    }
    took = _times(one, some)
    two = {"two threads inside": session(onnx, threads=2)}  # made last: between calls they spin, on others' time
    took += _times(two, some)
    bits = []
    for name, chances in (one | two).items():
        other = int(differing(chances, some).sum())
        bits.append(Row(name=f"rows with other bits in other batches, {name}", value=other, unit=f"of {len(some)}"))
    return bits, took


def _times(made: Mapping[str, Chances], rows: np.ndarray) -> list[Row]:
    out = []
    for size in (BATCH, 16, 1):
        ways = {name: _cut(chances, rows, size) for name, chances in made.items()}
        for unit, clock in (("us a row of the core", time.process_time), ("us a row by the clock", time.perf_counter)):
            found = us_a_row(ways, len(rows), clock)
            out += [Row.of(us, name=f"{size} at a time, {name}", unit=unit) for name, us in found.items()]
    return out


def _cut(chances: Chances, rows: np.ndarray, size: int) -> Callable[[], object]:
    return lambda: in_batches(chances, rows, size)


def preparing(rows: np.ndarray) -> list[Row]:
    """What a model costs before its first row: off the hot path, at start and where one is changed."""
    took, first = [], []
    for _ in range(ROUNDS):
        begun = time.process_time()
        hazard = shipped()
        ready = time.process_time()
        hazard.chances(rows[:BATCH])
        took.append((ready - begun) * 1000.0)
        first.append((time.process_time() - ready) * 1000.0)
    return [
        Row.of(took, name="session, card and file prepared", unit="ms"),
        Row.of(first, name="first 256 windows after that", unit="ms"),
    ]


def reloading(onnx: bytes, rows: np.ndarray) -> list[Row]:
    """Growth of resident memory over RELOADS sessions, each used and dropped."""
    out = []
    for name, arena in (("without the arena, as served", False), ("with the arena", True)):
        for at in range(RELOADS):
            if at == RELOADS // 10:
                before = resident_mib()
            session(onnx, arena=arena)(rows[:BATCH])
        out.append(Row(name=f"memory over {RELOADS} reloads, {name}", value=resident_mib() - before, unit="MiB more"))
    return out


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def bars(hazard: Hazard, rows: np.ndarray) -> Sequence[Row]:
    hazard.chances(rows[:BATCH])
    load, (clock, core) = os.getloadavg()[0], windows_ms(hazard, rows)
    horizons = f"{len(HORIZONS_H)} horizons each"
    p99 = f"{BATCH} windows, p99 of {CALLS} calls"
    two = f"{PROCESSES} processes on two cores, {horizons}"
    return [
        Row(name="waiting or running on this machine when it began", value=load, unit="processes"),
        Row(name=f"{BATCH} windows, median", value=float(np.percentile(clock, 50)), unit="ms"),
        Row(name=p99, value=float(np.percentile(clock, 99)), unit="ms", bar=MOST_MS, at_most=True),
        Row(name=f"{p99}, of the core", value=float(np.percentile(core, 99)), unit="ms"),
        Row(name=two, value=a_second(rows, PROCESSES), unit="forecasts/s", bar=LEAST_A_SECOND),
        Row(name=f"one process, {horizons}", value=a_second(rows, 1), unit="forecasts/s"),
    ]


def main() -> None:
    hazard = shipped()
    onnx, rows = (Path(STARTER) / "pump.onnx").read_bytes(), prepared(hazard)
    found = [*bars(hazard, rows), *against_lightgbm(rows), *preparing(rows), *reloading(onnx, rows)]
    bits, took = settings(onnx, rows)
    batched = [row for row in took if row.name.startswith(f"{BATCH} ")]
    report("inference", [*found, *batched, *bits], [row for row in took if row not in batched])


if __name__ == "__main__":
    main()
