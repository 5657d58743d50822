"""What plans of production save: kWh beside the usual rule and an energy-aware greedy, costs over 52 weeks, a loop.

`make bench ONLY=energy`. Plants and orders are simulated and frozen (tests/kit/energy_plants.py, a test holds their
hash); prices are Belgium's day-ahead ones of 2023. The usual rule: earliest due date first, first free machine, full
speed, left on between jobs within working time. The greedy is the best of several energy-aware ones, which the search
starts from. Both make the same orders, so kWh compare as kWh a unit do. Seconds are of the processor, since others may
use it. A week's prices are known when its plan is made, but on the line `by day`, where each midnight plans anew by
prices of that day and takes them for the later ones. CO2 has one factor: it follows energy.

`--quick` takes a tenth of the time: to see that it runs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from models.energy.planning import greedy, search
from models.energy.planning.problem import NOTHING, Problem, Schedule
from models.energy.planning.timeline import Figures, Habit, all_spans, figures
from tests.kit import belgian_prices, energy_plants
from tests.kit.bench import Row, report
from tests.kit.energy_check import walk
from tests.kit.energy_days import by_day
from tests.kit.energy_loop import carry_out, noise_of
from tests.kit.energy_shares import NAMES, full_speed, moved_to, parts_of, same_machines, timed
from tests.kit.public import why_not

PLAN_S, OFF_S, RUNG_S, WEEK_S, DAY_S = 20.0, 10.0, 8.0, 2.0, 0.4
"""Seconds of a search: kWh, machines that draw nothing when off, a rung of mechanisms, a week, a day of one."""
RUNG_SEEDS = energy_plants.SEEDS[:4]
LATE_EUR = 25.0
"""A step of delay in weeks with prices: 100 EUR an hour. Our choice."""
NOISES = 5
"""Runs of the loop a plan."""
RUNGS = ("switching off", "timing", "order (batching)", "machine choice", "speeds")


class Done(NamedTuple):
    """A plant's schedules and what they take."""

    problem: Problem
    usual: Schedule
    usual_took: Figures
    greedy_took: Figures
    found: search.Found

    @property
    def saved(self) -> float:
        """Of the usual rule's cost, %."""
        return 100 * (1 - self.found.figures.cost / self.usual_took.cost)

    @property
    def saved_greedy(self) -> float:
        """Of the greedy's kWh, %."""
        return 100 * (1 - self.found.figures.kwh / self.greedy_took.kwh)

    @property
    def possible(self) -> float:
        """What the bound leaves to save of the usual rule's cost, %."""
        return 100 * (1 - self.found.bound / self.usual_took.cost)


def planned(problem: Problem, seconds: float) -> search.Found:
    """A plan of so many seconds, held against the second opinion."""
    found = search.search(problem, search.Limits(seconds), time.process_time)
    wrong = walk(problem, found.schedule, all_spans(problem, found.schedule)).wrong
    if wrong or NOTHING in found.schedule.option:
        raise AssertionError(f"a plan that cannot be carried out: {wrong or 'orders are left'}")
    return found


def done(problem: Problem, seconds: float) -> Done:
    """A plant by the usual rule, by the greedy and by the search."""
    usual = greedy.build(problem, greedy.usual)
    first = figures(problem, search.first(problem))
    return Done(problem, usual, figures(problem, usual, Habit.LEFT_ON), first, planned(problem, seconds))


def middle(values: Sequence[float]) -> float:
    return float(np.median(values))


def kwh_rows(plants: Sequence[Done], off: Sequence[Done]) -> list[Row]:
    """What is saved in kWh, and how much may be left."""
    saved, beside = [one.saved for one in plants], [one.saved_greedy for one in plants]
    late = [one.found.figures.late_steps - one.usual_took.late_steps for one in plants]
    jobs = [one.found.figures.late_jobs - one.usual_took.late_jobs for one in plants]
    nothing = [one.saved for one in off]
    greedier = [one.saved_greedy for one in off]
    gaps, possible = [100 * one.found.gap for one in plants], [one.possible for one in plants]
    return [
        Row(name="kWh under the energy-aware greedy, median", value=middle(beside), unit="%", bar=5.0,
            low=min(beside), high=max(beside), runs=len(beside), peer="energy-aware greedy", theirs=0.0),
        Row(name="kWh under the energy-aware greedy, worst", value=min(beside), unit="%"),
        Row(name="kWh under the usual rule, median", value=middle(saved), unit="%", bar=12.0,
            low=min(saved), high=max(saved), runs=len(saved), peer="usual rule", theirs=0.0),
        Row(name="kWh under the usual rule, worst", value=min(saved), unit="%"),
        Row(name="the most that any plan could save by the bound, median", value=middle(possible), unit="%"),
        Row(name="gap to the bound, median", value=middle(gaps), unit="%"),
        Row(name="gap to the bound, worst", value=max(gaps), unit="%"),
        Row(name="later than the usual rule, worst seed", value=max(late), unit="steps", bar=0.0, at_most=True),
        Row(name="orders more that are late, worst seed", value=max(jobs), unit="orders", bar=0.0, at_most=True),
        Row(name="off draws nothing: under the usual rule, median", value=middle(nothing), unit="%"),
        Row(name="off draws nothing: under the usual rule, worst", value=min(nothing), unit="%"),
        Row(name="off draws nothing: by the bound, median", value=middle([one.possible for one in off]), unit="%"),
        Row(name="off draws nothing: under the greedy, median", value=middle(greedier), unit="%"),
    ]  # fmt: skip


