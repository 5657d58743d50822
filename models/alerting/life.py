"""A warning opens after some minutes over the limit, follows its lead, and clears after many well under it.

Only final forecasts come here, so a late sample never has to take a warning back.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from models.failure.hazard import WARNING
from models.records import HORIZONS_H, Alert, AlertReason, AlertState, Forecast, id_of

OPEN_AFTER = 3
CLEAR_AFTER = 60
CLEAR_SHARE = 0.6
ANY_MODE = "any"
"""The hazard does not tell failure modes apart."""


class Reading(Enum):
    """Where the 72 h chance lies."""

    OVER = "at or over the limit"
    BETWEEN = "under the limit, not under CLEAR_SHARE of it"
    UNDER = "under CLEAR_SHARE of the limit"


class Watch(Struct, frozen=True):
    """What is remembered of an asset: forecasts in a row that read the same or lead elsewhere, and the open warning."""

    reading: Reading = Reading.UNDER
    in_a_row: int = 0
    nearer: int = 0
    farther: int = 0
    warning: Alert | None = None


def read(chance: float, limit: float) -> Reading:
    """Compare a chance with the limit."""
    if chance >= limit:
        return Reading.OVER
    return Reading.UNDER if chance < CLEAR_SHARE * limit else Reading.BETWEEN


def lead_h(chances: tuple[float, ...], limit: float) -> int | None:
    """The nearest horizon whose chance is at or over the limit."""
    return next((hours for hours, chance in zip(HORIZONS_H, chances, strict=True) if chance >= limit), None)


def step(watch: Watch, forecast: Forecast, limit: float, *, repaired: bool) -> tuple[Watch, Alert | None]:
    """Take one final forecast. `repaired`: the machine was repaired since the forecast before."""
    if repaired:
        watch, alert = renewed(watch, forecast.window_end_us)
        return _counted(watch, forecast, limit), alert
    watch = _counted(watch, forecast, limit)
    reason = _reason(watch)
    if reason is None:
        return watch, None
    lead = lead_h(forecast.chances, limit)
    if reason is AlertReason.OPENED:
        alert = _opened(forecast, lead)
    else:
        assert watch.warning
        alert = _revised(watch.warning, forecast, reason, lead)
    still = None if reason is AlertReason.CLEARED else alert
    return Watch(watch.reading, watch.in_a_row, 0, 0, still), alert


def renewed(watch: Watch, window_end_us: int) -> tuple[Watch, Alert | None]:
    """A repair begins another life: it closes the warning, which goes on saying what was last said of the old one."""
    if watch.warning is None:
        return Watch(), None
    warning = watch.warning
    closed = replace(
        warning,
        revision=warning.revision + 1,
        state=AlertState.RETURNED,
        reason=AlertReason.REPAIRED,
        window_end_us=window_end_us,
    )
    return Watch(), closed


def _counted(watch: Watch, forecast: Forecast, limit: float) -> Watch:
    reading = read(forecast.chances[WARNING], limit)
    in_a_row = watch.in_a_row + 1 if reading is watch.reading else 1
    if watch.warning is None:
        return Watch(reading, in_a_row)
    lead = lead_h(forecast.chances, limit) or HORIZONS_H[-1] + 1
    told = watch.warning.lead_h or HORIZONS_H[-1] + 1
    nearer = watch.nearer + 1 if lead < told else 0
    farther = watch.farther + 1 if lead > told else 0
    return Watch(reading, in_a_row, nearer, farther, watch.warning)


def _reason(watch: Watch) -> AlertReason | None:
    """The first rule that holds, in this order."""
    is_open = watch.warning is not None
    rules = (
        (not is_open and watch.reading is Reading.OVER and watch.in_a_row >= OPEN_AFTER, AlertReason.OPENED),
        (is_open and watch.reading is Reading.UNDER and watch.in_a_row >= CLEAR_AFTER, AlertReason.CLEARED),
        (is_open and watch.nearer >= OPEN_AFTER, AlertReason.NEARER),
        (is_open and watch.farther >= CLEAR_AFTER, AlertReason.FARTHER),
    )
    return next((reason for holds, reason in rules if holds), None)


def _said(forecast: Forecast) -> dict[str, Any]:
    """What a warning repeats of the forecast that moved it."""
    names = ("window_end_us", "chances", "drivers", "model", "basis", "rung", "completeness")
    return {name: getattr(forecast, name) for name in names}


def _opened(forecast: Forecast, lead: int | None) -> Alert:
    return Alert(
        id=id_of("alert", forecast.plant, forecast.asset, ANY_MODE, forecast.window_end_us),
        revision=0,
        plant=forecast.plant,
        asset=forecast.asset,
        mode=ANY_MODE,
        state=AlertState.UNACKNOWLEDGED,
        reason=AlertReason.OPENED,
        opened_us=forecast.window_end_us,
        lead_h=lead,
        **_said(forecast),
    )


def _revised(warning: Alert, forecast: Forecast, reason: AlertReason, lead: int | None) -> Alert:
    state = AlertState.RETURNED if reason is AlertReason.CLEARED else AlertState.UNACKNOWLEDGED
    revision = warning.revision + 1
    return replace(warning, revision=revision, state=state, reason=reason, lead_h=lead, **_said(forecast))
