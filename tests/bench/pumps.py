"""How the shipped pump model warns on plants it has never seen: `make bench ONLY=pumps`.

30 plants of 12 pumps over 60 days, six wear laws that are in no recipe of ours, five seeds each, through the feature
kernel and the alert life cycle of live runs; beside two rules without a model, the rungs that need no failure, a plain
classifier and a forest of isolation. Run once a commit: every run is added to
build/bench/pumps.runs.jsonl, so that a choice among several would show.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from models import starter
from models.bins import MINUTE_US
from models.failure.hazard import Hazard
from models.physics.wear import WearLaw
from models.plant import parse
from onnx_export.baselines import FOUR_SIGMA_LIMIT, OLDEST_H, age_alone, four_sigma
from onnx_export.episodes import replay
from onnx_export.evaluate import Scores, judge, score
from onnx_export.fleets import Job
from onnx_export.health_own import part_of
from onnx_export.history import History
from onnx_export.recipe import AUTUMN, NAME, SPRING, SUMMER, WINTER, Plan
from onnx_export.rungs import episodes_of
from onnx_export.starter import AGE_ALONE, AGE_LIMIT, FOUR_SIGMA, plant_text
from tests.kit.bench import ROOT, Row, report
from tests.kit.pump_rivals import CLASSIFIER, FOREST, Rival, learned
from tests.kit.rungs_alone import ALL, warned
from tests.kit.rungs_alone import load as load_health

PUMPS, DAYS, EVERY_MIN, SEEDS_A_LAW, FIRST_SEED = 12, 60, 10, 5, 1001
WORKERS = 2
BARS = (
    ("recall", "share", 0.95, False),
    ("median lead", "h", 72.0, False),
    ("unfounded", "a machine-month", 0.25, True),
)
"""Aims of the shipped model: name, unit, bar, and whether it is the most and not the least."""
DRAWS, DRAW_SEED, COVER = 2000, 20260104, 0.9
"""Of the bootstrap over plants (Efron 1979): draws, their seed, and the share of them between the two ends."""
OTHERWISE_AGE_H = 18 * 24.0
"""Limit of age alone for a card that tells none: what one lognormal fleet of the demo's law chose."""
RUNS_LOG = ROOT / "build" / "bench" / "pumps.runs.jsonl"

LAWS = {
    "lognormal": WearLaw(family="lognormal", mean_life_days=48.0, shape=0.35),
    "lognormal, short": WearLaw(family="lognormal", mean_life_days=32.0, shape=0.22, part_weights=(1.0, 3.0, 1.0)),
    "lognormal, runaway": WearLaw(family="lognormal", mean_life_days=55.0, shape=0.30, acceleration=3.0),
    "weibull, wide": WearLaw(family="weibull", mean_life_days=50.0, shape=2.0, part_weights=(3.0, 1.0, 1.0)),
    "gamma, mixed wear": WearLaw(family="gamma", mean_life_days=42.0, shape=8.0, background=(0.15, 0.5)),
    "uniform, runaway": WearLaw(
        family="uniform", mean_life_days=45.0, shape=0.5, part_weights=(1.0, 1.0, 3.0), acceleration=1.5
    ),
}
STARTS = (WINTER, SPRING, SUMMER, AUTUMN)
MODEL = "model"
WIDTH = 200
"""Columns that the tables need; a pipe has 80."""
RULES = (MODEL, FOUR_SIGMA, AGE_ALONE, ALL, CLASSIFIER, FOREST)
HOURLY = 60
"""Minutes at which rules, health and time to limit look."""


class Trial(NamedTuple):
    """A plant of the table: its law by name and its seed."""

    law: str
    seed: int


class Found(NamedTuple):
    """Figures of one plant by rule."""

    trial: Trial
    scores: dict[str, Scores]


def trials(seeds_a_law: int = SEEDS_A_LAW) -> list[Trial]:
    """The table of plants: seeds run on from law to law."""
    return [
        Trial(law, FIRST_SEED + at * SEEDS_A_LAW + turn) for at, law in enumerate(LAWS) for turn in range(seeds_a_law)
    ]


def plan_of(trial: Trial) -> Plan:
    """Every other plant has faulty sensors; seasons take turns."""
    number = trial.seed - FIRST_SEED
    return Plan(seed=trial.seed, law=LAWS[trial.law], start_us=STARTS[number % 4], faults=number % 2 == 0)


