"""Which models history is scored by: those of now, one that is named, or those that live used then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl
from msgspec.structs import replace

from models.failure.draft import Draft
from models.failure.learned import Lister
from models.inference import ModelError
from models.plant import Plant
from pipelines.cli.backfill.asked import Asked, BackfillError
from pipelines.cli.backfill.live import Said
from pipelines.controls.plant import learned_of
from pipelines.controls.plant import needed_of as of_types
from pipelines.main import read_model, read_named

Fetch = Callable[[str], tuple[Path, str] | None]
"""Folder and name of the files of a release's version; None where there is none."""


def nothing(_version: str) -> None:
    """No release is known."""


class Turn(NamedTuple):
    """From a time on, models of these versions by the name that asset types give; or a feature list instead of all."""

    from_us: int
    files: dict[str, tuple[Path, str]]
    """Folder and name of each file."""
    draft: Draft | None = None

    def plant(self, plant: Plant) -> Plant:
        """The plant with this in the place of what its types name."""
        draft = self.draft
        if draft is None:
            return plant
        types = {
            name: replace(of, model=draft.name if name == draft.asset_type else None, health=None)
            for name, of in plant.types.items()
        }
        return replace(plant, types=types)

    def read(self, plant: Plant) -> dict[str, Lister]:
        """The models, or the list. Raises ModelError."""
        if self.draft is not None:
            alone: dict[str, Lister] = {self.draft.name: self.draft}
            learned_of(self.plant(plant), alone)
            return alone
        found: dict[str, Lister] = {name: read_model(folder, stem) for name, (folder, stem) in self.files.items()}
        learned_of(plant, found)
        return found


def turns_of(
    plant: Plant, asked: Asked, folder: Path, fetch: Fetch, live: Callable[[], Said]
) -> tuple[Turn, ...]:  # fmt: skip
    """The models to score by, as asked; `live` reads what was said live. Raises BackfillError, ModelError."""
    if asked.spec is not None:
        return (drafted(plant, asked.spec),)
    turn = named_ones(present(plant, folder), asked.models, folder, fetch)
    return as_of(turn, live().forecasts, folder, fetch) if asked.as_of else (turn,)


def names_of(plant: Plant) -> tuple[str, ...]:
    """The names of models that asset types give, of those that say something of machines."""
    return tuple(sorted(of_types(plant)))


def present(plant: Plant, folder: Path) -> Turn:
    """The models that live uses now. Raises ModelError."""
    read_named(plant, folder)
    return Turn(0, {name: (folder, name) for name in names_of(plant)})


def drafted(plant: Plant, file: Path) -> Turn:
    """A feature list in the place of models. Raises BackfillError and ModelError."""
    try:
        draft = Draft.read(file.read_bytes())
    except OSError as wrong:
        raise BackfillError(
            f"--spec {file} cannot be read ({wrong.strerror}): make one by `forewarn model new`"
        ) from wrong
    if draft.asset_type not in plant.types:
        raise BackfillError(
            f"--spec {file} is of type '{draft.asset_type}', but the plant file has {', '.join(sorted(plant.types))}"
        )
    return Turn(0, {}, draft)


def version_of(lister: Lister) -> str:
    """The version of a model, or of a list that has none yet."""
    return lister.version if isinstance(lister, Draft) else lister.card.version


def named_ones(turn: Turn, wanted: Sequence[str], folder: Path, fetch: Fetch = nothing) -> Turn:
    """With models of the versions that are named, NAME@VERSION, of the folder or releases. Raises BackfillError."""
    files = dict(turn.files)
    for text in wanted:
        name, _, version = text.partition("@")
        if name not in files:
            raise BackfillError(f"--model {text}: no asset type has a model '{name}'; they have {', '.join(files)}")
        files[name] = _file_of(text if version else "", name, version, folder, fetch)
    return Turn(turn.from_us, files)


def as_of(turn: Turn, live: pl.DataFrame, folder: Path, fetch: Fetch = nothing) -> tuple[Turn, ...]:
    """The models that live forecasts name, from one change to the next; at a moment, what most of them name.

    `live` has their columns `window_end_us` and `model`. Raises BackfillError where there are none, or a model is gone.
    """
    turns: list[Turn] = []
    for from_us, version in _changes(live):
        name, _, of = version.partition("@")
        files = (turns[-1] if turns else turn).files | {name: _file_of(version, name, of, folder, fetch)}
        turns.append(Turn(from_us, files))
    if not turns:
        raise BackfillError(
            "--as-of: no live forecast of this span is on the topic any more: give --model NAME@VERSION"
        )
    return tuple(turns)


def _changes(live: pl.DataFrame) -> list[tuple[int, str]]:
    """When each model began to be what most forecasts of a moment name, in order."""
    named = live.select("window_end_us", "model", name=pl.col("model").str.split("@").list.first())
    at = (
        named.group_by("name", "window_end_us").agg(pl.col("model").mode().sort().first()).sort("name", "window_end_us")
    )
    changed = at.filter(pl.col("model").ne_missing(pl.col("model").shift().over("name")))
    return changed.sort("window_end_us").select("window_end_us", "model").rows()


def _file_of(text: str, name: str, version: str, folder: Path, fetch: Fetch) -> tuple[Path, str]:
    """Where the model of a version is: any in the models folder or below it, by what its card says, or a release."""
    seen = []
    for card in sorted(folder.rglob("*.json")):
        if not card.with_suffix(".onnx").is_file():
            continue
        try:
            hazard = read_model(card.parent, card.stem)
        except ModelError:
            continue
        seen.append(hazard.card.version)
        if hazard.card.name == name and version and hazard.card.sha256.startswith(version):
            return card.parent, card.stem
    released = fetch(text)
    if released is not None:
        return released
    raise BackfillError(
        f"--model {text or name + '@?'}: {folder} has {', '.join(seen) or 'no models'}: put it there, or give a "
        "release of `forewarn model releases` in full"
    )
