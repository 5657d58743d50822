"""Layouts of snapshots: the number of the one that this program writes, and steps that take older ones over.

A layout has manifest and parts of its own on the topic of state, so a program that goes back finds what its like left
last, and reads the log from there again. Pure; what a part holds is the matter of `pipelines.saving`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

LAYOUT = 7
"""What this program writes. Count it up where parts or what is in them change, and add a step."""
UNNAMED = 7
"""The layout whose keys on the topic do not name it."""
HEAD = "head"
"""The part of every layout that says which it is: a MessagePack map with a `version`."""

Whole = Mapping[str, bytes]
"""Parts from their slices, by name."""
STEPS: dict[int, Callable[[Whole], Whole]] = {}
"""By layout, how its parts become those of the next one."""


class UnknownLayout(ValueError):
    """No steps lead from a snapshot's layout to this program's."""


class _Numbered(msgspec.Struct):
    version: int


def known() -> tuple[int, ...]:
    """Layouts that can be read, the newest first: it is the one that is written."""
    found = [LAYOUT]
    while found[-1] - 1 in STEPS:
        found.append(found[-1] - 1)
    return tuple(found)


def taken_over(whole: Whole) -> Whole:
    """Parts of any known layout as this program's. Raises UnknownLayout, KeyError and msgspec.DecodeError."""
    number = layout_of(whole)
    if number not in known():
        raise UnknownLayout(
            f"the snapshot has layout {number}, this program reads {', '.join(map(str, known()))}: run the version that"
            " wrote it, or start a new group (FOREWARN_GROUP)"
        )
    for step in range(number, LAYOUT):
        whole = STEPS[step](whole)
    return whole


def layout_of(whole: Whole) -> int:
    """Which layout parts have. Raises KeyError and msgspec.DecodeError where they do not say."""
    return msgspec.msgpack.decode(whole[HEAD], type=_Numbered).version


def place_of(group: str, partition: int, layout: int) -> str:
    """How keys of a partition's parts begin, up to the name of the part."""
    return f"{group}/{partition}/" if layout == UNNAMED else f"{group}/{partition}@{layout}/"
