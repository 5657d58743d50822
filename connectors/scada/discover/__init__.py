"""What a source has, before anybody mapped it: what was found, grouped into assets and types, written as a plant file.

Sans-IO: a feed's `discover` finds, and the command line opens and writes files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from models.plant import SignalKind
from models.records import Sample

Progress = Callable[[int, int], None]
"""Called with how much is done, of how much as far as is known."""


class Limits(NamedTuple):
    """How far a discovery goes: seconds, levels of folders, and nodes or addresses."""

    seconds: float
    depth: int
    most: int


class Found(NamedTuple):
    """An address, and what the source says of it.

    `asset` and `signal` are names from the outermost folder to the machine, and from there to the signal. `range` is
    what the sensor can say, `normal` what it says in normal operation: outside of the second no sample is wrong.
    """

    address: str
    asset: tuple[str, ...]
    signal: tuple[str, ...]
    kind: SignalKind
    unit: str = ""
    range: tuple[float, float] | None = None
    normal: tuple[float, float] | None = None
    value: Sample = None


class Survey(NamedTuple):
    """What a discovery found, what it left out and why, and whether a limit ended it.

    `listed_as` is the setting of the feed's config that has to list the addresses; empty where none has to.
    """

    found: list[Found]
    left_out: Counter[str]
    is_whole: bool
    listed_as: str = ""


def kind_of(value: Sample) -> SignalKind | None:
    """The kind of a value of which nothing else is known."""
    if value is None:
        return None
    if isinstance(value, bool):
        return SignalKind.BOOLEAN
    return SignalKind.TEXT if isinstance(value, str) else SignalKind.GAUGE
