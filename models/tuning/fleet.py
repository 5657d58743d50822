"""What a plant may tell the fleet of its settings: counts of parts and defects by bin, with a bound and a budget.

Here is what is released, how much one unit can change it, and the account of what was spent; the noise is drawn by
whoever has OpenDP. Bins are given beforehand, never taken from the data, and every bin is told, also an empty one:
which bins there are must say nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from msgspec import Struct

Named = tuple[str, str]
"""A kind of station and a parameter."""


class Bound(Struct, frozen=True, kw_only=True):
    """How much one unit (a part, a lot, a customer: whom privacy is promised) may count, at most.

    `parts` in each histogram, `histograms` of them at all. Raises ValueError where they are no counts of one or more.
    """

    parts: int = 1
    histograms: int = 1

    def __post_init__(self) -> None:
        if self.parts < 1 or self.histograms < 1:
            raise ValueError(f"a bound of {self.parts} parts in {self.histograms} histograms: each must be 1 or more")

    @property
    def sensitivity(self) -> int:
        """Most by which one unit more or less changes all counts together (L1): a defect counts as a part too."""
        return 2 * self.parts * self.histograms


class Made(NamedTuple):
    """A part as it was made: its unit, the station's kind, a parameter's value then, and whether it was a defect."""

    unit: str
    kind: str
    parameter: str
    value: float
    is_defect: bool


class Histogram(Struct, frozen=True, kw_only=True):
    """Parts and defects by bin: `edges` are n + 1 ascending values, each bin from its edge to below the next."""

    kind: str
    parameter: str
    edges: tuple[float, ...]
    parts: tuple[int, ...]
    defects: tuple[int, ...]


def counted(made: Iterable[Made], bins: Mapping[Named, tuple[float, ...]], bound: Bound) -> tuple[Histogram, ...]:
    """Counts by bin, in the order of `bins`; what is in no bin or beyond its unit's bound is left out, the later first.

    Raises ValueError for edges that are not two or more ascending numbers.
    """
    counts = {named: np.zeros((2, len(_checked(named, edges)) - 1), np.int64) for named, edges in bins.items()}
    given: dict[str, dict[Named, int]] = {}
    for one in made:
        named = one.kind, one.parameter
        at = _bin(bins.get(named), one.value)
        if at is None or not _may_count(given.setdefault(one.unit, {}), named, bound):
            continue
        counts[named][0, at] += 1
        counts[named][1, at] += bool(one.is_defect)
    return tuple(
        Histogram(kind=named[0], parameter=named[1], edges=bins[named], parts=_ints(of[0]), defects=_ints(of[1]))
        for named, of in counts.items()
    )


def _checked(named: Named, edges: tuple[float, ...]) -> tuple[float, ...]:
    if len(edges) < 2 or not all(map(math.isfinite, edges)) or any(np.diff(edges) <= 0):
        raise ValueError(f"bins of {named[1]} of {named[0]}: edges must be two or more ascending numbers, not {edges}")
    return edges


def _bin(edges: tuple[float, ...] | None, value: float) -> int | None:
    if edges is None or not edges[0] <= value < edges[-1]:
        return None
    return int(np.searchsorted(edges, value, side="right")) - 1


def _may_count(of_unit: dict[Named, int], named: Named, bound: Bound) -> bool:
    """Whether the unit has not yet counted as much as it may; then it counts."""
    if named not in of_unit and len(of_unit) >= bound.histograms:
        return False
    if of_unit.get(named, 0) >= bound.parts:
        return False
    of_unit[named] = of_unit.get(named, 0) + 1
    return True


def _ints(counts: np.ndarray) -> tuple[int, ...]:
    return tuple(int(one) for one in counts)


class Spend(Struct, frozen=True, kw_only=True):
    """Epsilon that a release took. Raises ValueError where it is not a number above 0."""

    release: str
    epsilon: float
    time_us: int

    def __post_init__(self) -> None:
        if not 0 < self.epsilon < math.inf:
            raise ValueError(f"epsilon of {self.release} is {self.epsilon}: it must be a number above 0")


class Account(Struct, frozen=True, kw_only=True):
    """Epsilon that a plant may spend in all, and what was spent. Raises ValueError where the total is not above 0."""

    epsilon_total: float
    spent: tuple[Spend, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.epsilon_total < math.inf:
            raise ValueError(f"a budget of epsilon {self.epsilon_total}: it must be a number above 0")

    @property
    def left(self) -> float:
        """Epsilon that is left: releases add up, whatever they tell (Dwork and Roth 2014, theorem 3.16)."""
        return max(self.epsilon_total - math.fsum(one.epsilon for one in self.spent), 0.0)


class NoRelease(StrEnum):
    """Why nothing may be released."""

    OVERSPENT = "overspent"
    TWICE = "told-already"


class Withheld(NamedTuple):
    """Nothing may be released, and why in words."""

    why: NoRelease
    detail: str


def charged(account: Account, spend: Spend) -> Account | Withheld:
    """The account after a release, to be kept before the noise is drawn; or why there must be none.

    The same release is not told twice: two draws of noise for the same counts would say more than one.
    """
    if any(one.release == spend.release for one in account.spent):
        return Withheld(NoRelease.TWICE, f"{spend.release} was released already")
    after = math.fsum(one.epsilon for one in (*account.spent, spend))
    if after > account.epsilon_total:
        detail = f"{spend.release} would take epsilon {spend.epsilon:g}, of {account.left:g} left"
        return Withheld(NoRelease.OVERSPENT, detail)
    return Account(epsilon_total=account.epsilon_total, spent=(*account.spent, spend))


class Release(Struct, frozen=True, kw_only=True):
    """Noisy counts as they leave the plant: differentially private by `epsilon` for any one unit within `bound`.

    `scale` is that of the noise, discrete Laplace; counts are clamped at 0, which costs nothing and lifts small sums.
    """

    release: str
    epsilon: float
    bound: Bound
    scale: float
    histograms: tuple[Histogram, ...]
