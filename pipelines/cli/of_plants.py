"""`forewarn plant`: its commands; the work is in `plants` and `plant_diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import AsJson, out

plant = typer.Typer(no_args_is_help=True, help="Plant files: check, show, compare.")
PlantFile = Annotated[Path, typer.Argument(help="A plant file (TOML), or a folder of them.")]


@plant.command("check", epilog="Example: forewarn plant check plant.toml")
def check_plant(file: PlantFile) -> None:
    """Say what a plant file holds, or where it is wrong and what to do."""
    from pipelines.cli import plants

    plants.check(file, out)


@plant.command("show", epilog="Example: forewarn plant show models/starter/pumps.toml")
def show_plant(file: PlantFile, as_json: AsJson = False) -> None:
    """Print types with their signals, limits and rules, and the assets as a tree."""
    from pipelines.cli import plants

    plants.show(file, out, as_json=as_json)


@plant.command("diff", epilog="Example: forewarn plant diff plant.toml plant-new.toml")
def diff_plants(before: PlantFile, after: PlantFile, as_json: AsJson = False) -> None:
    """Print what differs between two plant files or folders; exit status 1 where anything does."""
    from pipelines.cli import plant_diff

    raise typer.Exit(plant_diff.diff(before, after, out, as_json=as_json))
