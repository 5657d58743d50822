"""A hazard holds after some minutes over the limit, is followed in its lead, and ends after many well under it.

Only final forecasts come here, so a late sample never has to take anything back. What is made of it is in `cases`.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from msgspec import Struct

from models.failure.hazard import WARNING
from models.records import HORIZONS_H, AlertReason

OPEN_AFTER = 3
CLEAR_AFTER = 60
CLEAR_SHARE = 0.6


class Threshold(NamedTuple):
    """A warning opens after `open_after` scored minutes at or over `limit`, the chance of failure within 72 h.

    It clears after `clear_after` scored minutes under `clear_share` of the limit.
    """

    limit: float
    open_after: int = OPEN_AFTER
    clear_after: int = CLEAR_AFTER
    clear_share: float = CLEAR_SHARE


class Reading(Enum):
    """Where the 72 h chance lies."""

    OVER = "at or over the limit"
    BETWEEN = "under the limit, not under the share of it that clears"
    UNDER = "under that share of the limit"


class Watch(Struct, frozen=True):
    """What is remembered of an asset: forecasts in a row that read the same or lead elsewhere, and what was told.

    `told_h` is the lead that was told last, while the hazard `holds`.
    """

    reading: Reading = Reading.UNDER
    in_a_row: int = 0
    nearer: int = 0
    farther: int = 0
    holds: bool = False
    told_h: int | None = None


def read(chance: float, threshold: Threshold) -> Reading:
    """Compare a chance with the limit."""
    if chance >= threshold.limit:
        return Reading.OVER
    return Reading.UNDER if chance < threshold.clear_share * threshold.limit else Reading.BETWEEN


def lead_h(chances: tuple[float, ...], limit: float) -> int | None:
    """The nearest horizon whose chance is at or over the limit."""
    return next((hours for hours, chance in zip(HORIZONS_H, chances, strict=True) if chance >= limit), None)


def step(watch: Watch, chances: tuple[float, ...], threshold: Threshold) -> tuple[Watch, AlertReason | None]:
    """Take the chances of one final forecast; why something is to be told, if anything is.

    A repair begins another life, and with it another watch.
    """
    watch = _counted(watch, chances, threshold)
    reason = _reason(watch, threshold)
    if reason is None:
        return watch, None
    if reason is AlertReason.CLEARED:
        return Watch(watch.reading, watch.in_a_row), reason
    return Watch(watch.reading, watch.in_a_row, holds=True, told_h=lead_h(chances, threshold.limit)), reason


def _counted(watch: Watch, chances: tuple[float, ...], threshold: Threshold) -> Watch:
    reading = read(chances[WARNING], threshold)
    in_a_row = watch.in_a_row + 1 if reading is watch.reading else 1
    if not watch.holds:
        return Watch(reading, in_a_row)
    lead, told = (hours or HORIZONS_H[-1] + 1 for hours in (lead_h(chances, threshold.limit), watch.told_h))
    nearer = watch.nearer + 1 if lead < told else 0
    farther = watch.farther + 1 if lead > told else 0
    return Watch(reading, in_a_row, nearer, farther, holds=True, told_h=watch.told_h)


def _reason(watch: Watch, threshold: Threshold) -> AlertReason | None:
    """The first rule that holds, in this order."""
    opens, clears = threshold.open_after, threshold.clear_after
    rules = (
        (not watch.holds and watch.reading is Reading.OVER and watch.in_a_row >= opens, AlertReason.OPENED),
        (watch.holds and watch.reading is Reading.UNDER and watch.in_a_row >= clears, AlertReason.CLEARED),
        (watch.holds and watch.nearer >= opens, AlertReason.NEARER),
        (watch.holds and watch.farther >= clears, AlertReason.FARTHER),
    )
    return next((reason for holds, reason in rules if holds), None)
