"""Hysteresis for many assets at once: on after some hours in a row that say so, off after many that say the opposite.

One rule for whatever is read hour by hour; what is read, and against what, is the caller's. Pure.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from msgspec import Struct


class Turn(IntEnum):
    """What an hour brought about."""

    NONE = 0
    OPENED = 1
    CLEARED = 2
    RENEWED = 3
    """The life ended that it was on in: a repair, no recovery."""


class After(NamedTuple):
    """Hours in a row until a switch opens, and until it clears."""

    open_h: int
    clear_h: int


class Switches(Struct):
    """Where the switches of some assets stand: arrays [assets]."""

    since_us: np.ndarray  # int64, start of the life that they are of
    on: np.ndarray  # bool
    over: np.ndarray  # int16, hours in a row that say on
    under: np.ndarray  # int16, hours in a row that say off

    @classmethod
    def none(cls, assets: int) -> Switches:
        """All off."""
        whole = np.zeros(assets, np.int16)
        return cls(np.zeros(assets, np.int64), np.zeros(assets, bool), whole, whole.copy())

    def grow(self, assets: int) -> None:
        """Make room for `assets` in all."""
        fresh = Switches.none(assets - len(self.on))
        for name in self.__struct_fields__:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(fresh, name)]))

    def copy_of(self, assets: np.ndarray) -> Switches:
        """Those alone, to be moved on without moving these."""
        return Switches(*(getattr(self, name).take(assets, axis=0) for name in self.__struct_fields__))

    def put(self, assets: np.ndarray, moved: Switches) -> None:
        """Those as they were moved on."""
        for name in self.__struct_fields__:
            getattr(self, name)[assets] = getattr(moved, name)


def step(
    switches: Switches, since_us: np.ndarray, over: np.ndarray, under: np.ndarray, after: After
) -> tuple[Switches, np.ndarray]:
    """Take one hour of each asset, bool [assets] each; returns where they stand and a Turn of each, int8 [assets].

    An hour that says neither, for one thing because nothing is known, ends both rows. Another life than the one before
    turns a switch off before the hour counts, and so it cannot open in that hour as well.
    """
    anew = since_us != switches.since_us
    was_on = switches.on & ~anew
    overs = np.where(over, np.where(anew, 0, switches.over) + 1, 0)
    unders = np.where(under, np.where(anew, 0, switches.under) + 1, 0)
    overs, unders = np.minimum(overs, after.open_h), np.minimum(unders, after.clear_h)
    renewed = anew & switches.on
    opens = ~was_on & (overs >= after.open_h) & ~renewed
    clears = was_on & (unders >= after.clear_h)
    turn = np.zeros(len(over), np.int8)
    turn[opens], turn[clears], turn[renewed] = Turn.OPENED, Turn.CLEARED, Turn.RENEWED
    counts = overs.astype(np.int16), unders.astype(np.int16)
    return Switches(since_us.copy(), (was_on | opens) & ~clears, *counts), turn
