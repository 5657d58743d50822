"""`forewarn model load-forecast`: its options; the work is in `pipelines.cli.loading`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import AsJson, errors, out

load = typer.Typer()


@load.command(
    "load-forecast",
    epilog="Example: forewarn model load-forecast --from meter.csv --time begin --kw load_kw --zone Europe/Brussels "
    "--holiday 2025-12-25 --known orders_t:t --out build/models --name site",
)
def load_forecast(
    file: Annotated[Path, typer.Option("--from", help="CSV file of a meter: a row each 15 min, or more often.")],
    time: Annotated[str, typer.Option(help="Column of the time at which a row begins, ISO 8601.")],
    kw: Annotated[str, typer.Option(help="Column of the mean load in kW.")],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for NAME.onnx and its card.")],
    name: Annotated[str, typer.Option(help="Name of the model.")],
    zone: Annotated[str, typer.Option(help="Time zone of the plant, and of times without one.")] = "UTC",
    holiday: Annotated[list[str] | None, typer.Option(help="A day on which no shift begins, 2025-12-25; many.")] = None,
    known: Annotated[
        list[str] | None,
        typer.Option(help="COLUMN:UNIT of what is known 72 h ahead, as planned production in t; many."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a forecast of a site's or a machine's load, 15 min to 72 h ahead, on its own history.

    It gives the quantiles that the load stays below with a chance of 10, 50 and 90 %. Figures told are of the last
    weeks, by models that had not seen them. The same file makes the same bytes.
    """
    from pipelines.cli import loading

    wanted = loading.Wanted(
        file=file, time=time, kw=kw, zone=zone, holidays=tuple(holiday or ()), known=tuple(known or ()), out=out_folder,
        name=name,
    )  # fmt: skip
    loading.train(wanted, out, errors, as_json=as_json)
