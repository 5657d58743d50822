"""Which machines may be asked to wait so that a quarter-hour keeps its limit, and which must not be, with the reason.

Just enough are named, those first that cost least. Heat cannot wait: a furnace needs a person's permission, has a
longest time off and a least time on. Nothing is switched here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from models.records import Shed, Unshed

MINUTE_US = 60_000_000
LEAST_MIN = 1
"""Shorter waits are not asked for: people need that long to read of it. Our choice."""


class Keep(StrEnum):
    """Why a machine must not be asked to wait, the first that holds."""

    MAINTENANCE = "in maintenance"
    OFF = "off already"
    NOTHING = "takes nothing that could be left out"
    MUST_RUN = "must not wait"
    PERMISSION = "needs a permission that nobody gave"
    ON_TOO_SHORT = "not on for long enough"
    STARTS = "has no start left this hour"
    TOO_SHORT = "may not be off for long enough to help"
    LATE = "its job would be late"


class Sheddable(Struct, frozen=True, kw_only=True):
    """A machine of the site as it is now, and what waiting would do to it.

    `kw` comes off the load while it waits; `back_min` is how long it needs after that until it makes good parts again
    (heating up); `slack_min` how long its planned job can wait without being late, None without a job. A furnace is a
    machine that needs permission, with a longest time off and a least time on. `why` tells people why it may wait.
    """

    asset: str
    kw: float
    cost_per_h: float
    why: str
    may_wait: bool = True
    needs_permission: bool = False
    has_permission: bool = False
    longest_off_min: float = 60.0
    least_on_min: float = 0.0
    on_since_us: int = 0
    most_starts_per_h: int | None = None
    starts_last_h: int = 0
    back_min: float = 0.0
    slack_min: float | None = None
    is_off: bool = False
    is_in_maintenance: bool = False


class Choice(NamedTuple):
    """Who may wait and who must not; kWh that this takes off the quarter, and whether that is enough."""

    shed: tuple[Shed, ...]
    kept: tuple[Unshed, ...]
    kwh: float
    is_enough: bool


def keep(machine: Sheddable, now_us: int) -> Keep | None:
    """Why this machine must not be asked to wait; None where it may be."""
    on_min = (now_us - machine.on_since_us) / MINUTE_US
    has_start = machine.most_starts_per_h is None or machine.starts_last_h < machine.most_starts_per_h
    rules = (
        (Keep.MAINTENANCE, machine.is_in_maintenance),
        (Keep.OFF, machine.is_off),
        (Keep.NOTHING, not 0 < machine.kw < math.inf),
        (Keep.MUST_RUN, not machine.may_wait),
        (Keep.PERMISSION, machine.needs_permission and not machine.has_permission),
        (Keep.ON_TOO_SHORT, not on_min >= machine.least_on_min),
        (Keep.STARTS, not has_start),
        (Keep.TOO_SHORT, not machine.longest_off_min >= LEAST_MIN),
        (Keep.LATE, machine.slack_min is not None and not machine.slack_min - machine.back_min >= LEAST_MIN),
    )
    return next((reason for reason, holds in rules if holds), None)


def longest_min(machine: Sheddable) -> float:
    """How long a machine may wait at most: as long as it may be off, and its job is not late with heating up again."""
    slack = machine.slack_min
    return machine.longest_off_min if slack is None else min(machine.longest_off_min, slack - machine.back_min)


def choose(machines: Sequence[Sheddable], needed_kwh: float, minutes_left: float, now_us: int) -> Choice:
    """The machines that take so much off the rest of the quarter, or all that may wait, if those are not enough."""
    kept = tuple(
        Unshed(asset=one.asset, why=str(why)) for one in sorted(machines, key=_name) if (why := keep(one, now_us))
    )
    minutes = {one.asset: int(min(longest_min(one), minutes_left)) for one in machines if keep(one, now_us) is None}
    able = sorted((one for one in machines if minutes.get(one.asset, 0) >= LEAST_MIN), key=_cheapest)
    saved = {one.asset: one.kw * minutes[one.asset] / 60.0 for one in able}
    named = able
    for one in reversed(able):
        without = [other for other in named if other is not one]
        named = without if _sum(saved, without) >= needed_kwh else named
    shed = tuple(Shed(asset=one.asset, kw=one.kw, minutes=minutes[one.asset], why=one.why) for one in named)
    total = _sum(saved, named)
    return Choice(shed, kept, total, total >= needed_kwh)


def _sum(saved: dict[str, float], machines: Iterable[Sheddable]) -> float:
    return sum(saved[one.asset] for one in machines)


def _name(machine: Sheddable) -> str:
    return machine.asset


def _cheapest(machine: Sheddable) -> tuple[float, float, str]:
    return machine.cost_per_h, -machine.kw, machine.asset
