"""`forewarn alerts page` and `kpis`, `forewarn value`: their options; the work is in `page`, `kpis` and `valued`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import AsJson, Instance, out

pages, worth = typer.Typer(), typer.Typer()


@pages.command(epilog="Examples: forewarn alerts page 3fa9 --to page.html   |   forewarn alerts page 3fa9 --text")
def page(
    alert: Annotated[str, typer.Argument(help="The beginning of the warning's id.")],
    to: Annotated[Path | None, typer.Option(help="File to write; without it, warning-ID.html here.")] = None,
    text: Annotated[bool, typer.Option("--text", help="Plain text, on the terminal or into the file.")] = False,
    prose: Annotated[
        bool, typer.Option("--prose", help="Add prose of the chat endpoint FOREWARN_EXPLAINER_URL; no names are sent.")
    ] = False,
    instance: Instance = "default",
) -> None:
    """Write one warning as one printable page: what it asks, trends, what changed, what to check, spare and stop."""
    from pipelines.cli.page import write_page
    from pipelines.settings import Settings

    write_page(Settings(instance=instance), alert, to, time.time_ns() // 1000, out, text=text, prose=prose)


@pages.command(epilog="Example: forewarn alerts kpis --week 2026-W47 --json")
def kpis(
    week: Annotated[str | None, typer.Option(help="ISO week, as 2026-W47; without it, this one.")] = None,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Tell how a week's warnings were looked after, by engineer: raised, standing, stale, chattering, precision."""
    from pipelines.cli.kpis import tell_kpis
    from pipelines.settings import Settings

    tell_kpis(Settings(instance=instance), week, time.time_ns() // 1000, out, as_json=as_json)


@worth.command("value", epilog="Example: forewarn value --month 2026-11 --hours 14 --csv value-2026-11.csv")
def show_value(
    month: Annotated[str, typer.Option(help="By the plant's calendar, as 2026-11.")],
    hours: Annotated[
        float | None,
        typer.Option(min=0.01, help="Hours of downtime that an avoided failure saves, if not the plant file's."),
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write every line as CSV, for finance.")] = None,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Tell what a month's warnings were worth: missed failures first, confirmed saves, unfounded visits."""
    from pipelines.cli.valued import tell_value
    from pipelines.settings import Settings

    tell_value(Settings(instance=instance), month, hours, csv, time.time_ns() // 1000, out, as_json=as_json)
