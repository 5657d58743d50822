"""One hazard for all components of a machine: each is judged by its own signals, events and age, by the same trees.

Failures are few, and those of four components teach one model four times as well as four models. A machine fails with
the first of its components: the chances of none are multiplied, as of competing risks that do not depend on each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

COMPONENT = "component"
"""The last column that the trees see: which component it is, by number."""


class Pool(Struct, frozen=True):
    """Which columns of a machine's row make the row of each of its components.

    `columns` [components, names] are places in the machine's row of so many `features`; behind its end there are a
    column of NaN, for what a component lacks, and then the number of each component. Without components, a machine's
    row is its one row.
    """

    modes: tuple[str, ...]
    names: tuple[str, ...]
    columns: tuple[tuple[int, ...], ...]
    features: int

    def rows(self, features: np.ndarray) -> np.ndarray:
        """Rows of components, float32 [rows x components, names], those of a machine one behind another."""
        if not self.modes:
            return features
        behind = np.broadcast_to(self.constants, (len(features), len(self.modes) + 1))
        row = np.concatenate([features, behind], axis=1)
        return row[:, np.array(self.columns).ravel()].reshape(-1, len(self.names))

    @property
    def constants(self) -> np.ndarray:
        """What stands behind the end of a machine's row, float32 [1, components + 1]."""
        return np.array([[np.nan, *range(len(self.modes))]], np.float32)

    @property
    def components(self) -> int:
        """Rows that a machine's row makes."""
        return len(self.columns)

    def thresholds(self, found: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
        """Thresholds (column, value) of the trees as those of machines' rows, in order and without doubles."""
        of = {(row[column], value) for column, value in found for row in self.columns}
        return sorted(one for one in of if one[0] < self.features)


def plain(features: int) -> Pool:
    """That of machines without components."""
    names = tuple(f"f{at}" for at in range(features))
    return Pool((), names, (tuple(range(features)),), features)


def pool_of(names: Sequence[str], components: Mapping[str, Sequence[str]]) -> Pool:
    """The pool of feature `names` where each component owns some signals, events and the like, in the same order.

    The first that one component owns stands where the first of another does. What nobody owns is seen by all. Raises
    ValueError where two own the same or one owns what is not there.
    """
    owned = [owner for owners in components.values() for owner in owners]
    told = {name.rpartition(".")[0] for name in names}
    wrong = sorted({owner for owner in owned if owned.count(owner) > 1 or owner not in told})
    if wrong or not components:
        raise ValueError(
            f"components must be some, and own features, each once; wrong are: {', '.join(wrong) or 'none'}"
        )
    place = {name: at for at, name in enumerate(names)}
    keys = dict.fromkeys(
        (at, name.rpartition(".")[2])
        for owners in components.values()
        for at, owner in enumerate(owners)
        for name in names
        if name.rpartition(".")[0] == owner
    )
    shared = [name for name in names if name.rpartition(".")[0] not in owned]
    missing = len(names)
    columns = tuple(
        (
            *(place.get(f"{owners[at]}.{what}", missing) if at < len(owners) else missing for at, what in keys),
            *(place[name] for name in shared),
            missing + 1 + number,
        )
        for number, owners in enumerate(components.values())
    )
    return Pool(tuple(components), (*(f"own{at}.{what}" for at, what in keys), *shared, COMPONENT), columns, len(names))


def chances(pool: Pool, within: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A machine's chances [rows, horizons], and each component's share in a failure within the last [rows, modes].

    `within` [rows x components, horizons] are the chances of components.
    """
    if not pool.modes:
        return within, np.empty((len(within), 0))
    of_component = within.reshape(-1, len(pool.modes), within.shape[1])
    last = of_component[:, :, -1]
    return 1.0 - np.prod(1.0 - of_component, axis=1), last / last.sum(axis=1, keepdims=True)
