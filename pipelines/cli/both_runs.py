"""One history scored twice, by a champion and by a candidate: two backfills, for `forewarn model compare` to hold."""

from __future__ import annotations

import glob
import time
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace
from rich.console import Console

from models.plant import Plant
from models.release import Role
from pipelines.backfill.results import WHOLE
from pipelines.cli.backfill.asked import Asked, assets_of
from pipelines.cli.backfill.run import backfill
from pipelines.cli.board import board_of
from pipelines.cli.comparing import Pair, name_of
from pipelines.cli.released import named_file
from pipelines.cli.training import newest
from pipelines.plant_file import read_plant
from pipelines.releases.board import Board
from pipelines.releases.moves import ReleaseError
from pipelines.settings import Settings


class Wanted(NamedTuple):
    """Whom to compare; what is empty is what the topic of releases says of the name."""

    name: str = ""
    champion: str = ""
    candidate: str = ""


def run_both(settings: Settings, wanted: Wanted, asked: Asked, errors: Console, *, resume: bool) -> tuple[Path, Path]:
    """The folders of two backfills that came to their end. Raises ReleaseError, BackfillError and ModelError."""
    plant = read_plant(settings.plant, settings.site)
    pair = whom(settings, plant, wanted)
    asked = replace(asked, assets=scored_by(plant, asked, name_of(pair.candidate)))
    first, second = (_run(settings, version, asked, errors, resume) for version in pair)
    return first, second


def whom(settings: Settings, plant: Plant, wanted: Wanted) -> Pair:
    """Both versions. Kafka is asked for what is not given. Raises ReleaseError."""
    pair = Pair(wanted.champion, wanted.candidate)
    if not all(pair):
        board = board_of(settings)
        name = wanted.name or name_of(wanted.candidate or wanted.champion) or _only(plant, board)
        champion = wanted.champion or board.version_of(name, Role.CHAMPION) or named_file(settings, name)
        pair = Pair(champion, wanted.candidate or board.version_of(name, Role.SHADOW))
        if not pair.candidate:
            raise ReleaseError(f"no release runs beside '{name}': publish one, or give --candidate {name}@VERSION")
    if pair.champion == pair.candidate or name_of(pair.champion) != name_of(pair.candidate):
        raise ReleaseError(f"{pair.champion} and {pair.candidate}: compared are two versions of one name")
    return pair


def _only(plant: Plant, board: Board) -> str:
    """The one name whose champion has a shadow. Raises ReleaseError where that is none or several."""
    names = sorted({of.model for of in plant.types.values() if of.model})
    beside = [name for name in names if board.version_of(name, Role.SHADOW)]
    if len(beside) != 1:
        raise ReleaseError(f"give --name or --candidate: a release runs beside {', '.join(beside) or 'none'} of "
                           f"{', '.join(names) or 'no models'}")  # fmt: skip
    return beside[0]


def scored_by(plant: Plant, asked: Asked, name: str) -> tuple[str, ...]:
    """Patterns of the assets asked for whose type has the model. Raises ReleaseError, BackfillError."""
    found = [asset for asset in assets_of(plant, asked.assets) if plant.types[plant.assets[asset].type].model == name]
    if not found:
        raise ReleaseError(f"none of the assets asked for is of a type with the model '{name}': see --asset and --name")
    return tuple(map(glob.escape, found))


def _run(settings: Settings, version: str, asked: Asked, errors: Console, resume: bool) -> Path:
    """A backfill by one version; its own report lies in its folder and is not printed."""
    began_ns = time.time_ns()
    errors.print(f"history scored by {version}", highlight=False, markup=False)
    status = backfill(
        settings, replace(asked, models=(version,)), Console(quiet=True), errors, dry_run=False, resume=resume,
        as_json=False, engineers=None,
    )  # fmt: skip
    folder = newest(asked.out)
    if (folder / WHOLE).stat().st_mtime_ns < began_ns:
        raise ReleaseError(f"the backfill by {version} did not come to its end: the same command with --resume goes on")
    if status:
        errors.print(f"{folder / 'report.md'} names problems of what was read", highlight=False, markup=False)
    return folder
