"""`forewarn model coverage`: its options; the work is in `pipelines.cli.coverage`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import AsJson, Instance, errors, out

coverage = typer.Typer()


@coverage.command(
    "coverage",
    epilog="Examples: forewarn model coverage build/backfill/475f44320915   |   "
    "forewarn model coverage --live --labels labels.jsonl",
)
def show_coverage(
    folder: Annotated[Path | None, typer.Argument(help="The folder that a backfill left.")] = None,
    live: Annotated[bool, typer.Option("--live", help="By what is on the topics, instead.")] = False,
    labels: Annotated[Path | None, typer.Option(help="File of labels: those confirmed count, too.")] = None,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Show whether 90 % intervals on time to failure held the failures that came, once enough came to tell."""
    from pipelines.cli.coverage import of_live, of_run, show

    if (folder is None) is not live:
        raise typer.BadParameter("give a backfill's folder, or --live")
    if folder is not None:
        show(of_run(folder, labels), out, as_json=as_json)
        return
    from pipelines.main import read_plant
    from pipelines.settings import Settings

    settings = Settings(instance=instance)
    found = of_live(settings, read_plant(settings.plant, settings.site), labels, errors)
    show(found, out, as_json=as_json)
