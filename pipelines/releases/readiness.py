"""Whether the owners of all partitions have a release, and in words for people who lacks or refuses it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipelines.releases.board import Board
from pipelines.releases.moves import ReleaseError


def check_ready(board: Board, version: str, partitions: int) -> None:
    """Raise ReleaseError where a partition's owner has not loaded a release."""
    refused = board.refused(version)
    if refused:
        raise ReleaseError(refused_said(version, refused))
    lacking = board.lacking(version, partitions)
    if lacking:
        raise ReleaseError(
            f"{version} is not loaded by the workers of partitions {listed(lacking)}: do they run "
            "(`forewarn doctor`), and do they reach the registry (FOREWARN_REGISTRY)? Nothing was changed"
        )


def refused_said(version: str, refused: Mapping[int, str]) -> str:
    """By whom and why, for people."""
    return f"{version} is refused by the workers of partitions {listed(refused)}: {why_of(refused)}"


def awaited(board: Board, version: str, partitions: int) -> list[int]:
    """Partitions whose owners have neither loaded nor refused it."""
    refused = board.refused(version)
    return [at for at in board.lacking(version, partitions) if at not in refused]


def why_of(refused: Mapping[int, str]) -> str:
    """Reasons, each once."""
    return "; ".join(sorted(set(refused.values())))


def listed(partitions: Iterable[int]) -> str:
    """Partitions, for people."""
    return ", ".join(map(str, partitions))
