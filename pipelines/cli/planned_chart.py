"""A plan as a picture: prices above, machines against time, and what the site takes below."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from matplotlib import rcParams
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from models.records import Plan, PowerState
from pipelines.cli.planning_error import PlanError

COLOURS = {
    PowerState.RUN: "#2f6fb0", PowerState.SETUP: "#e0a030", PowerState.IDLE: "#c9d4df", PowerState.START: "#7a5aa6",
    PowerState.MAINTENANCE: "#b5403a",
}  # fmt: skip
"""Of what is drawn; a machine that is off is not."""
QUARTER_US = 900 * 1_000_000
KINDS = (".svg", ".png")


def draw(plan: Plan, zone: str, file: Path) -> None:
    """Write the picture; its kind is by the file's name. Raises PlanError where that cannot be."""
    if file.suffix not in KINDS:
        raise PlanError(f"{file}: a picture's name ends in {' or '.join(KINDS)}")
    rcParams["svg.fonttype"] = "none"
    machines = list(dict.fromkeys(one.asset for one in plan.power))
    figure = Figure(figsize=(11, 2.6 + 0.42 * len(machines)), layout="constrained")
    FigureCanvasAgg(figure)
    price, lanes, load = figure.subplots(3, 1, sharex=True, height_ratios=[1, 0.45 * len(machines) + 1, 1.2])
    _lines(plan, price, load, zone)
    _lanes(plan, lanes, machines, zone)
    low, high = plan.saving.kwh_low, plan.saving.kwh_high
    figure.suptitle(
        f"Plan of {plan.plant}: {plan.saving.kwh:,.0f} kWh ({low:,.0f} to {high:,.0f}) and {plan.saving.cost:,.2f} "
        f"{plan.currency} less than the usual rule",
        fontsize=11,
    )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file)
    except OSError as wrong:
        raise PlanError(f"{file} cannot be written ({wrong}): name another") from wrong


def _time(time_us: int, zone: str) -> datetime:
    return datetime.fromtimestamp(time_us / 1e6, ZoneInfo(zone))


def _lines(plan: Plan, price: Any, load: Any, zone: str) -> None:
    times = [_time(plan.begin_us + at * QUARTER_US, zone) for at in range(len(plan.quarters.kw))]
    price.step(times, plan.quarters.price_per_kwh, where="post", color="#555")
    price.set_ylabel(f"{plan.currency or 'price'}/kWh")
    load.step(times, plan.quarters.usual_kw, where="post", color="#b5403a", lw=1, label="usual rule")
    load.step(times, plan.quarters.kw, where="post", color="#2f6fb0", lw=1.6, label="plan")
    load.set_ylabel("kW")
    load.set_ylim(bottom=0)
    load.legend(loc="upper right", fontsize=8, ncols=2)
    load.xaxis.set_major_formatter(ConciseDateFormatter(load.xaxis.get_major_locator(), tz=ZoneInfo(zone)))


def _lanes(plan: Plan, lanes: Any, machines: list[str], zone: str) -> None:
    for one in plan.power:
        if (colour := COLOURS.get(one.state)) is None:
            continue
        begin, end = _time(one.begin_us, zone), _time(one.end_us, zone)
        lanes.barh(machines.index(one.asset), end - begin, left=begin, height=0.7, color=colour, lw=0)
    for job in plan.jobs:
        if job.asset not in machines:  # it is being made on one that the plant file has lost meanwhile
            continue
        middle = _time((job.begin_us + job.end_us) // 2, zone)
        lanes.text(middle, machines.index(job.asset), job.order, fontsize=6, ha="center", va="center", color="white",
                   clip_on=True)  # fmt: skip
    lanes.set_yticks(range(len(machines)), machines, fontsize=8)
    lanes.invert_yaxis()
    handles = [Patch(color=colour, label=state.value) for state, colour in COLOURS.items()]
    lanes.legend(handles=handles, loc="upper right", fontsize=7, ncols=len(handles))