def seeds_table(title: str, plants: Sequence[Done], seeds: Sequence[int]) -> Table:
    """A line a seed."""
    head = ("seed", "usual kWh", "greedy kWh", "plan kWh", "under usual %", "under greedy %", "gap %", "late", "rounds")
    out = Table(*head, title=title, title_justify="left")
    for seed, one in zip(seeds, plants, strict=True):
        took = one.found.figures
        kwh = (f"{each.kwh:,.0f}" for each in (one.usual_took, one.greedy_took, took))
        late = f"{took.late_steps} / {one.usual_took.late_steps}"
        shares = (f"{share:.2f}" for share in (one.saved, one.saved_greedy, 100 * one.found.gap))
        out.add_row(str(seed), *kwh, *shares, late, str(one.found.parts))
    return out


def share_rows(plants: Sequence[Done]) -> list[Row]:
    """The difference to the usual rule by mechanism: the parts add up to it."""
    shares = []
    for one in plants:
        was = parts_of(one.problem, one.usual, Habit.LEFT_ON)
        now = parts_of(one.problem, one.found.schedule, Habit.CHEAPEST)
        shares.append([100 * (a - b) / one.usual_took.kwh for a, b in zip(was, now, strict=True)])
    means = np.mean(shares, axis=0)
    return [
        Row(name=f"of that {name}, mean", value=float(mean), unit="%") for name, mean in zip(NAMES, means, strict=True)
    ]


def rungs(one: Done, seconds: float) -> list[float]:
    """kWh as one mechanism after another is allowed."""
    problem, usual = one.problem, one.usual
    kept = same_machines(problem, usual)
    there = moved_to(problem, usual, kept)
    kwh = [one.usual_took.kwh, figures(kept, there).kwh, figures(kept, timed(kept, there)).kwh]
    now = time.process_time
    kwh.append(search.search(kept, search.Limits(seconds), now, timed(kept, there)).figures.kwh)
    kwh.append(search.search(full_speed(problem), search.Limits(seconds), now).figures.kwh)
    kwh.append(search.search(problem, search.Limits(seconds), now).figures.kwh)
    return kwh


def rung_rows(all_rungs: Sequence[Sequence[float]]) -> list[Row]:
    steps = [[100 * (a - b) / each[0] for a, b in pairwise(each)] for each in all_rungs]
    means = np.mean(steps, axis=0)
    return [
        Row(name=f"allowed one after another: {name}, mean", value=float(mean), unit="%")
        for name, mean in zip(RUNGS, means, strict=True)
    ]


class Week(NamedTuple):
    """A week's cost by the usual rule and by plans, EUR, with kWh, and steps of delay beyond the usual rule's."""

    usual: float
    plan: float
    bound: float
    by_day: float
    nights: float
    usual_kwh: float
    plan_kwh: float
    later: int


def a_week(number: int, price: np.ndarray, scale: float) -> Week:
    """A week with one of the frozen plants in turn."""
    problem = energy_plants.week(energy_plants.SEEDS[number % len(energy_plants.SEEDS)])
    jobs = tuple(job._replace(late=LATE_EUR) for job in problem.jobs)
    problem = replace(problem, jobs=jobs, site=replace(problem.site, price=price))
    usual = figures(problem, greedy.build(problem, greedy.usual), Habit.LEFT_ON)
    plan = planned(problem, WEEK_S * scale)
    daily = by_day(problem, search.Limits(DAY_S * scale), time.process_time)
    if wrong := walk(problem, daily, all_spans(problem, daily)).wrong:
        raise AssertionError(f"a plan by day that cannot be carried out: {wrong}")
    each = figures(problem, daily)
    nights = planned(energy_plants.with_nights(problem), WEEK_S * scale).figures
    later = max(one.late_steps - usual.late_steps for one in (plan.figures, each, nights))
    return Week(
        usual.energy_cost, plan.figures.energy_cost, plan.bound, each.energy_cost, nights.energy_cost,
        usual.kwh, plan.figures.kwh, later,
    )  # fmt: skip


