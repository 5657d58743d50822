"""How rules, health and time to limit warn on plants they have never seen, with no failure to learn from.

`make bench ONLY=rungs`. The plants are those of the benchmark of the pump model: six wear laws, five seeds each. What
one rung says and another does as well is one case: it is open while any rung is. Run once a commit: every run is
added to build/bench/rungs.runs.jsonl, so that a choice among several would show.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from models.failure.health import HealthModel
from models.physics.cycles import RunState
from models.physics.fleet import FleetBlock
from models.plant import parse
from onnx_export.episodes import Episode
from onnx_export.evaluate import FOUNDED_US, Scores, judge
from onnx_export.fleets import fleet_of
from onnx_export.history import HOUR_US, History, quiet, record
from onnx_export.recipe import AUTUMN, HEALTHY, NAME, SPRING, SUMMER, WINTER, Plan
from onnx_export.rungs import episodes_of
from onnx_export.starter import plant_text
from tests.bench.pumps import (
    DAYS,
    LAWS,
    PUMPS,
    SEEDS_A_LAW,
    STARTS,
    WIDTH,
    WORKERS,
    Found,
    Trial,
    by_law,
    log_run,
    three,
    total,
    trials,
)  # fmt: skip
from tests.kit.bench import ROOT, Row, report
from tests.kit.rungs_alone import ALL, RULES_EARLY, RUNGS, load, warned

EVERY_MIN = 60
SHOWN = (ALL, *RUNGS, RULES_EARLY)
MACHINES_A_PERSON = 60
WEEKS_A_MONTH = 30 / 7
BUDGET = 2.0
"""Unfounded warnings per reliability engineer and week, over the whole fleet."""
BARS = (
    ("recall", "share", 0.8, False),
    ("median lead", "h", 24.0, False),
    ("unfounded", "a machine-month", BUDGET * WEEKS_A_MONTH / MACHINES_A_PERSON, True),
)
DEVELOPMENT_SEED = 9001
"""Of the plants of --quick, so that whoever works on a rung does not look at the plants that judge it."""
NEAR_H = 2
"""Hours after a start or a stop in which nothing may open."""
FAULTY_SEEDS = tuple(range(1101, 1106))
LOG = ROOT / "build" / "bench" / "rungs.runs.jsonl"


class Judged(NamedTuple):
    """Figures of one plant by rung, which rungs opened cases, and cases near a start or a stop."""

    found: Found
    first: Counter[str]
    near: int


def plan_of(trial: Trial, first_seed: int) -> Plan:
    """As the benchmark of the pump model has it: every other plant has faulty sensors; seasons take turns."""
    number = trial.seed - first_seed
    return Plan(seed=trial.seed, law=LAWS[trial.law], start_us=STARTS[number % 4], faults=number % 2 == 0)


class Moves:
    """Times at which each machine of a plant started or stopped, as simulated."""

    def __init__(self) -> None:
        self._times_us: dict[int, list[int]] = {}

    def see(self, block: FleetBlock) -> None:
        """Take a day."""
        moved = (block.run_state == RunState.STARTING) | (block.run_state == RunState.STOPPING)
        for asset, time_us in zip(block.asset[moved].tolist(), block.time_us[moved].tolist(), strict=True):
            self._times_us.setdefault(asset, []).append(time_us)

    def are_near(self, case: Episode) -> bool:
        """Whether a case opened up to NEAR_H after one."""
        times = self._times_us.get(case.asset, ())
        return any(0 <= case.opened_us - time_us <= NEAR_H * HOUR_US for time_us in times)


def recorded(plan: Plan, model: HealthModel, pumps: int, moves: Moves) -> History:
    """A plant's rows, one in an hour of each machine's running."""
    asset_type = parse(plant_text()).types[NAME]
    return record(
        fleet_of(plan, pumps, DAYS), plan.seed, asset_type, model.spec, EVERY_MIN, progress=quiet, seen=moves.see
    )


def run(trial: Trial, first_seed: int, pumps: int) -> Judged:
    """One plant: recorded once, judged by each rung and by all together."""
    model, plan = load(), plan_of(trial, first_seed)
    moves = Moves()
    history = recorded(plan, model, pumps, moves)
    on = warned(history, model)
    scores = {name: judge(history, episodes_of(history, rows)) for name, rows in on.items()}
    cases = list(episodes_of(history, on[ALL]))
    return Judged(Found(trial, scores), _first(history, on, cases), sum(map(moves.are_near, cases)))


def _first(history: History, on: dict[str, np.ndarray], cases: Sequence[Episode]) -> Counter[str]:
    """How many cases each rung opened, alone or with others in the same hour."""
    place = {
        (asset, end): at
        for at, (asset, end) in enumerate(zip(history.asset.tolist(), history.window_end_us.tolist(), strict=True))
    }
    rows = [place[case.asset, case.opened_us] for case in cases]
    return Counter("+".join(rung for rung in RUNGS if on[rung][row]) for row in rows)


def faulty(seed: int, pumps: int) -> tuple[int, int, float]:
    """Cases of healthy pumps with faulty sensors, those that their twins with sound ones do not have, machine-months.

    The twins' physics is the same: sensor faults never reach it. A twin's case within the last horizon is the same.
    """
    model, law = load(), HEALTHY.law
    start = (WINTER, SPRING, SUMMER, AUTUMN)[seed % 4]
    histories = [
        recorded(Plan(seed=seed, law=law, start_us=start, faults=fault), model, pumps, Moves())
        for fault in (True, False)
    ]
    cases, twins = (list(episodes_of(history, warned(history, model)[ALL])) for history in histories)
    alone = [
        case
        for case in cases
        if not any(twin.asset == case.asset and abs(twin.opened_us - case.opened_us) <= FOUNDED_US for twin in twins)
    ]
    return len(cases), len(alone), judge(histories[0], cases).machine_months


def run_all(
    chosen: Sequence[Trial], first_seed: int, seeds: Sequence[int], pumps: int
) -> tuple[list[Judged], tuple[float, ...]]:
    """Every plant and every healthy one with faulty sensors, a process per core, with a bar."""
    with (
        Progress(console=Console(stderr=True), transient=True) as progress,
        ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn")) as pool,
    ):
        task = progress.add_task("plants", total=len(chosen) + len(seeds))
        plants = [pool.submit(run, trial, first_seed, pumps) for trial in chosen]
        healthy = [pool.submit(faulty, seed, pumps) for seed in seeds]
        for _ in as_completed([*plants, *healthy]):
            progress.advance(task)
        return [future.result() for future in plants], tuple(
            sum(part) for part in zip(*(future.result() for future in healthy), strict=True)
        )


def table(title: str, head: str, parts: dict[str, Callable[[str], Scores]]) -> Table:
    """A line a part: what each rung and all together make of it."""
    out = Table(head, "failures", *(f"{name}: recall, h, unf." for name in SHOWN), title=title, title_justify="left")
    for part, of in parts.items():
        figures = [three(of(name)) for name in SHOWN]
        lines = (f"{recall:.3f}  {lead:.0f}  {unfounded:.2f}" for recall, lead, unfounded in figures)
        out.add_row(part, f"{of(ALL).failures}", *lines)
    return out


def tables(found: Sequence[Found]) -> list[Table]:
    """By law and by failure mode; a warning has no mode, so nothing there is unfounded."""
    laws = {**by_law(found), "all": list(found)}
    modes = total(found, ALL).modes
    return [
        table("rungs by law", "law", {law: lambda name, of=of: total(of, name) for law, of in laws.items()}),
        table("by mode", "mode", {mode: lambda name, of=mode: total(found, name).of_mode(of) for mode in modes}),
    ]


def rows_of(judged: Sequence[Judged], healthy: Sequence[float]) -> list[Row]:
    """Figures with bars, of all rungs together, then of each, what opened first, and what must not open."""
    found = [one.found for one in judged]
    figures = zip(BARS, three(total(found, ALL)), strict=True)
    rows = [Row(name=name, value=value, unit=unit, bar=bar, at_most=most) for (name, unit, bar, most), value in figures]
    a_week = total(found, ALL).unfounded_a_month * MACHINES_A_PERSON / WEEKS_A_MONTH
    rows.append(Row(name="unfounded, of 60 machines", value=a_week, unit="an engineer-week", bar=BUDGET, at_most=True))
    rows.append(Row(name="early warnings, counted as unfounded", value=total(found, ALL).early, unit="warnings"))
    near, (cases, alone, months) = sum(one.near for one in judged), healthy
    rows.append(Row(name="opened within 2 h of a start or a stop", value=near, unit="cases", bar=0, at_most=True))
    rows.append(Row(name="opened by a sensor fault alone", value=alone, unit="cases", bar=0, at_most=True))
    rows.append(Row(name=f"opened on {months:.0f} healthy machine-months", value=cases, unit="cases"))
    for name in SHOWN[1:]:
        each = zip(BARS, three(total(found, name)), strict=True)
        rows += [Row(name=f"{name}: {what}", value=value, unit=unit) for (what, unit, _, _), value in each]
    first: Counter[str] = sum((one.first for one in judged), Counter())
    return [
        *rows,
        *(Row(name=f"opened first by {name}", value=count, unit="cases") for name, count in first.most_common()),
    ]


def parts_of(found: Sequence[Found]) -> list[Row]:
    """Figures of all rungs together by law and by seed, and by failure mode."""
    rows, parts = [], [*by_law(found).items(), *((f"seed {one.trial.seed}", [one]) for one in found)]
    for part, plants in parts:
        figures = zip(BARS, three(total(plants, ALL)), strict=True)
        rows += [Row(name=f"{part}: {name}", value=value, unit=unit) for (name, unit, _, _), value in figures]
    for mode, of_mode in total(found, ALL).figures_by_mode().items():
        rows.append(Row(name=f"{mode}: recall", value=of_mode["recall"], unit="share"))
        rows.append(Row(name=f"{mode}: median lead", value=of_mode["lead_h_median"], unit="h"))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.rungs", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one seed a law, of plants for development, not for judging"
    )
    quick = parser.parse_args().quick
    begun = time.perf_counter()
    if quick:
        first_seed, seeds = DEVELOPMENT_SEED, (DEVELOPMENT_SEED + 100,)
        chosen = [Trial(law, DEVELOPMENT_SEED + at) for at, law in enumerate(LAWS)]
    else:
        chosen, seeds = trials(SEEDS_A_LAW), FAULTY_SEEDS
        first_seed = chosen[0].seed
    judged, healthy = run_all(chosen, first_seed, seeds, PUMPS)
    found = [one.found for one in judged]
    rows, parts, console = rows_of(judged, healthy), parts_of(found), Console()
    console.width = max(console.width, WIDTH + 40)
    for one in tables(found):
        console.print(one)
    print(f"{len(found)} plants of {PUMPS} pumps over {DAYS} days in {time.perf_counter() - begun:.0f} s")
    if not quick:
        log_run([*rows, *parts], found, load().card.version, LOG)
    report("rungs", rows, parts, quick=quick)


if __name__ == "__main__":
    main()
