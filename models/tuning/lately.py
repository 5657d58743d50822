"""What parts show of a station lately: changes that were made, how far settings may move, what a part takes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from models.tuning.arms import ALIKE, at_setting
from models.tuning.costs import Cost, learned
from models.tuning.journal import Rows
from models.tuning.rails import HOUR_US, Change, Limits

FIRST_PARTS = 2000
"""Of the first parts that are known, the mean of what each takes is what none is to pass."""
LEAST_H = 24.0


def changes_of(rows: Rows, names: Sequence[str], limits: Mapping[str, Limits], now_us: int) -> tuple[Change, ...]:
    """Changes that parts show, whoever made them, as far back as any limit looks."""
    longest_h = max([LEAST_H, *(max(one.rate_h, one.cool_down_h) for one in limits.values())])
    at = np.flatnonzero(np.diff(rows.setting)) + 1
    out = []
    for place in at[rows.time_us[at] > now_us - longest_h * HOUR_US]:
        pair = rows.settings[int(rows.setting[place - 1])], rows.settings[int(rows.setting[place])]
        out += [
            Change(time_us=int(rows.time_us[place]), parameter=name, before=before, after=after)
            for name, before, after in zip(names, *pair, strict=True)
            if abs(before - after) > ALIKE
        ]
    return tuple(out)


def reach_of(
    changes: Iterable[Change], limits: Mapping[str, Limits], now_us: int, *, no_trial: bool
) -> dict[str, float]:
    """How far each parameter may move now: what is left of its rate, and what needs no trial where none is wanted."""
    made, reach = tuple(changes), {}
    for name, of in limits.items():
        if of.rate is not None:
            since_us = now_us - of.rate_h * HOUR_US
            recent = [one for one in made if one.parameter == name and one.time_us > since_us]
            reach[name] = max(0.0, of.rate - sum(abs(one.after - one.before) for one in recent))
        if no_trial and of.trial_above is not None:
            reach[name] = min(reach.get(name, of.trial_above), of.trial_above)
    return reach


def costs_of(rows: Rows, figures: Sequence[str]) -> list[tuple[str, Cost, float]]:
    """Each figure that is known, how it moves, and what it was at first, which it is not to pass."""
    out = []
    here = at_setting(rows, rows.settings[int(rows.setting[-1])]) & (rows.lot == rows.lot[-1])
    for at, name in enumerate(figures):
        figure = rows.figures[:, at]
        cost = learned(rows.measured, figure, here)
        if cost is not None:
            known = np.isfinite(figure) & (figure > 0)
            first = figure[known & (rows.setting == rows.setting[np.argmax(known)])][:FIRST_PARTS]
            out.append((name, cost, float(first.mean())))
    return out
