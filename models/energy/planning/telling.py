"""A schedule as the record that people and systems read: jobs, power, maintenance, and what is saved by how much.

The saving is against the plant's usual rule for the same orders, with an interval by what machines' powers may be off.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from models.energy.planning import greedy
from models.energy.planning.posing import Posed, Situation
from models.energy.planning.problem import NOTHING, Problem, Schedule
from models.energy.planning.running import Running
from models.energy.planning.timeline import (
    Figures,
    Habit,
    Span,
    all_spans,
    figures,
    load_kw,
    moved,
    quarters,
)
from models.energy.planning.warned import chance_by, deadline_of
from models.energy.planning.worth import UNPRICED
from models.records import (
    NotPlanned,
    Plan,
    PlanFigures,
    PlannedCare,
    PlannedJob,
    PlannedPower,
    PlanReason,
    PlanSaving,
    PowerState,
    Quarters,
    Unplanned,
    id_of,
)

DRAWS = 400
"""Of powers within their errors, for the interval of a saving. Our choice."""
LOW, HIGH = 10.0, 90.0
"""Percentiles of an interval of 80 %."""


class Made(NamedTuple):
    """How a plan came about."""

    reason: PlanReason
    made_us: int
    solver: str
    seconds: float
    gap: float | None
    revision: int


def told(at: Situation, posed: Posed, schedule: Schedule, made: Made) -> Plan:
    """The plan as a record."""
    problem, grid = posed.problem, posed.grid
    running = Running(at.running, grid.begin_us, at.orders, at.down)
    usual = usual_of(problem, schedule)
    spans, usually = all_spans(problem, schedule), all_spans(problem, usual, Habit.LEFT_ON)
    took = figures(problem, schedule)
    usual_took = figures(problem, usual, Habit.LEFT_ON)
    return Plan(
        plant=at.plant.plant,
        id=id_of("plan", at.plant.plant, "", str(made.reason), made.made_us),
        revision=made.revision,
        made_us=made.made_us,
        begin_us=grid.begin_us,
        end_us=grid.time_of(grid.steps),
        reason=made.reason,
        jobs=_jobs(running, posed, schedule),
        power=_power(posed, spans),
        care=_cares(running, posed, schedule),
        unplanned=(*posed.unplanned, *_without_room(posed, schedule)),
        figures=_figures(posed, schedule, took),
        usual=_figures(posed, usual, usual_took),
        saving=_saving(posed, spans, usually, took, usual_took),
        gap=made.gap,
        solver=made.solver,
        seconds=round(made.seconds, 2),
        moved=moved(problem, schedule),
        assumed=(*posed.assumed, *_of_usual(posed, schedule, usual)),
        quarters=_quarters(problem, spans, usually),
        currency="" if UNPRICED in posed.assumed else at.plant.currency or "",
        done=tuple(running.done),
    )


def usual_of(problem: Problem, schedule: Schedule) -> Schedule:
    """The usual rule for the orders that a schedule has: what is left out must not look like energy that is saved."""
    same = tuple(job for job in problem.jobs if schedule.option[job.operations[0]] != NOTHING)
    return greedy.build(dataclasses.replace(problem, jobs=same), greedy.usual)


def _jobs(running: Running, posed: Posed, schedule: Schedule) -> tuple[PlannedJob, ...]:
    """What is planned, with what is being made since before."""
    problem, grid, out = posed.problem, posed.grid, []
    out += running.going_on
    for machine, spans in enumerate(all_spans(problem, schedule)):
        setups = {span.end: span.begin for span in spans if span.state is PowerState.SETUP}
        for span in spans:
            if span.work < 0:
                continue
            order, step = posed.steps[span.work]
            out.append(
                PlannedJob(
                    order=order.order,
                    product=order.product,
                    units=order.units,
                    step=step,
                    asset=problem.machines[machine].name,
                    setup_us=grid.time_of(setups.get(span.begin, span.begin)),
                    begin_us=grid.time_of(span.begin),
                    end_us=grid.time_of(span.end),
                    kwh=round(span.kw * (span.end - span.begin) * problem.step_h, 3),
                    due_us=order.due_us,
                    is_frozen=span.work in problem.fixed,
                )
            )
    return tuple(sorted(out, key=lambda job: (job.begin_us, job.asset)))


def _power(posed: Posed, of: list[list[Span]]) -> tuple[PlannedPower, ...]:
    grid = posed.grid
    return tuple(
        PlannedPower(
            asset=one.name,
            state=span.state,
            begin_us=grid.time_of(span.begin),
            end_us=grid.time_of(span.end),
            kw=round(span.kw, 3),
        )
        for one, spans in zip(posed.problem.machines, of, strict=True)
        for span in spans
    )


def _cares(running: Running, posed: Posed, schedule: Schedule) -> tuple[PlannedCare, ...]:
    """What is planned, with what goes on since before."""
    grid, out = posed.grid, list(running.cares)
    for alert, care, begin in zip(posed.cares, posed.problem.cares, schedule.care, strict=True):
        begin_us = grid.time_of(begin)
        out.append(
            PlannedCare(
                asset=alert.asset,
                alert=alert.id,
                mode=alert.mode,
                begin_us=begin_us,
                end_us=grid.time_of(begin + care.steps),
                deadline_us=deadline_of(alert),
                chance=round(float(chance_by(alert, np.array([begin_us]))[0]), 4),
                cost=round(float(care.risk[begin]), 2),
            )
        )
    return tuple(out)


def _without_room(posed: Posed, schedule: Schedule) -> list[Unplanned]:
    """Orders that the horizon has no room for."""
    left = [job for job in posed.problem.jobs if schedule.option[job.operations[0]] == NOTHING]
    why = "machines are taken until the plan's end: a later plan will have it, or give it more working time"
    early = "it may begin only after the plan's end: a later plan will have it"
    steps = posed.problem.steps
    return [
        Unplanned(order=job.name, why=NotPlanned.NO_ROOM, detail=early if job.release >= steps else why) for job in left
    ]


def _figures(posed: Posed, schedule: Schedule, took: Figures) -> PlanFigures:
    problem = posed.problem
    planned = {job.name for job in problem.jobs if schedule.option[job.operations[0]] != NOTHING}
    units = {step.order.order: step.order.units for step in posed.steps if step.order.order in planned}
    return PlanFigures(
        kwh=round(took.kwh, 3),
        energy_cost=round(_energy_cost(problem, took), 4),
        demand_cost=round(took.demand_cost, 4),
        co2_kg=round(took.co2_kg, 3) if problem.site.co2.any() else None,
        peak_kw=round(took.peak_kw, 3),
        late_h=round(took.late_steps * problem.step_h, 3),
        late_orders=took.late_jobs,
        units=sum(units.values()),
    )


def _energy_cost(problem: Problem, took: Figures) -> float:
    """What is paid for energy: without the price that plans put on CO2."""
    return took.energy_cost - problem.site.co2_price * took.co2_kg


def _saving(posed: Posed, of: list[list[Span]], usually: list[list[Span]], took: Figures, usual: Figures) -> PlanSaving:
    """What is saved; the interval is of draws of each machine's power, the same for both."""
    problem = posed.problem
    factors = np.random.default_rng(1).normal(1.0, 1.0, (DRAWS, len(problem.machines))) - 1.0
    factors = 1.0 + factors * np.array(posed.errors)
    kwh = factors @ (_sums(problem, usually, None) - _sums(problem, of, None))
    paid = np.concatenate(([0.0], np.cumsum(problem.site.price * problem.step_h)))
    cost = factors @ (_sums(problem, usually, paid) - _sums(problem, of, paid))
    more = usual.demand_cost - took.demand_cost
    saved_kwh, saved = usual.kwh - took.kwh, _energy_cost(problem, usual) - _energy_cost(problem, took) + more
    has_co2 = problem.site.co2.any()
    return PlanSaving(
        kwh=round(saved_kwh, 3),
        kwh_low=round(float(np.percentile(kwh, LOW)), 3),
        kwh_high=round(float(np.percentile(kwh, HIGH)), 3),
        cost=round(saved, 4),
        cost_low=round(float(np.percentile(cost, LOW)) + more, 4),
        cost_high=round(float(np.percentile(cost, HIGH)) + more, 4),
        co2_kg=round(usual.co2_kg - took.co2_kg, 3) if has_co2 else None,
    )


def _sums(problem: Problem, of: list[list[Span]], worth: np.ndarray | None) -> np.ndarray:
    """Energy of each machine, or what it costs, [machines]."""
    hours = np.arange(problem.steps + 1) * problem.step_h if worth is None else worth
    return np.array([sum(span.kw * (hours[span.end] - hours[span.begin]) for span in spans) for spans in of])


def _of_usual(posed: Posed, schedule: Schedule, usual: Schedule) -> list[str]:
    """That the usual rule leaves orders out which the plan has, where it does."""
    jobs = posed.problem.jobs
    more = sum(usual.option[j.operations[0]] == NOTHING != schedule.option[j.operations[0]] for j in jobs)
    return [f"the usual rule finds no room for {more} orders of this plan, and is charged nothing for them"] * bool(
        more
    )


def _quarters(problem: Problem, of: list[list[Span]], usually: list[list[Span]]) -> Quarters:
    def shown(values: np.ndarray) -> tuple[float, ...]:
        return tuple(round(float(one), 4) for one in quarters(problem, values))

    return Quarters(
        price_per_kwh=shown(problem.site.price),
        kw=shown(load_kw(problem, of)),
        usual_kw=shown(load_kw(problem, usually)),
    )
