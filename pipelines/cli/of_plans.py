"""`forewarn plan`, `plans`, `orders`, `tariffs`: their options; the work is in modules of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.options import AsJson, Instance, out

production = typer.Typer(no_args_is_help=True)
plans = typer.Typer(no_args_is_help=True, help="Plans of production: what is to run when, and what that saves.")
orders = typer.Typer(no_args_is_help=True, help="What is to be made, and by when.")
tariffs = typer.Typer(no_args_is_help=True, help="What energy costs, and its CO2, by time.")
production.add_typer(plans, name="plans")
production.add_typer(orders, name="orders")
production.add_typer(tariffs, name="tariffs")
File = Annotated[Path, typer.Argument(help="A CSV file.", exists=True, dir_okay=False)]


@production.command(
    epilog="Examples: forewarn plan   |   forewarn plan --once --at 2026-03-02T06:00+01:00   |   "
    "forewarn plan --once --dry --json"
)
def plan(
    once: Annotated[bool, typer.Option("--once", help="Make one plan and end.")] = False,
    dry: Annotated[bool, typer.Option("--dry", help="With --once: publish nothing.")] = False,
    at: Annotated[
        str, typer.Option(help="With --once: as of a past time (UTC without a zone), by what was said then.")
    ] = "",
    seconds: Annotated[float, typer.Option(min=0.1, help="How long is searched for a better plan.")] = 20.0,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Plan production anew at each order, price, warning and breakdown, until stopped. One process is enough."""
    if not once and (dry or at or as_json):
        raise typer.BadParameter("--dry, --at and --json go with --once: without it plans are made until stopped")
    settings = _settings(instance)
    import asyncio

    from connectors.kafka.clients import check_reachable
    from pipelines.cli import planning as work

    check_reachable(settings.cluster)
    if once:
        raise typer.Exit(asyncio.run(work.once(settings, seconds, at, out, is_dry=dry, as_json=as_json)))
    raise typer.Exit(asyncio.run(work.run(settings, seconds)))


@plans.command("show", epilog="Example: forewarn plans show   |   forewarn plans show --json | jq .saving")
def show(as_json: AsJson = False, instance: Instance = "default") -> None:
    """Show the newest plan: jobs by machine, maintenance, what is saved, what could not be planned."""
    settings = _settings(instance)
    from pipelines.cli import planned

    planned.show(*planned.newest(settings), out, as_json=as_json)


@plans.command("chart", epilog="Example: forewarn plans chart plan.svg")
def chart(
    file: Annotated[Path, typer.Argument(help="A .svg or .png file to write.")], instance: Instance = "default"
) -> None:
    """Draw the newest plan: machines against time, with prices and the site's load."""
    from pipelines.cli import picture

    picture.check()
    settings = _settings(instance)
    from pipelines.cli import planned, planned_chart

    planned_chart.draw(*planned.newest(settings), file)
    out.print(f"wrote {file}", highlight=False)


@orders.command("put", epilog="Example: forewarn orders put orders.csv   (columns: order,product,units,due[,release])")
def put_orders(file: File, as_json: AsJson = False, instance: Instance = "default") -> None:
    """Publish orders of a CSV file: order, product, units, due, and if wished release, late_per_h, state."""
    settings = _settings(instance)
    from pipelines.cli import ordering

    ordering.put_orders(settings, file, out, as_json=as_json)


@orders.command("list", epilog="Example: forewarn orders list --json")
def list_orders(as_json: AsJson = False, instance: Instance = "default") -> None:
    """Show the orders that are open."""
    settings = _settings(instance)
    from pipelines.cli import ordering

    ordering.list_orders(settings, out, as_json=as_json)


@tariffs.command(
    "put", epilog="Example: forewarn tariffs put prices.csv --source day-ahead   (columns: time,price[,co2])"
)
def put_tariffs(
    file: File,
    source: Annotated[str, typer.Option(help="Where the prices come from.")] = "file",
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Publish prices of a CSV file: time, price a kWh, and if known co2 in kg a kWh; in equal steps."""
    settings = _settings(instance)
    from pipelines.cli import ordering

    ordering.put_tariffs(settings, file, source, out, as_json=as_json)


def _settings(instance: str) -> Any:
    from pipelines.settings import Settings

    return Settings(instance=instance)
