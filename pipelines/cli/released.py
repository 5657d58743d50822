"""Where a model of a version lies: in the models' folder, or, for a release, in a folder of the cache made for it.

What a release's files hold is checked against its manifest as they are fetched; nothing is loaded here.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from connectors.kafka.clients import KafkaUnreachable
from connectors.releases.registry import Cached, Registry, write
from models.failure.hazard import Card, read_card
from models.inference import ModelError
from models.release import File, Part, decoded
from pipelines.cli.board import board_of
from pipelines.releases.moves import ReleaseError
from pipelines.settings import Settings

STEM = "model"
ENDINGS = {Part.ONNX: "onnx", Part.CARD: "json", Part.CASES: "cases.json"}


class Place(NamedTuple):
    """Folder and name of a model's files."""

    folder: Path
    stem: str


class Files(NamedTuple):
    """A model's ONNX file and card."""

    onnx: bytes
    card: Card


def place_of(settings: Settings, version: str) -> Place:
    """Where a hazard's files lie. Raises ReleaseError where no place has them."""
    place = _here(settings.models, version) or laid(settings, version)
    if place is None:
        raise ReleaseError(f"{version} is neither in {settings.models} nor a release: `forewarn model releases`")
    return place


def files_of(settings: Settings, version: str) -> Files:
    """A hazard's files. Raises ReleaseError where no place has them."""
    folder, stem = place_of(settings, version)
    return Files((folder / f"{stem}.onnx").read_bytes(), read_card((folder / f"{stem}.json").read_bytes()))


def named_file(settings: Settings, name: str) -> str:
    """The version of the file that a name means without a release. Raises ReleaseError."""
    try:
        return read_card((settings.models / f"{name}.json").read_bytes()).version
    except OSError as wrong:
        raise ReleaseError(f"{wrong.filename} cannot be read ({wrong.strerror}): set FOREWARN_MODELS") from wrong


def _here(models: Path, version: str) -> Place | None:
    for path in sorted(models.rglob("*.onnx")):
        with suppress(OSError, ModelError):  # a health model's card, or none
            if read_card(path.with_suffix(".json").read_bytes()).version == version:
                return Place(path.parent, path.stem)
    return None


def laid(settings: Settings, version: str) -> Place | None:
    """A release's files, fetched where the cache lacks them; None where there is no such release.

    The folder is named by the manifest's hash: versions and names are what somebody put on the topic. Raises Refused
    where a file is not what the manifest says, or cannot be fetched.
    """
    release = board_of(settings).releases.get(version)
    if release is None:
        return None
    manifest, cache = bytes(release.manifest), settings.cache_folder / "releases"
    cached = Cached(Registry(settings.registry_url), cache)
    folder = cache / "by-manifest" / File.of(manifest).sha256
    for part, file in decoded(manifest).files.items():
        write(folder / f"{STEM}.{ENDINGS[part]}", cached.get(file))
    return Place(folder, STEM)


def laid_or_none(settings: Settings, version: str) -> Place | None:
    """The same, and None where Kafka is away or has no topics: history in files is scored without it."""
    try:
        return laid(settings, version)
    except (KafkaUnreachable, LookupError):
        return None
