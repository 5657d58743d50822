"""Plans as people read them in a terminal: what is saved, what runs where, what could not be planned."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from rich.console import Console
from rich.table import Table

from connectors.kafka.plain import Start, read
from models.records import Plan, PlanFigures, Record, decode, encode
from pipelines.cli.planning_error import PlanError
from pipelines.plant_file import PlantFile
from pipelines.settings import Settings
from pipelines.topics import Topic, named

SHOWN = 40
"""Jobs that are shown; all are in the JSON. Our choice."""


def newest(settings: Settings) -> tuple[Plan, str]:
    """The newest plan of the plant, and the plant's time zone. Raises PlanError where there is none."""
    plant, found = PlantFile(settings.plant, settings.site).plant, None
    for record in read(settings.cluster, named(settings.topic_prefix, Topic.PLANS), Start.BEGINNING):
        one = readable(record.value)
        if isinstance(one, Plan) and one.plant == plant.plant and (found is None or one.made_us >= found.made_us):
            found = one
    if found is None:
        raise PlanError("there is no plan yet: `forewarn plan` makes them, of orders on the topic production.orders")
    return found, plant.timezone


def readable(value: bytes | None) -> Record | None:
    """The record; None for a tombstone and for what cannot be read, which the role tells of."""
    try:
        return decode(value) if value else None
    except msgspec.DecodeError:
        return None


def show(plan: Plan, zone: str, console: Console, *, as_json: bool) -> None:
    """Print a plan, with the plant's times."""
    if as_json:
        console.out(encode(plan).decode(), highlight=False)
        return
    begin, end = _time(plan.begin_us, zone), _time(plan.end_us, zone)
    console.print(
        f"plan of {begin} to {end} {zone}, because of {plan.reason}: {len(plan.jobs)} jobs, "
        f"{len(plan.care)} maintenance, in {plan.seconds:g} s",
        highlight=False,
    )
    _print_figures(plan, console)
    _print_care(plan, console, zone)
    _print_jobs(plan, console, zone)
    for one in plan.unplanned:
        console.print(f"not planned: {one.order}: {one.why}: {one.detail}", highlight=False, markup=False)
    for word in plan.assumed:
        console.print(f"assumed: {word}", highlight=False, markup=False)


def _print_figures(plan: Plan, console: Console) -> None:
    table = Table("", "this plan", "the usual rule", "saved", "80 % interval")
    saving, money = plan.saving, f"cost, {plan.currency}" if plan.currency else "cost"
    low, high = saving.cost_low, saving.cost_high
    share = 100 * saving.kwh / plan.usual.kwh if plan.usual.kwh else 0.0
    table.add_row("energy, kWh", f"{plan.figures.kwh:,.0f}", f"{plan.usual.kwh:,.0f}",
                  f"{saving.kwh:,.0f} ({share:.1f} %)", f"{saving.kwh_low:,.0f} to {saving.kwh_high:,.0f}")  # fmt: skip
    table.add_row(money, f"{_cost(plan.figures):,.2f}", f"{_cost(plan.usual):,.2f}", f"{saving.cost:,.2f}",
                  f"{low:,.2f} to {high:,.2f}")  # fmt: skip
    if plan.figures.co2_kg is not None and plan.usual.co2_kg is not None:
        table.add_row("CO2, kg", f"{plan.figures.co2_kg:,.0f}", f"{plan.usual.co2_kg:,.0f}",
                      f"{saving.co2_kg or 0:,.0f}", "")  # fmt: skip
    table.add_row("peak, kW", f"{plan.figures.peak_kw:,.0f}", f"{plan.usual.peak_kw:,.0f}", "", "")
    table.add_row("late, h (orders)", f"{plan.figures.late_h:g} ({plan.figures.late_orders})",
                  f"{plan.usual.late_h:g} ({plan.usual.late_orders})", "", "")  # fmt: skip
    if plan.gap is not None:
        table.add_row("gap to the bound", f"{100 * plan.gap:.1f} %", "", "", "")
    console.print(table)


def _cost(figures: PlanFigures) -> float:
    return figures.energy_cost + figures.demand_cost


def _print_care(plan: Plan, console: Console, zone: str) -> None:
    for one in plan.care:
        console.print(
            f"maintenance of {one.asset} ({one.mode or 'as its warning says'}): {_time(one.begin_us, zone)} to "
            f"{_time(one.end_us, zone)}, before {_time(one.deadline_us, zone)}; chance of failure by then "
            f"{100 * one.chance:.0f} %",
            highlight=False,
            markup=False,
        )


def _print_jobs(plan: Plan, console: Console, zone: str) -> None:
    table = Table("machine", "begins", "ends", "order", "product", "units", "kWh", "due")
    for job in sorted(plan.jobs, key=lambda one: (one.asset, one.begin_us))[:SHOWN]:
        late = "" if job.end_us <= job.due_us else " late"
        table.add_row(job.asset, _time(job.begin_us, zone), _time(job.end_us, zone), job.order, job.product,
                      str(job.units), f"{job.kwh:,.1f}", _time(job.due_us, zone) + late)  # fmt: skip
    console.print(table)
    if len(plan.jobs) > SHOWN:
        console.print(f"{len(plan.jobs) - SHOWN} more jobs: `forewarn plans show --json` has all", highlight=False)


def _time(time_us: int, zone: str) -> str:
    return datetime.fromtimestamp(time_us / 1e6, ZoneInfo(zone)).strftime("%a %d %b %H:%M")
