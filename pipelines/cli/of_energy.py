"""`forewarn energy`: its commands; the work is in `pipelines.cli.energy_baseline`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import AsJson, Instance, out

energy = typer.Typer(no_args_is_help=True, help="Energy: what a plant takes, and what it should take.")


@energy.command(
    epilog="Example: forewarn energy baseline --from months.csv --energy kwh --driver units --driver degree_days "
    "--baseline-rows 12 --per units --chart cusum.svg"
)
def baseline(
    file: Annotated[Path, typer.Option("--from", help="CSV of periods of one length, in order of time.")],
    energy: Annotated[str, typer.Option(help="Column of energy, kWh a period.")],
    driver: Annotated[list[str], typer.Option(help="Column of what drives it; may be said again for another.")],
    baseline_rows: Annotated[
        int | None, typer.Option(min=1, help="The baseline is of the first so many rows; of all, if not said.")
    ] = None,
    chart: Annotated[Path | None, typer.Option(help="Draw the CUSUM into this file: .svg or .png.")] = None,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Keep it in this file, for FOREWARN_ENERGY_BASELINE.")
    ] = None,
    per: Annotated[str, typer.Option(help="Column of what was made: the EnPI is kWh for one of it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Fit an energy baseline (ISO 50006), tell whether it may be used, and what was saved against it since."""
    from pipelines.cli.energy_baseline import Asked
    from pipelines.cli.energy_baseline import baseline as run

    run(Asked(file, energy, tuple(driver), baseline_rows, chart, out_file, per), out, as_json=as_json)


@energy.command(epilog="Example: forewarn energy history energy.csv --days 90")
def history(
    file: Annotated[Path, typer.Argument(help="CSV file to write: a row a day.")],
    days: Annotated[int, typer.Option(min=2, help="Whole days until today.")] = 60,
    instance: Instance = "default",
) -> None:
    """Write what the plant's machines took and made each day, of their rows: what a baseline is fitted to."""
    import asyncio

    from pipelines.cli.energy_history import write
    from pipelines.settings import Settings

    asyncio.run(write(Settings(instance=instance), file, days, out))
