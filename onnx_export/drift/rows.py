"""Feature rows of one asset type as drift looks at them: cut by time, and as daily means of each machine's life.

No statistics of drift here, and nothing of files.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import numpy as np

from models.features import Spec
from onnx_export.history import DAY_US, History

LEVEL, OVER = "mean_1h", "over_1h"
"""Features that are watched: an hour's mean of a signal, and of a residual. A day of running would smear a step."""
LEAST_ROWS_A_DAY = 2
"""A day with fewer rows of a machine has no mean: one hour is not a day. Our choice."""


class Role(StrEnum):
    """What a signal's move would mean."""

    RESIDUAL = "residual of what is expected at the load"
    OPERATING = "operating point"
    AMBIENT = "ambient"


class Watched(NamedTuple):
    """A feature that is watched, its signal and role, the column of the signal itself, and what it is expected from."""

    feature: str
    signal: str
    role: Role
    column: int
    level: int
    terms: tuple[str, ...] = ()


def watched(spec: Spec, ambient: tuple[str, ...]) -> tuple[Watched, ...]:
    """Residuals of all that is expected; of all other signals the level, ambient ones by name.

    What is expected is not watched by its level: load and weather move it, and are watched themselves.
    """
    out = [
        Watched(f"{one.target}.{OVER}", one.target, Role.RESIDUAL, spec.column(f"{one.target}.{OVER}"),
                spec.column(f"{one.target}.{LEVEL}"), tuple(name for name, _ in one.terms))
        for one in spec.expected
    ]  # fmt: skip
    for signal in spec.signals:
        if signal not in spec.targets:
            role = Role.AMBIENT if signal in ambient else Role.OPERATING
            column = spec.column(f"{signal}.{LEVEL}")
            out.append(Watched(f"{signal}.{LEVEL}", signal, role, column, column))
    return tuple(out)


class Rows(NamedTuple):
    """Feature rows of one asset type, sorted by asset and time, and the served model's chances within 72 h of each."""

    features: np.ndarray  # float32 [rows, n]
    asset: np.ndarray  # int64
    window_end_us: np.ndarray  # int64
    since_us: np.ndarray  # int64, start of the life
    hours: np.ndarray  # float64, to the next failure, infinite where none was seen
    known_h: np.ndarray  # float64, for how long it is known whether one came
    chance: np.ndarray  # float64
    weight: np.ndarray  # float64, for how many rows each stands

    @classmethod
    def of(cls, history: History, chance: np.ndarray, weight: np.ndarray | None = None) -> Rows:
        """Those of a history; each stands for itself where no weights are given."""
        weight = np.ones(len(chance)) if weight is None else weight
        return cls(
            history.features, history.asset, history.window_end_us, history.since_us, history.hours, history.known_h,
            chance, weight,
        )  # fmt: skip

    def where(self, chosen: np.ndarray) -> Rows:
        """Some of them."""
        return Rows(*(column[chosen] for column in self))

    def between(self, from_us: int, to_us: int) -> Rows:
        """Those after a time and up to another; nothing of what came later is known in them."""
        rows = self.where((self.window_end_us > from_us) & (self.window_end_us <= to_us))
        until_h = (to_us - rows.window_end_us) / (DAY_US / 24)
        hours = np.where(rows.hours <= until_h, rows.hours, np.inf)
        return rows._replace(hours=hours, known_h=np.minimum(rows.known_h, until_h))

    def joined(self, later: Rows) -> Rows:
        """These and later ones, sorted."""
        both = Rows(*(np.concatenate(pair) for pair in zip(self, later, strict=True)))
        return both.where(np.lexsort((both.window_end_us, both.asset)))


class Daily(NamedTuple):
    """Means of days of machines' lives, by asset and day. A day of two lives has two."""

    asset: np.ndarray  # int64 [days]
    since_us: np.ndarray  # int64
    day: np.ndarray  # int64, since 1970
    values: np.ndarray  # float64 [days, watched]

    def since(self, day: int) -> Daily:
        """Those from a day on."""
        return Daily(*(column[self.day >= day] for column in self))


def daily(rows: Rows, columns: np.ndarray) -> Daily:
    """Of some columns; NaN where nothing of a day is known."""
    day = (rows.window_end_us - 1) // DAY_US
    new = np.ones(len(day), bool)
    new[1:] = (np.diff(day) != 0) | (np.diff(rows.asset) != 0) | (np.diff(rows.since_us) != 0)
    first = np.flatnonzero(new)
    if not len(first):
        return Daily(rows.asset, rows.since_us, day, np.empty((0, len(columns))))
    values = rows.features[:, columns].astype(np.float64)
    known = ~np.isnan(values)
    count = np.add.reduceat(known.astype(np.int64), first)
    total = np.add.reduceat(np.where(known, values, 0.0), first)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count >= LEAST_ROWS_A_DAY, total / count, np.nan)
    return Daily(rows.asset[first], rows.since_us[first], day[first], mean)
