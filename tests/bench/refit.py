"""Leaf refit beside a full retrain on a plant that changed, in the same run: `make bench ONLY=refit`. All is simulated.

20 plants of 32 pumps (`tests.kit.drifting`), each changed three ways half-way: not at all, gain and offset of sensors,
lower trips. A parent learned from three fleets of the starter's recipe. The refit has the new rows of 20 pumps, held to
its parent on their old ones; the full retrain has the parent's rows and all of these. Twelve pumps are for judging
alone, before and after the change.
"""

from __future__ import annotations

import argparse
import multiprocessing
import pickle
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from models.failure.hazard import Card, Hazard
from models.features import Spec
from models.plant import AssetType, parse
from onnx_export.card import card_of
from onnx_export.convert import to_onnx
from onnx_export.episodes import chances_of
from onnx_export.fleets import Job, record_all
from onnx_export.held_out import Held, held_out
from onnx_export.history import History
from onnx_export.parity import gate, trial_rows
from onnx_export.recipe import NAME, STARTER, TRAINING_EVERY_MIN
from onnx_export.refit import Asked, NotRefitted, refit
from onnx_export.starter import plant_text
from onnx_export.survival import Outcomes
from onnx_export.train import floored, rows_of, train
from tests.bench.pumps import WIDTH, WORKERS, load
from tests.kit.bench import Row, report
from tests.kit.drifting import DEVELOPMENT, SEEDS, Drift, joined, of_machines, plants

TRAINING = STARTER.training[:3]
SIMULATED = "simulated pumps"
GONE = "refitted"
BARS = {Drift.STEADY: -0.01, Drift.SENSORS: 0.0, Drift.RELATION: 0.0}
"""The least that average precision on new data may gain over the parent's, on average over seeds."""


class Parent(NamedTuple):
    """What the plant has before the change: its file and card, and the rows it learned from."""

    onnx: bytes
    card: Card
    features: np.ndarray
    outcomes: Outcomes


class Model(NamedTuple):
    """How one model does on pumps for judging, before and after the change, what it took in seconds, and its bytes."""

    old: Held
    new: Held
    took_s: float
    size: int


class Found(NamedTuple):
    """One plant, changed one way; `verdict` is a reason for which the parent stays, else GONE. `step` is 0 then."""

    seed: int
    drift: Drift
    events: int
    verdict: str
    step: float
    parent: Model
    refit: Model
    full: Model


def parent_of(asset_type: AssetType, spec: Spec, workers: int) -> Parent:
    """A model of three fleets, 270 pump-months."""
    jobs = [Job(plan, STARTER.pumps, STARTER.days, TRAINING_EVERY_MIN, asset_type, spec) for plan in TRAINING]
    features, outcomes = rows_of(record_all(jobs, workers))
    model = train(spec, features, outcomes)
    onnx = to_onnx(floored(model))
    card = card_of(
        name=NAME, onnx=onnx, asset_type=NAME, spec=spec, limit=0.25, basis=SIMULATED, trained_on=SIMULATED,
        command="make bench ONLY=refit", seeds={"training": [plan.seed for plan in TRAINING]},
        parity=gate(model, onnx, trial_rows(spec, features, model, 2000)), scores={},
    )  # fmt: skip
    return Parent(onnx, card, features, outcomes)


