"""The net beside the trees, in float32 and int8, and a mixture of experts: `make bench ONLY=net`. Pumps are simulated.

Fleets of training and held-out ones have seeds of their own, which nothing else uses; the nets' choices were made on
seeds 5101 to 5106 and 5201 to 5204. Trees see the feature row, with slopes of 30 days and hours since repair; nets
see the raw window of 72 h alone. Nets are trained from three seeds each. The machine's name is printed, since int8
depends on it.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from models.features import Spec
from models.features.raw import channels_of, loads_of
from models.inference import Predictor
from models.physics.wear import WearLaw
from models.plant import parse
from onnx_export import rocket
from onnx_export.convert import to_onnx as trees_to_onnx
from onnx_export.fleets import Job, record_all
from onnx_export.held_out import Held, Verdict, held_out, verdict
from onnx_export.history import History
from onnx_export.learning import Plan as Learning
from onnx_export.learning import outcomes_of
from onnx_export.mixture import Mixture, train_mixture
from onnx_export.net import Head, train_head
from onnx_export.net_graph import to_onnx
from onnx_export.quantise import BATCH, LEAST_SPEED, MOST_LOSS, MOST_SIZE, Measured, to_int8
from onnx_export.recipe import AUTUMN, NAME, SPRING, SUMMER, WINTER, Plan
from onnx_export.rocket import Rocket
from onnx_export.starter import plant_text
from onnx_export.train import floored, rows_of, train
from tests.kit.bench import Row, report
from tests.kit.rungs_alone import load

PUMPS, DAYS, EVERY_MIN, WORKERS = 32, 60, 240, 2
SEEDS = (1, 2, 3)
FIRST_TRAINING, FIRST_HELD = 6101, 6201
QUICK_TRAINING, QUICK_HELD = 6301, 6401
LAWS = (
    WearLaw(family="weibull", shape=3.5, mean_life_days=45.0),
    WearLaw(family="gamma", shape=10.0, mean_life_days=55.0),
    WearLaw(family="uniform", shape=0.6, mean_life_days=40.0),
    WearLaw(family="weibull", shape=2.5, mean_life_days=50.0, acceleration=1.0),
)
"""Of training; held-out pumps have lognormal lives, which training never sees."""
STARTS = (WINTER, SPRING, SUMMER, AUTUMN)
MOST_OFF = 1e-3
"""Asked for of a net: chance of ONNX against the native one."""
CUTS = (1, 2, 3, 7, 16, 33, 100, 255)
ROUNDS, AT_ONCE, TRIAL_ROWS = 15, 4, 2000
TREES, NET, NET8, MIXTURE = "trees", "net", "net, int8", "mixture"


class Sizes(NamedTuple):
    """How much is simulated, and from which seeds."""

    pumps: int
    days: int
    training: Sequence[int]
    held: Sequence[int]
    seeds: Sequence[int]


FULL = Sizes(PUMPS, DAYS, range(FIRST_TRAINING, FIRST_TRAINING + 4), range(FIRST_HELD, FIRST_HELD + 2), SEEDS)
QUICK = Sizes(10, 30, range(QUICK_TRAINING, QUICK_TRAINING + 2), range(QUICK_HELD, QUICK_HELD + 1), SEEDS[:1])


class Made(NamedTuple):
    """One kind of model by seed: its graphs and figures."""

    graphs: list[bytes]
    held: list[Held]


def spec_of() -> Spec:
    """The pump's features, with what the shipped models expect."""
    return load().spec


def jobs(sizes: Sizes, spec: Spec) -> list[Job]:
    asset_type = parse(plant_text()).types[NAME]
    laws = [LAWS[at % len(LAWS)] for at in range(len(sizes.training))] + [WearLaw()] * len(sizes.held)
    seeds = [*sizes.training, *sizes.held]
    plans = [
        Plan(seed=seed, law=law, start_us=STARTS[at % 4], faults=at % 2 == 0)
        for at, (seed, law) in enumerate(zip(seeds, laws, strict=True))
    ]
    return [Job(plan, sizes.pumps, sizes.days, EVERY_MIN, asset_type, spec, windows=True) for plan in plans]


def windows_of(histories: Sequence[History]) -> np.ndarray:
    return np.concatenate([history.windows for history in histories if history.windows is not None])


def predicted(graph: bytes, rows: np.ndarray) -> np.ndarray:
    predictor = Predictor(graph)
    return np.concatenate([predictor.predict(rows[at : at + BATCH]) for at in range(0, len(rows), BATCH)])


def trees(spec: Spec, training: Sequence[History], held: Sequence[History]) -> Made:
    graph = trees_to_onnx(floored(train(spec, *rows_of(training))))
    rows = np.concatenate([history.features for history in held])
    return Made([graph], [held_out(held, predicted(graph, rows))])


