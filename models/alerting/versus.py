"""Two models' chances of one machine, at the same minutes, held against each other in warnings and in chances.

Warnings are the life cycle's, judged as in hindsight; two that were open at one moment are the same warning.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from models.alerting.hindsight import HORIZON_US as SAID_US
from models.alerting.hindsight import NEVER_US, Past, Told, Worth, leads_of, total, warned_of, worth_of
from models.alerting.life import Threshold
from models.alerting.reliability import HORIZON_US, Bin, added, bins_of
from models.records import WARNING_HORIZON_H


class Side(NamedTuple):
    """One model's part: what its warnings were worth, when those opened that only it gives, and its chances' fit.

    `squares` is the sum over `known` minutes of the square of the chance within 72 h less what came, and `expected`
    that of the chances, beside `came`, the minutes after which a failure did. `bins` has the same minutes by chance.
    """

    worth: Worth
    alone_us: tuple[int, ...]
    squares: float
    expected: float
    came: int
    known: int
    bins: tuple[Bin, ...]

    @property
    def brier(self) -> float | None:
        """Mean square of the chance less what came; None where nothing is known yet."""
        return self.squares / self.known if self.known else None


class Versus(NamedTuple):
    """A machine's two sides. `gained_h` has the second's lead less the first's at each failure both warned of.

    A lead counts up to 72 h: a warning opens by the chance within so long, and what is open longer foretells no more.
    Of `decided_weeks` it is known by now whether what was said then came.
    """

    asset: str
    sides: tuple[Side, Side]
    both: int
    gained_h: tuple[float, ...]
    weeks: float
    decided_weeks: float


def versus(asset: str, pasts: tuple[Past, Past], thresholds: tuple[Threshold, Threshold]) -> Versus:
    """Of one machine; both pasts have the same minutes, failures and repairs."""
    warned = tuple(warned_of(past, one) for past, one in zip(pasts, thresholds, strict=True))
    meets = _meet(warned[0], warned[1])
    alone = warned[0].opened_us[~meets.any(axis=1)], warned[1].opened_us[~meets.any(axis=0)]
    leads = [np.minimum(leads_of(past, told), WARNING_HORIZON_H) for past, told in zip(pasts, warned, strict=True)]
    gained = leads[1] - leads[0]
    sides = [_side(past, told, own) for past, told, own in zip(pasts, warned, alone, strict=True)]
    gained_h = tuple(gained[~np.isnan(gained)].tolist())
    both, of = int(meets.any(axis=1).sum()), pasts[0]
    decided = float((of.window_end_us <= of.to_us - SAID_US).mean()) * of.weeks
    return Versus(asset, (sides[0], sides[1]), both, gained_h, of.weeks, decided)


class Watched(NamedTuple):
    """A machine's past by the chances of both, and when each warns; what `versus` is given."""

    asset: str
    pasts: tuple[Past, Past]
    thresholds: tuple[Threshold, Threshold]


def stricter(watched: Iterable[Watched], limit: float) -> Versus:
    """All machines as one, where the first warns from that limit on, or from its own if that is higher."""
    return together(
        versus(one.asset, one.pasts, (first._replace(limit=max(first.limit, limit)), second))
        for one in watched
        for first, second in [one.thresholds]
    )


def together(found: Iterable[Versus]) -> Versus:
    """All machines as one, without a name."""
    every = list(found)
    return Versus(
        asset="",
        sides=(_sum(one.sides[0] for one in every), _sum(one.sides[1] for one in every)),
        both=sum(one.both for one in every),
        gained_h=tuple(hours for one in every for hours in one.gained_h),
        weeks=sum(one.weeks for one in every),
        decided_weeks=sum(one.decided_weeks for one in every),
    )


def _side(past: Past, warned: Told, alone_us: np.ndarray) -> Side:
    came, known = came_of(past)
    chance = past.chance[known]
    return Side(
        worth=worth_of(past, warned),
        alone_us=tuple(alone_us.tolist()),
        squares=float(np.square(chance - came[known]).sum()),
        expected=float(chance.sum()),
        came=int(came[known].sum()),
        known=int(known.sum()),
        bins=bins_of(past, came, known),
    )


def came_of(past: Past) -> tuple[np.ndarray, np.ndarray]:
    """Whether a failure came within 72 h of each minute, and of which that is known: a repair before hides it."""
    at_us = past.window_end_us
    failure_us = np.append(past.failures_us, NEVER_US)[np.searchsorted(past.failures_us, at_us, side="right")]
    repair_us = np.append(past.repairs_us, NEVER_US)[np.searchsorted(past.repairs_us, at_us, side="left")]
    until_us = at_us + HORIZON_US
    came = (failure_us <= until_us) & (failure_us <= repair_us)
    return came, came | ((until_us <= past.to_us) & (repair_us > until_us))


def _meet(first: Told, second: Told) -> np.ndarray:
    """Which warnings of the two were open at one moment: bool [first, second]."""
    begins = np.maximum(first.opened_us[:, None], second.opened_us)
    return begins <= np.minimum(first.ended_us[:, None], second.ended_us)


def _sum(sides: Iterable[Side]) -> Side:
    every = list(sides)
    return Side(
        worth=total(one.worth for one in every),
        alone_us=tuple(us for one in every for us in one.alone_us),
        squares=sum(one.squares for one in every),
        expected=sum(one.expected for one in every),
        came=sum(one.came for one in every),
        known=sum(one.known for one in every),
        bins=added(one.bins for one in every),
    )
