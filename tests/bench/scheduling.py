"""Whether the scheduler schedules: public job shops, a large plant against the clock, and solvers side by side.

`make bench ONLY=scheduling`. 200 orders on 20 machines over 72 h with made-up day-ahead prices, setups and starts: one
search of ten minutes, whose best is read off at 20 s; `--more` has two more seeds. Kacem's and Brandimarte's job shops
(public, skipped where absent) by makespan alone, MINUTE seconds a case; of Kacem's fourth the public list has 12 as the
optimum, and 11 can be done. Small plants for CP-SAT, HiGHS and the search, the same seconds each: what they cost and
what is proven. The search's seconds are of the processor, solvers' are the wall's: they have two threads.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from models.energy.planning import cpsat, search
from models.energy.planning.problem import NOTHING, Problem, Schedule
from models.energy.planning.timeline import Figures, all_spans, figures
from tests.kit import energy_milp, energy_plants, fjsp
from tests.kit.bench import Row, report
from tests.kit.energy_check import walk
from tests.kit.public import why_not

MINUTE, LONG_S, SOON_S, SIDE_S = 60.0, 600.0, 20.0, 20.0
"""Seconds of a public case, of the long plan, of the one that is held against it, of a solver on a small plant."""
SIZES = (4, 8, 12, 20)
"""Orders of the small plants: more do not fit into them."""
SIDE_SEED = energy_plants.SEEDS[0]
OFF_BEST = 0.03
"""Over the best makespan that is known, for Brandimarte's."""


def makespans() -> tuple[Table, list[Row]]:
    """Public job shops."""
    table = Table("case", "best known", "found", "bound", "s", title="makespan", title_justify="left")
    rows = []
    for one in fjsp.instances():
        found = search.search(one.problem, search.Limits(MINUTE), time.perf_counter)
        check(one.problem, found.schedule)
        made, bound = round(found.figures.makespan_cost), found.bound
        known = f"{one.best}" if one.is_proven else f"{one.best}, not proven"
        table.add_row(one.name, known, str(made), f"{bound:.0f}", f"{found.seconds:.1f}")
        off, bar = 100 * (made / one.best - 1), 100 * OFF_BEST if one.name.startswith("mk") else 0.0
        rows.append(Row(name=f"{one.name}: over the best known", value=off, unit="%", bar=bar, at_most=True))
        rows.append(Row(name=f"{one.name}: over what is proven", value=made - float(round(bound)), unit="steps"))
    return table, rows


def check(problem: Problem, schedule: Schedule) -> None:
    """That a schedule can be carried out."""
    if wrong := walk(problem, schedule, all_spans(problem, schedule)).wrong:
        raise AssertionError(f"a plan that cannot be carried out: {wrong}")


def against_the_clock(seed: int) -> list[Row]:
    """200 orders, 20 machines, 72 hours."""
    problem, begun, told = energy_plants.large(seed), time.process_time(), list[tuple[float, float, int]]()

    def better(schedule: Schedule, took: Figures) -> None:
        left = schedule.option.count(NOTHING)
        told.append((time.process_time() - begun, took.cost, left))

    found = search.search(problem, search.Limits(LONG_S), time.process_time, better=better)
    check(problem, found.schedule)
    first_s = next((at for at, _, left in told if not left), LONG_S)
    soon = min(cost for at, cost, _ in told if at <= SOON_S)

    def over(cost: float) -> float:
        return 100 * (cost / found.figures.cost - 1)

    head = f"200 orders x 20 machines, seed {seed}"
    return [
        Row(name=f"{head}: first plan of all orders", value=first_s, unit="s", bar=2.0, at_most=True),
        Row(name=f"{head}: first plan over the long one", value=over(told[0][1]), unit="%"),
        Row(name=f"{head}: at 20 s over 600 s", value=over(soon), unit="%", bar=5.0, at_most=True),
        Row(name=f"{head}: gap to the bound after 600 s", value=100 * found.gap, unit="%"),
        Row(name=f"{head}: rounds", value=found.parts / LONG_S, unit="a second"),
    ]  # fmt: skip


