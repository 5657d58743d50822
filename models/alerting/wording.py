"""What warnings and healths say in sentences for people: on which rung it rests, what was found, how sure that is.

A chance stands alone only where enough real failures found it; any other one is told with what it was learned from.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from models.alerting.belonging import RUNGS
from models.alerting.lifecycle import is_active
from models.failure.hazard import WARNING
from models.records import (
    HORIZONS_H,
    WARNING_HORIZON_H,
    Alert,
    Became,
    Confidence,
    Evidence,
    Health,
    Level,
    ModeShare,
    Rung,
    Similar,
    Until,
)

MINUTE_US = 60_000_000
NAMES_TOLD = 2
"""Names of further evidence in a headline; `rests_on` has all."""
PLAIN_UNDER = 1e5
"""Numbers under this are told in five digits, so that one just over its limit is told apart from it."""


def headline(said: Alert | Health) -> str:
    """What is wrong, in one line; asset, level and confidence stand beside it."""
    told = _of_alert(said) if isinstance(said, Alert) else _of_health(said)
    return "; ".join(filter(None, (told, remaining(said))))


def rests_on(alert: Alert) -> tuple[str, ...]:
    """All that a warning rests on, a line for each piece of evidence, what weighs most first; then cases like it."""
    like = like_it(alert.similar)
    bases = {one.basis for one in alert.evidence if one.rung is Rung.HAZARD and one.basis}
    said = [": from ".join((like, *sorted(bases)))] if like else []
    return (*map(_line, sorted(alert.evidence, key=_weight)), *said)


def by_weight(evidence: Iterable[Evidence]) -> list[Evidence]:
    """The highest rung first, as in a case; of one rung alarms, then what holds for longest."""
    return sorted(evidence, key=_weight)


def like_it(similar: Iterable[Similar]) -> str:
    """What became of the past cases that a machine is like; empty where none is known."""
    found = list(similar)
    failed = [one for one in found if one.outcome is Became.FAILED]
    if not found:
        return ""
    said = f"of {len(found)} like it, {len(failed) or 'none'} failed"
    leads = [one.lead_h for one in failed if one.lead_h is not None]
    if leads:
        low, high = min(leads), max(leads)
        said += f", after {low:.0f} h" if f"{low:.0f}" == f"{high:.0f}" else f", after {low:.0f} to {high:.0f} h"
    modes = sorted({one.mode for one in failed} - {""})
    return said + (f" ({', '.join(modes)})" if modes else "")


def remaining(said: Alert | Health) -> str:
    """How long until a limit is reached or a failure, with its interval; empty where nothing says so."""
    left = said.remaining
    if left is None:
        return ""
    limiting = f"the limit of {said.limiting}" if isinstance(said, Health) and said.limiting else "its limit"
    end = "failure" if left.until is Until.FAILURE else limiting
    high = f"{left.low_h:.0f} h or more" if left.high_h is None else f"{left.low_h:.0f} to {left.high_h:.0f} h"
    covered = "" if left.covered is None else f", but {_percent(left.covered)} on other machines"
    middle = f"over {HORIZONS_H[-1]}" if left.median_h is None else f"{left.median_h:.0f}"
    return f"{middle} h to {end} (90 %{covered}: {high})"


def chance(share: float, within_h: int, basis: str, confidence: Confidence) -> str:
    """A chance of failure, with what it was learned from unless it may stand alone."""
    label = learned(basis, confidence)
    return f"{_percent(share)} in {within_h} h" + (f" ({label})" if label else "")


def learned(basis: str, confidence: Confidence) -> str:
    """The label of a chance; empty where it needs none."""
    return "" if confidence is Confidence.HIGH else f"from {basis}"


def labels(said: Iterable[tuple[str, Confidence]]) -> str:
    """One label for many chances, of their bases and confidences; empty where none needs one."""
    return ", ".join(sorted({learned(*each) for each in said} - {""}))


def likely(modes: Iterable[ModeShare]) -> str:
    """Failure modes with the share that each has in a failure."""
    return ", ".join(f"{one.mode} ({one.share:.2f})" for one in modes)


def clock(time_us: int) -> str:
    """A time for people, UTC."""
    return str(np.datetime64(time_us, "us").astype("datetime64[m]")).replace("T", " ")


def _of_alert(alert: Alert) -> str:
    """As the highest rung says it, and what else speaks."""
    first, *others = sorted(alert.evidence, key=_weight)
    what = _of_hazard(alert) if alert.chances else f"{first.name} {_found(first)}"
    stands = is_active(alert)
    if not stands:
        what += " when last told"
    elif not alert.chances:
        what += f" for {_span(alert.window_end_us - first.since_us)}"
    return f"{alert.rung}: {what}{_also(others)}"


def _of_hazard(alert: Alert) -> str:
    told = chance(alert.chances[WARNING], WARNING_HORIZON_H, alert.basis, alert.confidence)
    told += f", over its limit within {alert.lead_h} h" if alert.lead_h else ", under its limit by now"
    return told + (f", most likely {likely(alert.modes)}" if alert.modes else "")


def _also(others: list[Evidence]) -> str:
    if not others:
        return ""
    names = ", ".join(f"{one.name} ({one.rung})" for one in others[:NAMES_TOLD])
    rest = len(others) - NAMES_TOLD
    return f"; also {names}" + (f" and {rest} more" if rest > 0 else "")


def _of_health(health: Health) -> str:
    drivers = ", ".join(f"{one.signal} {one.over:+.3g}" for one in health.drivers)
    against = f" against {health.baseline}" if health.baseline else ""
    return f"{Rung.HEALTH}: {health.index:.0f} of 100{against}" + (f", driven by {drivers}" if drivers else "")


def _line(one: Evidence) -> str:
    """A chance that is told with its basis does not tell it again."""
    basis = one.basis
    if one.rung is Rung.HAZARD:
        basis = "" if learned(one.basis, one.confidence) else f"from {one.basis}"
    since = f"{one.rung}: {one.name}, {one.level} since {clock(one.since_us)}"
    return "; ".join(filter(None, (since, _found(one), basis, f"{one.confidence} confidence")))


def _found(one: Evidence) -> str:
    """What was found, and what it was held against."""
    if one.value is None:
        return "found" if one.limit is None else f"beyond {_told(one.limit, one)}"
    value = _told(one.value, one)
    if one.rung is Rung.HAZARD:
        value = chance(one.value, WARNING_HORIZON_H, one.basis, one.confidence)
    if one.limit is None:
        return value
    side = "at" if one.value == one.limit else "over" if one.value > one.limit else "under"
    return f"{value} {side} {_told(one.limit, one)}"


def _told(number: float, one: Evidence) -> str:
    if one.rung is Rung.HAZARD:
        return _percent(number)
    told = f"{number:,.5g}" if abs(number) < PLAIN_UNDER else f"{number:,.0f}"
    return f"{told} {one.unit}".rstrip()


def _percent(share: float) -> str:
    """In whole percent, and never as what is certain."""
    if share < 0.01:
        return "under 1 %"
    return f"{100 * share:.0f} %" if share <= 0.99 else "over 99 %"


def _span(time_us: int) -> str:
    minutes = max(time_us, 0) // MINUTE_US
    if minutes < 120:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h" if hours < 72 else f"{hours // 24} days"


def _weight(one: Evidence) -> tuple[int, bool, int, str]:
    """The highest rung first, as in a case; of one rung alarms, then what holds for longest."""
    return -RUNGS.index(one.rung), one.level is not Level.ALARM, one.since_us, one.name
