"""What feature rows lack, and whose usual they are held against: nothing is imputed, and nothing of that in silence."""

from __future__ import annotations

from itertools import compress

import numpy as np

from models.features.spec import Spec
from models.records import Whose


def missing(spec: Spec, rows: np.ndarray) -> list[tuple[str, ...]]:
    """Of each float32 row, what a window that the model looks at has nothing of, in the order of its list.

    That is a signal, a counter, a state, a component whose maintenance nobody told of, or the product.
    """
    out: list[tuple[str, ...]] = [()] * len(rows)
    if not len(rows):
        return out
    names, columns, begins = spec.windows
    lacks = np.logical_or.reduceat(np.isnan(rows[:, columns]), begins, axis=1)
    for at in np.flatnonzero(lacks.any(axis=1)).tolist():
        out[at] = tuple(compress(names, lacks[at].tolist()))
    return out


def whose(spec: Spec, rows: np.ndarray) -> list[Whose]:
    """Of each float32 row, whose usual its changes are from."""
    if not spec.expected:
        return [Whose.NOBODY] * len(rows)
    has_fleet = bool(spec.groups.fleet)
    own = rows[:, spec.own] > 0.5 if has_fleet else ~np.isnan(rows[:, spec.own])
    some, none = (Whose.BOTH, Whose.FLEET) if has_fleet else (Whose.SOME, Whose.NOBODY)
    known = own.sum(axis=1).tolist()
    return [Whose.OWN if count == len(spec.own) else some if count else none for count in known]