class Side(NamedTuple):
    """What a solver made of a small plant: cost, bound, seconds."""

    cost: float | None
    bound: float | None
    seconds: float


def by_search(problem: Problem) -> Side:
    """The search alone, without a solver."""
    begun = time.process_time()
    whole, search.WHOLE = search.WHOLE, 0
    try:
        found = search.search(problem, search.Limits(SIDE_S), time.process_time)
    finally:
        search.WHOLE = whole
    return Side(found.figures.cost, found.bound, time.process_time() - begun)


def by_both(problem: Problem) -> Side:
    """As it is shipped: the search, then CP-SAT for what is small."""
    found = search.search(problem, search.Limits(SIDE_S), time.perf_counter)
    return Side(found.figures.cost, found.bound, found.seconds)


def by_cpsat(problem: Problem) -> Side:
    """CP-SAT with the whole problem, from the first schedule."""
    begun, first = time.perf_counter(), search.first(problem)
    answer = cpsat.Part(problem, first, search.planned(first)).solve(cpsat.Limits(SIDE_S))
    cost = None if answer.schedule is None else figures(problem, answer.schedule).cost
    bound = None if answer.bound is None else answer.bound + search.constant(problem)
    return Side(cost, bound, time.perf_counter() - begun)


def by_highs(problem: Problem) -> Side:
    """HiGHS with the time-indexed program."""
    begun = time.perf_counter()
    answer = energy_milp.solve(problem, search.first(problem), SIDE_S)
    return Side(answer.cost, answer.bound, time.perf_counter() - begun)


SHIPPED, PEERS = "search, then CP-SAT", ("CP-SAT", "HiGHS")
SOLVERS = {"search": by_search, "CP-SAT": by_cpsat, "HiGHS": by_highs, SHIPPED: by_both}


def side_by_side(progress: Progress) -> tuple[Table, list[Row]]:
    """All on the same small plants."""
    head = ("orders", "operations", *(f"{name}: cost / bound / s" for name in SOLVERS))
    table, rows = Table(*head, title="solvers side by side", title_justify="left"), []
    for jobs in progress.track(SIZES, description="solvers"):
        problem = energy_plants.small(SIDE_SEED, jobs)
        sides = {name: solve(problem) for name, solve in SOLVERS.items()}
        best = min(side.cost for side in sides.values() if side.cost is not None)
        shipped = sides[SHIPPED].cost
        table.add_row(str(jobs), str(len(problem.operations)), *map(_told, sides.values()))
        for name, side in sides.items():
            over = float("nan") if side.cost is None else 100 * (side.cost / best - 1)
            under = float("nan") if side.bound is None else 100 * max(0.0, 1 - side.bound / best)
            rows += [
                Row(name=f"{jobs} orders, {name}: over the best", value=over, unit="%", at_most=True,
                    **({"peer": name, "ours": 100 * (shipped / best - 1)} if name in PEERS and shipped else {})),
                Row(name=f"{jobs} orders, {name}: bound under the best", value=under, unit="%"),
            ]  # fmt: skip
    return table, rows


def _told(side: Side) -> str:
    cost, bound = ("-" if one is None else f"{one:,.1f}" for one in (side.cost, side.bound))
    return f"{cost} / {bound} / {side.seconds:.1f}"


def rows_of_seeds(seeds: Sequence[int], progress: Progress) -> list[Row]:
    return [row for seed in progress.track(seeds, description="200 x 20") for row in against_the_clock(seed)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--more", action="store_true")
    seeds = energy_plants.SEEDS[: 3 if parser.parse_args().more else 1]
    console, rows = Console(width=150), list[Row]()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        rows += rows_of_seeds(seeds, progress)
        if fjsp.index().is_file():
            table, more = makespans()
            console.print(table)
            rows += more
        else:
            console.print(f"job shops are skipped: {why_not(fjsp.index())}")
        table, unprinted = side_by_side(progress)
        console.print(table)
    report("scheduling", rows, unprinted)


if __name__ == "__main__":
    main()
