"""What the groups of a list add to feature rows: the fleet's usual, siblings, events, maintenance, product, type.

All in float64, and as `compute` wants it: an asset's alone as among others.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.features.groups import PER_COUNTED, Groups
from models.features.windows import DAY, DAYS_WINDOW, QUARTER_H, SLOW_WINDOW, latest
from models.tiers import Tiers

WEEK = 7
"""Days of running that a week of events is of, within twice as many of the calendar."""
RECENT = WEEK - 1
"""Days that are over among them; today is the seventh."""


class Facts(NamedTuple):
    """What of pairs is no window: hours since maintenance [pairs, components], and the name of their asset type."""

    since_h: np.ndarray
    asset_type: str = ""


def compared(groups: Groups, usual: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What residuals are held against [pairs, targets]: the own usual and spread, the fleet's where there is none."""
    if not groups.fleet:
        return usual, spread
    fleet = np.array([(one.usual, one.of_a_stranger) for one in groups.fleet])
    unknown = np.isnan(usual)
    return np.where(unknown, fleet[:, 0], usual), np.where(unknown, fleet[:, 1], spread)


def counts(
    tiers: Tiers, columns: np.ndarray, asset: np.ndarray, end: np.ndarray, since_us: np.ndarray, came: np.ndarray,
    ran: np.ndarray, levels: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """PER_COUNTED of events: [heads, events * 4].

    `columns` are those of events in the tiers, `levels` those of signals. `came` [heads, events, 288] is how often each
    came in the 15-min bins before bin `end`, `ran` [heads, 288] which of these are the last 24 h of running.
    """
    if not len(columns):
        return np.empty((len(end), 0))
    today = end // DAY
    days = today[:, None] + np.arange(-DAYS_WINDOW, 0)
    by_day, _ = tiers.daily(asset, days, since_us, np.concatenate([columns, levels]))
    of_events, heard = by_day[:, : len(columns)], by_day[:, len(columns) :]
    recent = np.any(heard > 0, axis=1)
    recent[:, : -2 * WEEK] = False
    is_today = end[:, None] + np.arange(-SLOW_WINDOW, 0) >= today[:, None] * DAY
    out = np.empty((len(end), len(columns), len(PER_COUNTED)))
    out[:, :, 0] = (came * ran[:, None, :]).sum(axis=2)
    out[:, :, 1] = came.sum(axis=2)
    out[:, :, 2] = (of_events * latest(recent, RECENT)[:, None, :]).sum(axis=2)
    out[:, :, 2] += (came * is_today[:, None, :]).sum(axis=2)
    out[:, :, 3] = _since_h(came, of_events, (end - today * DAY)[:, None])
    return out.reshape(len(out), len(columns) * len(PER_COUNTED))


def _since_h(came: np.ndarray, by_day: np.ndarray, today: np.ndarray) -> np.ndarray:
    """Hours since the end of the bin in which each event came last; `today` [heads, 1] are 15-min bins of this day."""
    quarters, days = (np.argmax(each[:, :, ::-1] > 0, axis=2) for each in (came, by_day))
    of_days = np.where((by_day > 0).any(axis=2), days * DAY + today, np.nan)
    return np.where((came > 0).any(axis=2), quarters, of_days) * QUARTER_H


class Row(NamedTuple):
    """What columns of groups are made of, each [pairs, ...]."""

    own_usual: np.ndarray  # float64 [pairs, targets], NaN where there is none
    over: np.ndarray  # float64 [pairs, targets], residuals of the last 24 h of running
    counts: np.ndarray  # float64 [pairs, events * 4]
    shares: np.ndarray  # float64 [pairs, shares] of the last hour


def columns_of(groups: Groups, shares: tuple[str, ...], row: Row, facts: Facts | None) -> np.ndarray:
    """The columns of groups, in the order of their names: float64 [pairs, columns]."""
    parts = []
    if groups.fleet:
        parts.append(~np.isnan(row.own_usual))
    if groups.siblings:
        fleet = np.array([(one.usual, one.between) for one in groups.fleet])
        parts.append((row.over - fleet[:, 0]) / fleet[:, 1])
    parts.append(row.counts)
    if groups.components:
        nothing = np.full((len(row.over), len(groups.components)), np.nan)
        parts.append(nothing if facts is None else facts.since_h)
    if groups.product:
        words = [at for at, share in enumerate(shares) if share.startswith(f"{groups.product}=")]
        parts.append(_code(row.shares[:, words])[:, None])
    if groups.types:
        known = facts is not None and facts.asset_type in groups.types
        code = groups.types.index(facts.asset_type) if facts is not None and known else np.nan
        parts.append(np.full((len(row.over), 1), code))
    return np.concatenate(parts, axis=1)


def _code(shares: np.ndarray) -> np.ndarray:
    """Place of the word that was said for the most of an hour, the first of equal ones; NaN where none was."""
    shares = np.nan_to_num(shares, nan=0.0)
    return np.where(shares.max(axis=1) > 0, np.argmax(shares, axis=1), np.nan)