def week_rows(weeks: Sequence[Week]) -> list[Row]:
    """Savings over the year, and by week."""
    rows, usual = [], sum(one.usual for one in weeks)
    for name, which in (("same hours", "plan"), ("same hours, by day", "by_day"), ("nights allowed", "nights")):
        costs = [getattr(one, which) for one in weeks]
        each = [100 * (one.usual - cost) / abs(one.usual) for one, cost in zip(weeks, costs, strict=True)]
        rows += [
            Row(name=f"cost, {name}: saved over {len(weeks)} weeks", value=100 * (1 - sum(costs) / usual), unit="%"),
            Row(name=f"cost, {name}: median week", value=middle(each), unit="%"),
            Row(name=f"cost, {name}: worst week", value=min(each), unit="%"),
        ]
    kwh = [sum(one.usual_kwh for one in weeks), sum(one.plan_kwh for one in weeks)]
    bound = 100 * (1 - sum(one.bound for one in weeks) / sum(one.plan for one in weeks))
    saved_kg = (kwh[0] - kwh[1]) * belgian_prices.CO2_KG_KWH / len(weeks)
    late = max(one.later for one in weeks)
    return [
        *rows,
        Row(name="cost, same hours: gap to the bound over all weeks", value=bound, unit="%"),
        Row(name="steps later than the usual rule, worst week", value=late, unit="steps", bar=0.0, at_most=True),
        Row(name="energy, same hours: saved over all weeks", value=100 * (1 - kwh[1] / kwh[0]), unit="%"),
        Row(name="CO2, same hours: saved a week, at 167.49 g/kWh", value=saved_kg, unit="kg"),
    ]


def loop_rows(plants: Sequence[Done], seeds: Sequence[int]) -> list[Row]:
    """Plans and usual ones carried out: what is saved against what was predicted, in points."""
    off, late = [], []
    for one, seed in zip(plants, seeds, strict=True):
        spans = all_spans(one.problem, one.found.schedule)
        usual = all_spans(one.problem, one.usual, Habit.LEFT_ON)
        for run in range(NOISES):
            was = carry_out(one.problem, one.usual, usual, noise_of(one.problem, seed + run, 0))
            now = carry_out(one.problem, one.found.schedule, spans, noise_of(one.problem, seed + run, 1))
            off.append(abs(100 * (1 - now.kwh / was.kwh) - one.saved))
            late.append((now.late_steps - was.late_steps) * one.problem.step_h)
    return [
        Row(name=f"closed loop, {len(off)} runs: off the predicted, median", value=middle(off), unit="points"),
        Row(name="closed loop: off the predicted, worst", value=max(off), unit="points", bar=3.0, at_most=True),
        Row(name="closed loop: delay beyond the usual rule's, mean", value=float(np.mean(late)), unit="h, all orders"),
        Row(name="closed loop: delay beyond the usual rule's, worst", value=max(late), unit="h, all orders"),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    scale = 0.1 if quick else 1.0
    seeds, console = energy_plants.SEEDS, Console(width=130)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        track = progress.track
        plants = [done(energy_plants.week(s), PLAN_S * scale) for s in track(seeds, description="plants")]
        off = [done(energy_plants.switched_off(one.problem), OFF_S * scale) for one in track(plants, description="off")]
        stairs = [rungs(one, RUNG_S * scale) for one in track(plants[: len(RUNG_SEEDS)], description="mechanisms")]
        weeks = []
        if belgian_prices.path().is_file():
            prices = list(enumerate(belgian_prices.weeks(energy_plants.WEEK.days, 3600 // energy_plants.STEP_S)))
            weeks = [a_week(n, price, scale) for n, price in track(prices, description="weeks of 2023")]
    console.print(seeds_table("plants, each kWh counts 1", plants, seeds))
    console.print(seeds_table("the same where a machine that is off draws nothing", off, seeds))
    if not weeks:
        console.print(f"52 weeks of prices are skipped: {why_not(belgian_prices.path())}")
    rows = [*kwh_rows(plants, off), *share_rows(plants), *rung_rows(stairs), *loop_rows(plants, seeds)]
    report("energy", [*rows, *(week_rows(weeks) if weeks else [])], quick=quick)


if __name__ == "__main__":
    main()
