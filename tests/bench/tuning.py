"""Process tuning in a closed loop on the simulated weld cell, then on two public sets.

`make bench ONLY=tuning`. The cell starts at 0.8 % defects; the loop sees part results alone, learns anew each 500 of
them, and whoever takes its suggestions takes all. Bars: the simulator's true rate is at most 0.15 % within 20,000 parts
in every run, energy and cycle time of a part are no more than at the start, and no rail is passed, by a check that
knows the limits and not the rails' code. Four situations, 20 seeds each, all shown; beside the true rate stands what
the loop itself says: the rate found at its last settings, and the 95 % bound that holds at any time.

The simulator was frozen before anything was tuned (its files' hash is in its tests). What was chosen on seeds 1000 to
1015 alone, before any of the reported was run: spreads of priors, steps tried, when a move is worth it, that stations
may explore, the least evidence. Tried there and not kept: a probit model in the place of the logistic one (10 of 12
runs, not 12), means over draws for chances (moves that are unsure looked worse than they are), asking for four fifths
of certainty (stuck in a third of runs), Joule's heat I^2 t as a prior for time (wrong by a factor of three here), and
no energy at all on the way (11 of 12). Resistance, though it looked helpful, is no input: an expulsion lowers it. The
first run of the reported seeds found two faults of the loop's logic, by seed 12, which stayed at 9 %: a suggestion was
made at the very setting that people were to leave, and a change to something else than was taken was waited for. Both
were mended by what is right, with tests, and no constant was changed for it; that a part may take more only until it
was near a good rate once was chosen on the other seeds then.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from models.physics import weld
from tests.kit.bench import Row, report
from tests.kit.weld_loop import Ended, run, station

SEEDS, PARTS = range(1, 21), 20_000
BAR, ATTAINED = 0.0015, 1.0
EVIDENCE = 400


class Job(NamedTuple):
    """A run."""

    seed: int
    scenario: weld.Scenario


class Outcome(NamedTuple):
    """What a run came to: takes are shares of the start's; `broken` are limits that an accepted move passed."""

    ended: Ended
    energy: float
    energy_there: float
    cycle: float
    broken: tuple[str, ...]
    worst: float
    slowest_s: float


def one(job: Job) -> Outcome:
    """A whole run, judged by the simulator's truth."""
    ended = run(job.seed, job.scenario, PARTS, evidence=EVIDENCE)
    energy = weld.energy_kj(ended.settings, job.scenario, PARTS)
    return Outcome(
        ended,
        energy / weld.energy_kj(weld.START, job.scenario, 0),
        energy / weld.energy_kj(weld.START, job.scenario, PARTS),
        weld.cycle_s(ended.settings) / weld.cycle_s(weld.START),
        broken(ended),
        max(seen.true for seen in ended.seen),
        ended.slowest_s,
    )


def broken(ended: Ended) -> tuple[str, ...]:
    """Limits of the station that a move of the run passed, by its settings alone."""
    of, found = station(EVIDENCE), []
    path = [weld.START, *(seen.settings for seen in ended.seen)]
    for before, after in pairwise(path):
        for name, parameter in of.parameters.items():
            was, now = getattr(before, name), getattr(after, name)
            if not parameter.low - 1e-9 <= now <= parameter.high + 1e-9:
                found.append(f"{name} {now:g} is out of bounds")
            if abs(now - was) > parameter.step + 1e-9:
                found.append(f"{name} moved {now - was:+g}, more than a step")
    return tuple(found)


def shown(name: str, outcomes: Sequence[Outcome]) -> Table:
    """Every seed of a situation."""
    table = Table(
        "seed", "true %", "its estimate %", "95 % bound", "moves", "withdrawn", "0.15 % from part",
        "worst on the way %", "energy", "there", "cycle", "settings",
        title=f"{name}: true rate after {PARTS:,} parts", title_justify="left",
    )  # fmt: skip
    for of in outcomes:
        ended = of.ended
        table.add_row(
            str(ended.seed), f"{100 * ended.true:.3f}", f"{100 * ended.estimate:.3f}", f"{100 * ended.high:.2f}",
            str(ended.moves), str(len(ended.withdrawn)), f"{ended.reached:,}" if ended.reached is not None else "not",
            f"{100 * of.worst:.2f}", f"{of.energy:.3f}", f"{of.energy_there:.3f}", f"{of.cycle:.3f}",
            " ".join(f"{value:g}" for value in ended.settings),
        )  # fmt: skip
    return table


def rows_of(name: str, outcomes: Sequence[Outcome]) -> list[Row]:
    """Figures of a situation, with their bars."""
    true = np.array([of.ended.true for of in outcomes])
    return [
        Row(name=f"{name}: runs at 0.15 % or less", value=100 * float((true <= BAR).mean()), unit="%", bar=100.0),
        Row.of([100 * one for one in true.tolist()], name=f"{name}: true rate, median", unit="%"),
        Row(name=f"{name}: true rate, highest", value=100 * float(true.max()), unit="%", bar=100 * BAR, at_most=True),
        Row(
            name=f"{name}: energy of a part, highest", value=100 * max(of.energy for of in outcomes),
            unit="% of the start's", bar=100.0, at_most=True,
        ),
        Row(
            name=f"{name}: cycle of a part, highest", value=100 * max(of.cycle for of in outcomes),
            unit="% of the start's", bar=100.0, at_most=True,
        ),
        Row(
            name=f"{name}: limits passed", value=float(sum(len(of.broken) for of in outcomes)), unit="", bar=0.0,
            at_most=True,
        ),
        Row(
            name=f"{name}: true rates within the loop's 95 % bound",
            value=100 * float(np.mean([of.ended.low <= of.ended.true <= of.ended.high for of in outcomes])), unit="%",
        ),
        Row(
            name=f"{name}: slowest look, search and all", value=max(of.slowest_s for of in outcomes), unit="s", bar=2.0,
            at_most=True,
        ),
    ]  # fmt: skip


def by_seed(name: str, outcomes: Sequence[Outcome]) -> list[Row]:
    """True rates by seed, for the file."""
    return [
        Row(name=f"{name}: true rate, seed {of.ended.seed}", value=100 * of.ended.true, unit="%") for of in outcomes
    ]


def main() -> None:
    """Run all, print every seed, and write the file."""
    console, begun = Console(width=190), time.perf_counter()
    rows, unprinted = [], []
    with multiprocessing.Pool(2) as pool, Progress(console=Console(stderr=True)) as progress:
        for scenario in weld.SCENARIOS:
            jobs = [Job(seed, scenario) for seed in SEEDS]
            made = progress.track(pool.imap(one, jobs), total=len(jobs), description=scenario.name)
            outcomes = list(made)
            console.print(shown(scenario.name, outcomes))
            rows += rows_of(scenario.name, outcomes)
            unprinted += by_seed(scenario.name, outcomes)
    rows.append(Row(name="whole run", value=time.perf_counter() - begun, unit="s"))
    report("tuning", rows, unprinted)


if __name__ == "__main__":
    sys.exit(main())
