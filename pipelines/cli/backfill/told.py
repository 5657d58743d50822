"""The plan of a backfill in words, before it starts."""

from __future__ import annotations

import msgspec
from rich.console import Console
from rich.table import Table

from models.alerting.wording import clock
from pipelines.backfill.plan import Plan
from pipelines.cli.backfill.asked import Asked

MB_A_LANE = 800
"""What a lane has in memory at most: a stretch, the next one, results of ten seconds; as `make bench` measures it."""
ASSETS_SHOWN = 8


def show_plan(plan: Plan, asked: Asked, console: Console, *, as_json: bool) -> None:
    """Print what will be done and how much it is."""
    if as_json:
        document = msgspec.to_builtins(plan) | {"name": plan.name, "folder": str(asked.out / plan.name)}
        console.out(msgspec.json.encode(document).decode(), highlight=False)
        return
    table = Table(title=f"backfill {plan.name}", title_justify="left", show_header=False)
    for name, text in _lines(plan, asked):
        table.add_row(name, text)
    console.print(table, highlight=False, markup=False)


def _lines(plan: Plan, asked: Asked) -> list[tuple[str, str]]:
    assets = ", ".join(plan.assets[:ASSETS_SHOWN]) + (" ..." if len(plan.assets) > ASSETS_SHOWN else "")
    begin = clock(plan.read_from_us) if plan.read_from_us else "where the source begins"
    warm = f"read from {begin}, so that windows are full"
    return [
        ("span", f"{clock(plan.from_us)} to {clock(plan.to_us)} UTC; {warm}"),
        ("source", f"{plan.source}: {plan.where}"),
        ("there is", _found(plan)),
        ("assets", f"{len(plan.assets)}: {assets}"),
        ("models", ", ".join(sorted(set(plan.models.values()))) or "none"),
        ("makes", ", ".join(plan.what)),
        ("into", ", ".join((*plan.into, str(asked.out / plan.name)))),
        ("alerts", _muted(plan)) if plan.replays_onto is None else ("records", f"onto topics {plan.replays_onto}..."),
        ("work", f"{plan.lanes} lane(s), {asked.processes} at a time, each with under {MB_A_LANE} MB"),
    ]


def _found(plan: Plan) -> str:
    found = plan.found
    size = f", {found.size / 1e6:,.0f} MB" if found.size is not None else ""
    rows = f"{found.rows:,} rows" if found.rows is not None else "rows are not known before they are read"
    return f"{rows}{size} in {found.parts} {found.unit}"


def _muted(plan: Plan) -> str:
    return "published as a replay, which notifies nobody" if "topics" in plan.into else "muted: in the report alone"