def load() -> tuple[bytes, Hazard]:
    """The shipped model: its bytes, and what is loaded of them."""
    kinds = ("onnx", "json", "cases.json")
    onnx, card, cases = (files(starter).joinpath(f"{NAME}.{kind}").read_bytes() for kind in kinds)
    return onnx, Hazard.load(onnx, card, cases)


def run(trial: Trial, rivals: Mapping[str, Rival], pumps: int = PUMPS, days: int = DAYS) -> Found:
    """One plant: recorded once, judged by the model and everything beside it."""
    onnx, hazard = load()
    asset_type = parse(plant_text()).types[NAME]
    history = Job(plan_of(trial), pumps, days, EVERY_MIN, asset_type, hazard.spec).run()
    age = hazard.card.scores.get(AGE_LIMIT, OTHERWISE_AGE_H) / OLDEST_H
    return Found(
        trial,
        {
            MODEL: score([replay(onnx, history)], hazard.card.warning_limit),
            FOUR_SIGMA: score([four_sigma(hazard.spec, history)], FOUR_SIGMA_LIMIT),
            AGE_ALONE: score([age_alone(hazard.spec, history)], age),
            ALL: without_failures(history),
        }
        | {name: rival.scores(history) for name, rival in rivals.items()},
    )


def without_failures(history: History) -> Scores:
    """Rules, health and time to limit, as one case while any of them holds."""
    minute = history.window_end_us // MINUTE_US - 1
    hourly = part_of(history, minute % HOURLY == 0)
    hourly = replace(hourly, every_min=HOURLY)
    return judge(hourly, episodes_of(hourly, warned(hourly, load_health())[ALL]))


def run_all(chosen: Sequence[Trial], pumps: int, days: int, workers: int) -> list[Found]:
    """Every plant, a process per core, with a bar."""
    found: list[Found] = []
    with (
        Progress(console=Console(stderr=True), transient=True) as progress,
        ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool,
    ):
        rivals = rivals_of(workers, progress)
        task = progress.add_task("plants", total=len(chosen))
        asked = [pool.submit(run, trial, rivals, pumps, days) for trial in chosen]
        for future in as_completed(asked):
            found.append(future.result())
            progress.advance(task)
    return sorted(found, key=lambda one: one.trial.seed)


def rivals_of(workers: int, progress: Progress) -> dict[str, Rival]:
    """What is learned beside the model, with a bar."""
    task = progress.add_task("learning what stands beside the model", total=None)
    asset_type, spec = parse(plant_text()).types[NAME], load()[1].spec

    def show(done: int, total: int, text: str) -> None:
        progress.update(task, completed=done, total=total, description=text)

    found = learned(asset_type, spec, workers, show)
    progress.remove_task(task)
    return found


def total(found: Sequence[Found], rule: str) -> Scores:
    """Figures of a rule over some plants together."""
    out = Scores()
    for one in found:
        out = out.with_more(one.scores[rule])
    return out


def by_law(found: Sequence[Found]) -> dict[str, list[Found]]:
    """Plants of each law, in the order of the table."""
    return {law: [one for one in found if one.trial.law == law] for law in LAWS}


def three(scores: Scores) -> tuple[float, float, float]:
    """The figures with bars: recall, median lead in hours, unfounded warnings per machine-month."""
    return scores.recall, scores.lead_h(), scores.unfounded_a_month


def intervals(found: Sequence[Found], rule: str = MODEL) -> list[tuple[float, float]]:
    """Both ends of the COVER interval of each of the three figures, by drawing plants anew."""
    random = np.random.default_rng(DRAW_SEED)
    drawn = [
        three(total([found[at] for at in random.integers(len(found), size=len(found))], rule)) for _ in range(DRAWS)
    ]
    tail = (1 - COVER) / 2
    return [(float(low), float(high)) for low, high in np.quantile(drawn, [tail, 1 - tail], axis=0).T]


def law_table(found: Sequence[Found]) -> Table:
    """A line a law: the model in full, the rest beside it."""
    head = ("law", "failures", "recall", "lead h", "p10 h", "unfounded", "early")
    table = Table(*head, *(f"{rule}: recall, unf." for rule in RULES[1:]), title="pumps by law", title_justify="left")
    for law, plants in [*by_law(found).items(), ("all", list(found))]:
        model, *rules = (total(plants, rule) for rule in RULES)
        figures = (
            f"{model.failures}", f"{model.recall:.3f}", f"{model.lead_h():.0f}", f"{model.lead_h(0.1):.0f}",
            f"{model.unfounded_a_month:.3f}", f"{model.early}",
        )  # fmt: skip
        table.add_row(law, *figures, *(f"{one.recall:.3f}  {one.unfounded_a_month:.2f}" for one in rules))
    return table