def run(seed: int, kept: Path) -> list[Found]:
    """One plant, changed each way."""
    parent: Parent = pickle.loads(kept.read_bytes())
    asset_type, spec = parse(plant_text()).types[NAME], Spec.of_card(parent.card)
    found = []
    for drift, halves in plants(seed, asset_type, spec).items():
        judged = of_machines(halves.before, True), of_machines(halves.after, True)
        old, new = of_machines(halves.before, False), of_machines(halves.after, False)
        was = model_of(parent.onnx, judged, 0.0)
        begun = time.process_time()
        try:
            made = refit(
                parent.onnx, parent.card, new, old, Asked(command="make bench ONLY=refit", simulated=SIMULATED)
            )
            took, events, verdict, step = time.process_time() - begun, made.events, GONE, made.step
            now = model_of(made.onnx, judged, took)
            Hazard(made.onnx, made.card)
        except NotRefitted as stays:
            now, events, verdict, step = was, stays.events, stays.reason.value, 0.0
            now = was._replace(took_s=time.process_time() - begun)
        found.append(Found(seed, drift, events, verdict, step, was, now, retrained(parent, spec, old, new, judged)))
    return found


def retrained(parent: Parent, spec: Spec, old: History, new: History, judged: tuple[History, History]) -> Model:
    """Trees of all rows that there are, from nothing; without folds, gate or calibration, which would take more."""
    begun = time.process_time()
    features, outcomes = rows_of([joined([old, new])])
    outcomes = Outcomes(*(np.concatenate(pair) for pair in zip(parent.outcomes, outcomes, strict=True)))
    onnx = to_onnx(floored(train(spec, np.concatenate([parent.features, features]), outcomes)))
    return model_of(onnx, judged, time.process_time() - begun)


def model_of(onnx: bytes, judged: tuple[History, History], took_s: float) -> Model:
    """A file judged."""
    old, new = (held_out([history], chances_of(onnx, history.features)) for history in judged)
    return Model(old, new, took_s, len(onnx))


def run_all(seeds: Sequence[int], workers: int) -> list[Found]:
    """Every plant, a process per core, with a bar."""
    found: list[Found] = []
    with (
        Progress(console=Console(stderr=True), transient=True) as progress,
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool,
    ):
        task, kept = progress.add_task("parent, then plants", total=len(seeds)), Path(folder) / "parent"
        kept.write_bytes(pickle.dumps(parent_of(parse(plant_text()).types[NAME], load()[1].spec, workers)))
        for future in as_completed([pool.submit(run, seed, kept) for seed in seeds]):
            found += future.result()
            progress.advance(task)
    return sorted(found, key=lambda one: (one.seed, list(Drift).index(one.drift)))


def of(found: Sequence[Found], drift: Drift) -> list[Found]:
    return [one for one in found if one.drift is drift]


def mean(found: Sequence[Found], model: str, half: str, figure: str = "average_precision") -> float:
    return float(np.mean([getattr(getattr(getattr(one, model), half), figure) for one in found]))


def gain(found: Sequence[Found], half: str, model: str = "refit") -> np.ndarray:
    """Average precision over the parent's, of each plant."""
    return np.array(
        [
            getattr(getattr(one, model), half).average_precision - getattr(one.parent, half).average_precision
            for one in found
        ]
    )


def summary(found: Sequence[Found]) -> Table:
    """A line a change."""
    head = (
        "change", "refitted", "before drift", "after drift", "refit: old new", "full: old new", "log loss new", "worst",
    )  # fmt: skip
    table = Table(*head, title="average precision within 72 h, mean of plants (simulated)", title_justify="left")
    for drift in Drift:
        some = of(found, drift)
        table.add_row(
            drift.value, f"{sum(one.verdict == GONE for one in some)} of {len(some)}",
            f"{mean(some, 'parent', 'old'):.3f}", f"{mean(some, 'parent', 'new'):.3f}",
            *(f"{mean(some, model, 'old'):.3f} {mean(some, model, 'new'):.3f}" for model in ("refit", "full")),
            " ".join(f"{mean(some, model, 'new', 'log_loss'):.3f}" for model in ("parent", "refit", "full")),
            f"{gain(some, 'old').min():+.3f} {gain(some, 'new').min():+.3f}",
        )  # fmt: skip
    return table


