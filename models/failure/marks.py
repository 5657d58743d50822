"""Where the rules of a type stand with each of its machines: arrays [assets, columns] that a snapshot keeps.

A column is one level of one rule. A run is minutes in a row in which a quantity was known and on one side of it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from msgspec import Struct

from models.operating import NEVER_MIN


class Keys(NamedTuple):
    """What tells columns, and rules that want a baseline, apart over changes of the plant."""

    columns: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()


class Marks(Struct):
    """Of each machine and column the run beyond the level, the run back from it, and what follows from both.

    `told` is whether it was told that the level holds. Of baselines, arrays are [assets, rules that want one]; sums are
    of what values are off from `base_about`, the first of them.
    """

    life_us: np.ndarray  # [assets], start of the life that all this is of
    last: np.ndarray  # the last minute in which the quantity was known
    beyond: np.ndarray  # minutes with samples of the run beyond, 0 outside of one
    beyond_min: np.ndarray  # its length
    beyond_from: np.ndarray  # the minute it began
    back: np.ndarray  # the same of the run back
    back_min: np.ndarray
    back_from: np.ndarray
    holds: np.ndarray  # bool
    told: np.ndarray  # bool
    base_recalibrated_us: np.ndarray  # when it began anew in this life, 0 where it did not
    base_begin: np.ndarray  # running minutes of the life that it begins at, -1 where its first minute is to come
    base_from: np.ndarray  # the first minute with a value
    base_to: np.ndarray  # the last one
    base_about: np.ndarray
    base_sum: np.ndarray
    base_squares: np.ndarray
    base_count: np.ndarray
    base_half_sum: np.ndarray  # of the first half of its time
    base_half_count: np.ndarray
    base_level: np.ndarray  # bool, whether a level of its signal held meanwhile
    base_known: np.ndarray  # bool
    base_told: np.ndarray  # bool, whether it was told
    base_origin: np.ndarray  # int8, a place in models.failure.baseline.ORIGINS

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return self.last.shape[1]

    @classmethod
    def none(cls, assets: int, columns: int, baselines: int) -> Marks:
        """Of machines of which nothing is known."""
        both, bases = (assets, columns), (assets, baselines)
        never, none = np.full(both, NEVER_MIN), np.zeros(both, np.int64)
        return cls(
            life_us=np.zeros(assets, np.int64), last=never, beyond=none, beyond_min=none.copy(),
            beyond_from=never.copy(), back=none.copy(), back_min=none.copy(), back_from=never.copy(),
            holds=np.zeros(both, bool), told=np.zeros(both, bool), **_no_bases(bases),
        )  # fmt: skip

    def grow(self, assets: int) -> None:
        """Make room for `assets` machines in all."""
        fresh = Marks.none(assets - len(self.life_us), self.last.shape[1], self.base_sum.shape[1])
        for name in self.__struct_fields__:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(fresh, name)]))

    def of(self, assets: np.ndarray) -> Marks:
        """Those of some machines, a copy."""
        return Marks(*(getattr(self, name).take(assets, axis=0) for name in self.__struct_fields__))

    def forget(self, asset: int, columns: np.ndarray) -> None:
        """Begin anew with some columns, bool [columns], of a machine."""
        fresh = Marks.none(1, self.columns, 0)
        for name in OF_COLUMNS:
            getattr(self, name)[asset, columns] = getattr(fresh, name)[0, columns]

    def fitted(self, before: Keys, now: Keys) -> Marks:
        """The same for other columns: those of one key go on, the others begin anew."""
        out = Marks.none(len(self.life_us), len(now.columns), len(now.bases))
        out.life_us[:], out.base_begin[:] = self.life_us, -1  # the life goes on, and nobody looked at its beginning
        for had, has, names in ((before.columns, now.columns, OF_COLUMNS), (before.bases, now.bases, OF_BASES)):
            place = {key: at for at, key in enumerate(had)}
            both = [(to, place[key]) for to, key in enumerate(has) if key in place]
            to, of = np.array(both, np.int64).reshape(-1, 2).T
            for name in names:
                getattr(out, name)[:, to] = getattr(self, name)[:, of]
        return out


_OF_BASES: dict[str, type] = {
    "base_recalibrated_us": np.int64, "base_begin": np.int64, "base_from": np.int64, "base_to": np.int64,
    "base_about": np.float64, "base_sum": np.float64, "base_squares": np.float64, "base_count": np.int64,
    "base_half_sum": np.float64, "base_half_count": np.int64, "base_level": np.bool_, "base_known": np.bool_,
    "base_told": np.bool_, "base_origin": np.int8,
}  # fmt: skip
OF_BASES = tuple(_OF_BASES)
OF_COLUMNS = tuple(name for name in Marks.__struct_fields__ if name not in ("life_us", *OF_BASES))


def _no_bases(shape: tuple[int, int]) -> dict[str, np.ndarray]:
    return {name: np.zeros(shape, kind) for name, kind in _OF_BASES.items()}
