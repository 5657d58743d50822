"""Which parts were made as it was before a change, and which as it is now: by their settings, not by the clock. Pure.

So a holdout period, in which people go back for a while, counts where it belongs. A machine beside it whose settings
stay has parts before and after, too, for what both share.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.tuning.effect import Arm, Pair
from models.tuning.journal import Rows

ALIKE = 1e-6
"""Settings that differ by no more are the same."""


class Arms(NamedTuple):
    """Before and after, and the same of the machine beside it, where there is one: units found good or defective."""

    old: Arm
    new: Arm
    pair: Pair | None


def at_setting(rows: Rows, setting: tuple[float, ...]) -> np.ndarray:
    """Parts made at a setting, bool [n]."""
    alike = [
        at
        for at, one in enumerate(rows.settings)
        if all(abs(value - other) <= ALIKE for value, other in zip(one, setting, strict=True))
    ]
    return np.isin(rows.setting, alike)


def count(rows: Rows, chosen: np.ndarray) -> Arm:
    """Of parts of which something was found."""
    of = chosen & rows.known
    return Arm(parts=int(rows.units[of].sum()), defects=int(rows.defects[of].sum()))


def seen_of(rows: Rows) -> dict[tuple[float, ...], tuple[int, int]]:
    """Units and defects by setting, of the last lot: what was found of another may not hold for it."""
    of = rows.known & (rows.lot == rows.lot[-1])
    units = np.bincount(rows.setting[of], rows.units[of], len(rows.settings))
    defects = np.bincount(rows.setting[of], rows.defects[of], len(rows.settings))
    out: dict[tuple[float, ...], tuple[int, int]] = {}
    for setting, made, bad in zip(rows.settings, units, defects, strict=True):
        place = tuple(round(value, 6) for value in setting)
        before = out.get(place, (0, 0))
        out[place] = before[0] + int(made), before[1] + int(bad)
    return out


def arms_of(
    rows: Rows, before: tuple[float, ...], after: tuple[float, ...], changed_us: int, pair: Rows | None
) -> Arms:
    """Parts at both settings; those as it is now count since the change alone."""
    old, new = at_setting(rows, before), at_setting(rows, after) & (rows.time_us >= changed_us)
    beside = None
    if pair is not None and old.any():
        since = pair.time_us >= rows.time_us[old].min()
        later = pair.time_us >= changed_us
        beside = Pair(old=count(pair, since & ~later), new=count(pair, later))
    return Arms(count(rows, old), count(rows, new), beside)


def kinds_told(rows: Rows, chosen: np.ndarray) -> str:
    """How many defects of which kind, for people."""
    of = chosen & rows.known & (rows.defects > 0)
    found = {name or "not named": int(rows.defects[of & (rows.kind == at)].sum()) for at, name in enumerate(rows.kinds)}
    return ", ".join(f"{number} {name}" for name, number in found.items() if number)
