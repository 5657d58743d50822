"""Releases of the tiny plant's hazard for tests: their manifests, files and records."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from models.records import Appointment, Ready, Release, encode
from models.release import Cause, Manifest, Part, Signature
from pipelines.releases.board import Board, key_of
from pipelines.releases.check import manifest_of
from tests.kit import tiny

PLANT, NAME = "tiny", "tiny"


def files(slope: float) -> dict[Part, bytes]:
    """A small hazard's two files; another slope makes another model."""
    made = tiny.hazard(slope=slope)
    return {Part.ONNX: tiny.graph(len(made.spec.names), 0, slope), Part.CARD: msgspec.json.encode(made.card)}


def manifest(slope: float, made_us: int = 1) -> Manifest:
    """Of those files."""
    return manifest_of(PLANT, files(slope), made_us)


def release(slope: float, made_us: int = 1, signatures: tuple[Signature, ...] = ()) -> Release:
    """A record that offers them."""
    made = manifest(slope, made_us)
    return Release(plant=PLANT, name=NAME, version=made.version, manifest=Raw(made.encoded()), signatures=signatures)


def champion(version: str, number: int, before: str = "") -> Appointment:
    """A record that has the name mean a version."""
    return Appointment(
        plant=PLANT, name=NAME, version=version, number=number, before=before, cause=Cause.PROMOTED, by="A. Person",
        why="a test", time_us=number,
    )  # fmt: skip


def ready(partition: int, *loaded: str, refused: dict[str, str] | None = None, **means: int) -> Ready:
    """What the owner of a partition says of itself."""
    return Ready(plant=PLANT, partition=partition, worker="w", loaded=loaded, refused=refused or {}, means=means)


def board(*records: Release | Appointment | Ready) -> Board:
    """The board that these make, in order."""
    out = Board(PLANT)
    for record in records:
        out.take(key_of(record), encode(record))
    return out
