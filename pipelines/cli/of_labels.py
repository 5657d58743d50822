"""`forewarn labels`: its commands; the work is in `pipelines.cli.labels`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import AsJson, Instance, errors, out

labels = typer.Typer(no_args_is_help=True, help="Labels: what became of machines, from a maintenance system.")


@labels.command(
    "import",
    epilog="Examples: forewarn labels import notifications.csv orders.csv --system sap-pm --equipment ids.csv   |   "
    "forewarn labels import work.csv --system csv --signals build/backfill/1f3a --labels labels.jsonl",
)
def import_labels(
    files: Annotated[list[Path], typer.Argument(help="CSV files; give notifications and their orders together.")],
    system: Annotated[str, typer.Option(help="sap-pm, maximo or csv.")],
    to: Annotated[Path, typer.Option("--labels", help="File of labels to import into.")] = Path("labels.jsonl"),
    by: Annotated[
        list[Path] | None, typer.Option("--map", help="TOML file of columns and codes in place of the shipped one.")
    ] = None,
    equipment: Annotated[Path | None, typer.Option(help="CSV file: equipment,asset.")] = None,
    zone: Annotated[
        str, typer.Option(help="Time zone of times without an offset; else the map's or the plant's.")
    ] = "",
    signals: Annotated[
        str | None, typer.Option(help="Look for stops in a backfill's folder, or in InfluxDB: influx.")
    ] = None,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Read documents of a maintenance system as labels, which `forewarn labels review` confirms.

    Importing again changes what changed, and nothing that a person decided. Exit status 1 if not all could be used:
    each line is told with what to do, the rest is imported.
    """
    from connectors.files.texts import zone_misfit
    from pipelines.cli.labels import imports
    from pipelines.settings import Settings

    if zone and (misfit := zone_misfit(zone)):
        raise typer.BadParameter(misfit)
    asked = imports.Asked(
        files=tuple(files),
        system=system,
        labels=to,
        maps=tuple(by or ()),
        equipment=equipment,
        zone=zone,
        signals=signals,
    )
    raise typer.Exit(imports.import_labels(Settings(instance=instance), asked, out, errors, as_json=as_json))


@labels.command("warnings", epilog="Example: forewarn labels warnings --labels labels.jsonl")
def of_warnings(
    to: Annotated[Path, typer.Option("--labels", help="File of labels to add to.")] = Path("labels.jsonl"),
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Take what people said became of warnings as labels, confirmed by who closed them.

    Warnings that nobody inspected, or that were of a sensor, make none.
    """
    from pipelines.cli.labels.warned import take_warnings
    from pipelines.settings import Settings

    take_warnings(Settings(instance=instance), to, out, as_json=as_json)


@labels.command(
    "review",
    epilog="Examples: forewarn labels review labels.jsonl   |   "
    "forewarn labels review labels.jsonl --reject 1f3a --all --by 'A. Person'",
)
def review(
    file: Annotated[Path, typer.Argument(help="A file of labels.")],
    confirm: Annotated[list[str] | None, typer.Option(help="Confirm this label, by the beginning of its id.")] = None,
    reject: Annotated[list[str] | None, typer.Option(help="Reject this label, by the beginning of its id.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Confirm all proposals that are not rejected.")] = False,
    by: Annotated[str, typer.Option(help="Who decides.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show what is proposed, and confirm, edit or reject it: one by one on a terminal, or by ids."""
    import time

    from connectors.cmms.labels import read_labels
    from pipelines.cli.labels import review as of

    decided = of.Decided(confirm=tuple(confirm or ()), reject=tuple(reject or ()), everything=everything, by=by)
    if confirm or reject or everything:
        found = of.review_by_ids(file, decided, time.time_ns() // 1000)
    else:
        found = read_labels(file)
    if as_json:
        out.out(of.as_json(found), highlight=False)
        return
    of.show(found, out)
    is_open = any(label.state == "proposed" for label in found)
    if confirm or reject or everything or not is_open or not sys.stdin.isatty():
        return
    who = by or typer.prompt("who decides")

    def ask(question: str, meant: str) -> str:
        return str(typer.prompt(question, default=meant))

    of.review_one_by_one(file, ask, who, lambda: time.time_ns() // 1000, out)