def each(found: Sequence[Found]) -> Table:
    """A line a plant: the verdict of each change, and average precision of parent, refit and full retrain."""
    table = Table("seed", *(f"{drift}: events, verdict, old p/r/f, new p/r/f" for drift in Drift), title="by seed")
    for seed in dict.fromkeys(one.seed for one in found):
        cells = []
        for one in (one for one in found if one.seed == seed):
            models = one.parent, one.refit, one.full
            old, new = (
                "/".join(f"{getattr(model, half).average_precision:.2f}" for model in models) for half in ("old", "new")
            )
            cells.append(f"{one.events} {one.verdict} {one.step:g}\n{old}  {new}")
        table.add_row(str(seed), *cells)
    return table


FULL = "full retrain"


def rows_of_table(found: Sequence[Found]) -> list[Row]:
    """Figures with bars, then the rest."""
    rows = []
    for drift in Drift:
        some = of(found, drift)
        fall, more = -float(gain(some, "old").mean()), float(gain(some, "new").mean())
        rows += [
            Row(name=f"{drift}: old data, fall by refit", value=fall, unit="AP", bar=0.01, at_most=True),
            Row(name=f"{drift}: new data, gain by refit", value=more, unit="AP", bar=BARS[drift], peer="parent"),
            Row(
                name=f"{drift}: new data, gain by full retrain",
                value=float(gain(some, "new", "full").mean()),
                unit="AP",
                peer=FULL,
                ours=more,
            ),
            Row(
                name=f"{drift}: old data, gain by full retrain",
                value=float(gain(some, "old", "full").mean()),
                unit="AP",
                peer=FULL,
                ours=-fall,
            ),
            Row(name=f"{drift}: refitted", value=sum(one.verdict == GONE for one in some), unit="plants"),
        ]
        rows += [
            Row(name=f"{drift}: stays, {reason}", value=count, unit="plants")
            for reason, count in sorted(Counter(one.verdict for one in some).items())
            if reason != GONE
        ]
    gone = [one for one in found if one.verdict == GONE] or list(found)
    rows += pair(
        ("refit, folds and gate with it", [one.refit.took_s for one in gone]),
        ("full retrain, trees alone", [one.full.took_s for one in found]),
        "s",
    )
    rows += pair(
        ("size after refit", [one.refit.size / 1000 for one in gone]),
        ("size after full retrain", [one.full.size / 1000 for one in found]),
        "kB",
    )
    return rows


def pair(ours: tuple[str, list[float]], theirs: tuple[str, list[float]], unit: str) -> list[Row]:
    """Medians over plants of what a refit takes and of what a full retrain does; less is better."""
    refit = Row.of(ours[1], name=ours[0], unit=unit, at_most=True)
    return [refit, Row.of(theirs[1], name=theirs[0], unit=unit, at_most=True, peer=FULL, ours=refit.value)]


def parts_of(found: Sequence[Found]) -> list[Row]:
    """Every figure of every plant."""
    rows = []
    for one in found:
        for name in ("parent", "refit", "full"):
            for half in ("old", "new"):
                held = getattr(getattr(one, name), half)
                label = f"seed {one.seed}, {one.drift}: {name}, {half}"
                rows.append(Row(name=label, value=held.average_precision, unit="AP"))
                rows.append(Row(name=f"{label}, log loss", value=held.log_loss, unit="nats"))
        rows.append(Row(name=f"seed {one.seed}, {one.drift}: events; {one.verdict}", value=one.events, unit="failures"))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.refit", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two plants for development: to see that it runs")
    quick = parser.parse_args().quick
    begun = time.perf_counter()
    found = run_all(DEVELOPMENT[:2] if quick else SEEDS, WORKERS)
    console = Console()
    console.width = max(console.width, WIDTH)
    for table in (summary(found), each(found)):
        console.print(table)
    print(f"{len(found)} changed plants in {time.perf_counter() - begun:.0f} s")
    report("refit", rows_of_table(found), parts_of(found), quick=quick)


if __name__ == "__main__":
    main()