class Nets(NamedTuple):
    """What nets are learned from and held against."""

    rocket: Rocket
    training: np.ndarray  # windows
    shares: np.ndarray
    allowed: np.ndarray
    held: Sequence[History]
    flat: np.ndarray  # held-out windows, as the graph takes them
    held_shares: np.ndarray
    loads: np.ndarray  # columns of the gate
    trial: np.ndarray  # rows that graphs are held against sktime on
    trial_shares: np.ndarray


def nets_of(spec: Spec, training: Sequence[History], held: Sequence[History]) -> Nets:
    before, allowed = outcomes_of(training)
    windows, unseen = windows_of(training)[before], windows_of(held)
    targets = len(spec.expected)
    fitted = rocket.fit(windows, targets)
    loads = fitted.level_places(np.arange(targets, targets + len(loads_of(spec))))
    trial = spoilt(unseen.reshape(len(unseen), -1)[:: max(len(unseen) // TRIAL_ROWS, 1)])
    return Nets(
        fitted, windows, fitted.shares(windows), allowed,
        held, unseen.reshape(len(unseen), -1), fitted.shares(unseen), loads,
        trial, fitted.shares(trial.reshape(len(trial), fitted.channels, -1)),
    )  # fmt: skip


def learned(nets: Nets, kind: str, seed: int) -> Head | Mixture:
    plan = Learning(seed=seed)
    if kind == MIXTURE:
        return train_mixture(nets.shares, nets.loads, nets.allowed, plan)
    return train_head(nets.shares, nets.allowed, plan)


def spoilt(rows: np.ndarray) -> np.ndarray:
    """Windows, and the same with values missing, infinite or held."""
    some, random = rows.copy(), np.random.default_rng(20260105)
    some[random.random(some.shape) < 0.1] = np.nan
    some[::7, :90] = np.inf
    some[::5, 100:160] = some[::5, 100:101]
    return np.concatenate([rows, some])


def off(nets: Nets, head: Head | Mixture, graph: bytes) -> float:
    """The largest difference of a graph from sktime's transform and the native head."""
    return float(np.abs(predicted(graph, nets.trial) - head.chances(nets.trial_shares)).max())


def differing(graph: bytes, rows: np.ndarray) -> int:
    """Rows whose bits depend on how their batch was cut."""
    predict = Predictor(graph).predict
    whole, other = predict(rows).view(np.int32), np.zeros(len(rows), bool)
    for size in CUTS:
        cut = np.concatenate([predict(rows[at : at + size]) for at in range(0, len(rows), size)])
        other |= (cut.view(np.int32) != whole).any(axis=1)
    return int(other.sum())


def microseconds(graphs: dict[str, tuple[bytes, np.ndarray]]) -> dict[str, list[float]]:
    """Of the core for a row at the served batch, by round; in each all graphs take turns."""
    ready = {name: (Predictor(graph), rows) for name, (graph, rows) in graphs.items()}
    took: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(ROUNDS):
        for name, (predictor, rows) in ready.items():
            begun = time.process_time()
            for _ in range(AT_ONCE):
                predictor.predict(rows)
            took[name].append(time.process_time() - begun)
    return {name: [one / AT_ONCE / BATCH * 1e6 for one in times] for name, times in took.items()}


def cores_s() -> float:
    """Seconds of cores that this run and its workers have used, however busy the machine is."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def machine() -> str:
    """The processor and whether it has VNNI."""
    text = Path("/proc/cpuinfo").read_text()
    name = next((line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name")), "unknown")
    return f"{name}, {'with' if 'vnni' in text else 'without'} VNNI"


def table_of(made: dict[str, Made], us: dict[str, list[float]]) -> Table:
    head = ("model", "average precision at 72 h", "by seed", "Brier", "log loss", "kB", "us a row")
    table = Table(*head, title="held-out pumps (simulated)", title_justify="left")
    for name, one in made.items():
        us_a_row = statistics.median(us[name])
        precision, brier, likely = (
            [getattr(held, figure) for held in one.held] for figure in ("average_precision", "brier", "log_loss")
        )
        table.add_row(
            name, f"{np.mean(precision):.4f}", " ".join(f"{value:.4f}" for value in precision),
            f"{np.mean(brier):.4f}", f"{np.mean(likely):.4f}", f"{len(one.graphs[0]) / 1000:,.0f}", f"{us_a_row:.1f}",
        )  # fmt: skip
    return table


def rows_of_bench(
    made: dict[str, Made], us: dict[str, list[float]], measured: Measured, most_off: dict[str, float]
) -> list[Row]:
    kept = verdict(made[NET].held, made[MIXTURE].held)
    rows = [
        Row(name=f"{name}: average precision at 72 h", value=100 * mean_of(one, "average_precision"), unit="%")
        for name, one in made.items()
    ]
    rows += [
        Row(name="int8: size", value=100 * measured.size, unit="% of float32", bar=100 * MOST_SIZE, at_most=True),
        Row(name="int8: speed", value=measured.speed, unit="times float32", bar=LEAST_SPEED),
        Row(
            name="int8: average precision lost", value=100 * measured.loss, unit="%", bar=100 * MOST_LOSS, at_most=True
        ),
        Row(
            name="nets: bits depend on the batch",
            value=measured.rows_differing_by_batch,
            unit="rows",
            bar=0,
            at_most=True,
        ),
        Row(name="int8: offered", value=float(not measured.refusals), unit="1 = yes"),
        Row(name="mixture: kept", value=float(kept is Verdict.KEPT), unit=f"1 = yes: {kept}"),
    ]
    for name, value in most_off.items():
        most, what = MOST_OFF * 1e6, f"{name}: largest difference from sktime and numpy"
        rows.append(Row(name=what, value=value * 1e6, unit="millionths", bar=most, at_most=True))
    return [*rows, *(Row.of(each, name=f"{name}: time", unit="us a row") for name, each in us.items())]


def mean_of(one: Made, figure: str) -> float:
    return float(np.mean([getattr(held, figure) for held in one.held]))


def simulated(sizes: Sizes, spec: Spec) -> tuple[list[History], list[History]]:
    """Fleets of training and held-out ones, with progress."""
    with Progress(transient=True) as bar:
        task = bar.add_task("simulating")
        found = record_all(
            jobs(sizes, spec), WORKERS, lambda done, total, _: bar.update(task, completed=done, total=total)
        )
    return found[: len(sizes.training)], found[len(sizes.training) :]


class Trained(NamedTuple):
    """All models, the largest difference of each kind of net, and how evenly experts are asked, by seed."""

    made: dict[str, Made]
    most_off: dict[str, float]
    loads: list[np.ndarray]


def trained(sizes: Sizes, nets: Nets, beside: Made) -> Trained:
    """Nets of every seed beside the trees."""
    out = Trained({TREES: beside} | {name: Made([], []) for name in (NET, NET8, MIXTURE)}, {}, [])
    for seed in sizes.seeds:
        for kind in (NET, MIXTURE):
            head = learned(nets, kind, seed)
            graph = to_onnx(nets.rocket, head)
            out.most_off[kind] = max(out.most_off.get(kind, 0.0), off(nets, head, graph))
            add(out.made[kind], graph, nets)
            if isinstance(head, Mixture):
                out.loads.append(head.loads(nets.held_shares))
        add(out.made[NET8], to_int8(out.made[NET].graphs[-1], nets.training.reshape(len(nets.training), -1)), nets)
    return out


def add(made: Made, graph: bytes, nets: Nets) -> None:
    made.graphs.append(graph)
    made.held.append(held_out(nets.held, predicted(graph, nets.flat)))


def measured_of(made: dict[str, Made], us: dict[str, list[float]], rows: np.ndarray) -> Measured:
    """The int8 nets beside their float32 ones: the worst of all seeds."""
    pairs = zip(made[NET].held, made[NET8].held, strict=True)
    sizes = zip(made[NET].graphs, made[NET8].graphs, strict=True)
    nets = [graph for name in (NET, NET8, MIXTURE) for graph in made[name].graphs]
    return Measured(
        size=max(len(small) / len(large) for large, small in sizes),
        speed=statistics.median(us[NET]) / statistics.median(us[NET8]),
        loss=max(large.average_precision - small.average_precision for large, small in pairs),
        rows_differing_by_batch=sum(differing(graph, rows) for graph in nets),
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.net", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small fleets and one seed, to see that all of it runs")
    quick = parser.parse_args().quick
    sizes, spec, begun, console = QUICK if quick else FULL, spec_of(), time.perf_counter(), Console()
    training, held = simulated(sizes, spec)
    nets = nets_of(spec, training, held)
    made, most_off, loads = trained(sizes, nets, trees(spec, training, held))
    features = np.concatenate([history.features for history in held])[:BATCH]
    of_batch = {name: features if name == TREES else nets.flat[:BATCH] for name in made}
    us = microseconds({name: (one.graphs[0], of_batch[name]) for name, one in made.items()})
    measured, one = measured_of(made, us, nets.trial[-BATCH:]), made[TREES].held[0]
    console.print(table_of(made, us))
    console.print(f"{one.rows} held-out rows, {one.failing} within 72 h of a failure; channels {channels_of(spec)}")
    for seed, load_of in zip(sizes.seeds, loads, strict=True):
        console.print(f"experts are asked, seed {seed}: " + " ".join(f"{share:.3f}" for share in load_of))
    console.print(f"{machine()}; int8 refused for: {', '.join(measured.refusals) or 'nothing'}")
    console.print(f"{time.perf_counter() - begun:.0f} s, {cores_s():.0f} s of cores")
    report("net", rows_of_bench(made, us, measured, most_off), quick=quick)


if __name__ == "__main__":
    main()