def mode_table(found: Sequence[Found]) -> Table:
    """A line a failure mode: recall and median lead of each rule."""
    table = Table("mode", "failures", *(f"{rule}: recall, h" for rule in RULES), title="by mode", title_justify="left")
    totals = [total(found, rule) for rule in RULES]
    for mode in totals[0].modes:
        parts = [one.of_mode(mode) for one in totals]
        table.add_row(mode, f"{parts[0].failures}", *(f"{one.recall:.3f}  {one.lead_h():.0f}" for one in parts))
    return table


def seed_table(found: Sequence[Found]) -> Table:
    """A line a law: recall, lead and unfounded warnings of the model for each seed."""
    most = max(len(plants) for plants in by_law(found).values())
    head = (f"seed {turn + 1}" for turn in range(most))
    table = Table("law", *head, title="by seed: recall/lead h/unfounded", title_justify="left")
    for law, plants in by_law(found).items():
        figures = [three(one.scores[MODEL]) for one in plants]
        table.add_row(law, *(f"{recall:.2f}/{lead:.0f}/{unfounded:.2f}" for recall, lead, unfounded in figures))
    return table


def rows_of(found: Sequence[Found]) -> list[Row]:
    """The figures with bars, both ends of their intervals, and the rest."""
    ends = zip(BARS, three(total(found, MODEL)), intervals(found), strict=True)
    rows = []
    for (name, unit, bar, at_most), value, (low, high) in ends:
        rows.append(Row(name=name, value=value, unit=unit, bar=bar, at_most=at_most))
        rows += [Row(name=f"{name}, {end}", value=at, unit=unit) for end, at in (("5 %", low), ("95 %", high))]
    rows.append(Row(name="early warnings, counted as unfounded", value=total(found, MODEL).early, unit="warnings"))
    for rule in RULES[1:]:
        figures = zip(BARS, three(total(found, rule)), three(total(found, MODEL)), strict=True)
        rows += [
            Row(name=f"{rule}: {name}", value=value, unit=unit, at_most=at_most, peer=rule, ours=ours)
            for (name, unit, _, at_most), value, ours in figures
        ]
    return rows


def parts_of(found: Sequence[Found]) -> list[Row]:
    """The model's figures by law, by seed and by failure mode."""
    rows, parts = [], [*by_law(found).items(), *((f"seed {one.trial.seed}", [one]) for one in found)]
    for part, plants in parts:
        figures = zip(BARS, three(total(plants, MODEL)), strict=True)
        rows += [Row(name=f"{part}: {name}", value=value, unit=unit) for (name, unit, _, _), value in figures]
    for mode, mode_figures in total(found, MODEL).figures_by_mode().items():
        rows.append(Row(name=f"{mode}: recall", value=mode_figures["recall"], unit="share"))
        rows.append(Row(name=f"{mode}: median lead", value=mode_figures["lead_h_median"], unit="h"))
    return rows


def log_run(rows: Sequence[Row], found: Sequence[Found], version: str, path: Path = RUNS_LOG) -> None:
    """Add a line: the commit, whether files differed from it, the model, the seeds and all figures."""
    commit, changed = (
        subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
        for words in (("rev-parse", "HEAD"), ("status", "--porcelain"))
    )
    line = {
        "commit": commit,
        "changed": bool(changed),
        "model": version,
        "seeds": [one.trial.seed for one in found],
        "figures": {row.name: round(row.value, 4) for row in rows},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as log:
        log.write(json.dumps(line) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pumps", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed a law, 4 pumps: to see that it runs")
    quick = parser.parse_args().quick
    begun = time.perf_counter()
    chosen, pumps = (trials(1), 4) if quick else (trials(), PUMPS)
    found = run_all(chosen, pumps, DAYS, WORKERS)
    rows, parts, console = rows_of(found), parts_of(found), Console()
    console.width = max(console.width, WIDTH)
    for table in (law_table(found), mode_table(found), seed_table(found)):
        console.print(table)
    print(f"{len(found)} plants of {pumps} pumps over {DAYS} days in {time.perf_counter() - begun:.0f} s")
    if not quick:
        log_run([*rows, *parts], found, load()[1].card.version)
    report("pumps", rows, parts, quick=quick)


if __name__ == "__main__":
    main()
