"""Releases as machines read of them: what each is, where it stands, and what offices mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from models.records import Release
from models.release import Refused, Role, decoded
from pipelines.controls.plant import names_of
from pipelines.releases.board import Board
from pipelines.releases.offices import Offices
from pipelines.releases.readiness import why_of


def told(offices: Offices, board: Board) -> dict[str, Any]:
    """All releases, and all appointments by office."""
    return {
        "releases": [about_release(offices, board, one) for one in board.releases.values()],
        "in_folder": list(_in_folder(offices, board)),
        "appointed": {office: msgspec.to_builtins(one) for office, one in sorted(board.appointed.items())},
    }


def _in_folder(offices: Offices, board: Board) -> Iterator[dict[str, Any]]:
    """Files of the models' folder that score types for want of a release."""
    for name in sorted(names_of(offices.plant)):
        version = offices.in_folder(name)
        if version and not board.version_of(name, Role.CHAMPION):
            types = [kind for kind, one in sorted(offices.plant.types.items()) if name in one.named]
            yield {"name": name, "version": version, "types": types}


def about_release(offices: Offices, board: Board, release: Release) -> dict[str, Any]:
    """One release: its manifest in short, who signed it, its state, and which partitions lack it and why."""
    lacking = board.lacking(release.version, offices.partitions)
    return {
        "version": release.version, "name": release.name, **_of_manifest(release),
        "state": str(offices.state_of(board, release.version)), "not_loaded": lacking,
        "refused": why_of(board.refused(release.version)) if lacking else "",
        "signed_by": [one.key for one in release.signatures],
    }  # fmt: skip


def _of_manifest(release: Release) -> dict[str, Any]:
    """What its manifest says; of one that cannot be read, which anybody may have put on the topic, nothing."""
    try:
        manifest = decoded(bytes(release.manifest))
    except Refused:
        return {"kind": "", "made_us": None, "licence": ""}
    return {"kind": str(manifest.kind), "made_us": manifest.made_us, "licence": manifest.licence}
