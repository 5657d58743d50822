"""Live warning of a demand peak: whether this quarter-hour's mean will pass its limit, and who may wait against it.

What was taken since the quarter began is certain. The rest is told by the level of the last minutes and the load
forecast, each by its variance. Quarters are those of UTC, as meters of demand have them; time comes from the readings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct

from models.energy.shedding import MINUTE_US, Choice, Sheddable, choose
from models.records import DemandWarning, id_of

QUARTER_US = 15 * MINUTE_US
HOURS = 0.25
Z80 = 1.2815515655446004
"""Of the normal distribution: 80 % lie between -Z80 and Z80, so q10 and q90 are as far from the median."""
MEAN_OF_ABS = math.sqrt(2.0 / math.pi)
"""Mean of the absolute value of the normal distribution, in standard deviations."""
LEVEL_MIN = 5
"""The level is the median of so many last minutes: a spike of two does not move it, a step does after three. Ours."""
STRONG_MIN = 2.0
"""So early in a quarter only strong evidence opens a warning, the low end over the limit. Our choice."""
SHARE = 0.02
"""The level is not known better than to this share: loads of a site are never quieter. Our choice."""
CHANGED = 0.01
"""An open warning is revised when what is expected moved by this share of the limit. Our choice."""


class Reading(NamedTuple):
    """Mean kW of the site from `begin_us` to `end_us`; seconds or minutes."""

    begin_us: int
    end_us: int
    kw: float


class Quantiles(NamedTuple):
    """What the load forecast says of the mean of this quarter."""

    q10_kw: float
    q50_kw: float
    q90_kw: float


class Outlook(NamedTuple):
    """Mean of the quarter with an interval of 80 %, what of it is certain, and minutes that are left."""

    kw: float
    low_kw: float
    high_kw: float
    taken_kwh: float
    minutes_left: float


class Decision(StrEnum):
    """Why a warning is open, or not."""

    BELOW = "below the limit"
    TOO_EARLY = "too early in the quarter to tell"
    OVER = "expected over the limit"
    HELD = "not yet safely below the limit"
    PASSED = "the quarter passed its limit"
    ENDED = "the quarter ended below its limit"


class Seen(NamedTuple):
    """The site at a time: readings of this quarter and the last minutes before it, in order, and its machines."""

    time_us: int
    readings: Sequence[Reading]
    limit_kw: float
    machines: Sequence[Sheddable] = ()
    forecast: Quantiles | None = None


class Watch(Struct, frozen=True):
    """The quarter that is watched, and its last warning, if it had one."""

    quarter_us: int = -1
    warning: DemandWarning | None = None


def quarter_of(time_us: int) -> int:
    """When the quarter-hour of a time began."""
    return time_us - time_us % QUARTER_US


def step(watch: Watch, seen: Seen, plant: str) -> tuple[Watch, tuple[DemandWarning, ...]]:
    """The watch after what is seen, and the warnings to send: of a quarter that ended its last, then of this one.

    The readings should reach back to the begin of a quarter that ended, so that its last revision has its mean.
    """
    quarter_us, told = quarter_of(seen.time_us), []
    if quarter_us < watch.quarter_us:
        return watch, ()
    if quarter_us > watch.quarter_us:
        if watch.warning is not None:
            told.append(_last(watch.warning, seen.readings))
        watch = Watch(quarter_us)
    found = expect(seen, quarter_us)
    if found is None:
        return watch, tuple(told)
    now = _revision(watch.warning, seen, found, plant, quarter_us)
    if now is not None:
        watch, told = Watch(quarter_us, now), [*told, now]
    return watch, tuple(told)


def expect(seen: Seen, quarter_us: int) -> Outlook | None:
    """What the mean of the quarter will be; None where nothing at all is known of it."""
    taken_kwh, covered_us = taken(seen.readings, quarter_us, seen.time_us)
    rest_h = (QUARTER_US - covered_us) / (60.0 * MINUTE_US)
    level = _rest(seen, taken_kwh, rest_h)
    if level is None and rest_h > 0:
        return None
    kw, sd = level or (0.0, 0.0)
    mean, half = (taken_kwh + kw * rest_h) / HOURS, Z80 * sd * rest_h / HOURS
    left = (quarter_us + QUARTER_US - seen.time_us) / MINUTE_US
    return Outlook(mean, mean - half, mean + half, taken_kwh, max(left, 0.0))


def taken(readings: Sequence[Reading], quarter_us: int, until_us: int) -> tuple[float, int]:
    """kWh taken in the quarter until then, and the microseconds of it that were read."""
    kwh, covered_us, reached_us = 0.0, 0, quarter_us
    end_us = min(until_us, quarter_us + QUARTER_US)
    for one in readings:
        begin, end = max(one.begin_us, reached_us), min(one.end_us, end_us)
        if end > begin and math.isfinite(one.kw):
            kwh += one.kw * (end - begin) / (60.0 * MINUTE_US)
            covered_us, reached_us = covered_us + end - begin, end
    return kwh, covered_us


def _minutes(seen: Seen) -> list[float]:
    """Means of the last LEVEL_MIN minutes before now, the oldest first; those without a reading are left out."""
    means = []
    for back in range(LEVEL_MIN, 0, -1):
        begin = seen.time_us - back * MINUTE_US
        parts = [
            (one.kw, min(one.end_us, begin + MINUTE_US) - max(one.begin_us, begin))
            for one in seen.readings
            if math.isfinite(one.kw) and one.end_us > begin and one.begin_us < begin + MINUTE_US
        ]
        if parts:
            means.append(sum(kw * us for kw, us in parts) / sum(us for _, us in parts))
    return means


def _rest(seen: Seen, taken_kwh: float, rest_h: float) -> tuple[float, float] | None:
    """Mean kW of what is left of the quarter and its standard deviation, of level and forecast by their variances."""
    told = [one for one in (_by_level(seen, rest_h), _by_forecast(seen, taken_kwh, rest_h)) if one is not None]
    if not told:
        return None
    weights = [1.0 / sd**2 for _, sd in told]
    mean = sum(kw * weight for (kw, _), weight in zip(told, weights, strict=True)) / sum(weights)
    return mean, 1.0 / math.sqrt(sum(weights))


def _by_level(seen: Seen, rest_h: float) -> tuple[float, float] | None:
    """The median of the last minutes, as a walk goes on from it.

    The mean of T more minutes has a variance of T / 3 steps, and the median is two minutes old.
    """
    means = _minutes(seen)
    if not means:
        return None
    level = sorted(means)[(len(means) - 1) // 2] / 2 + sorted(means)[len(means) // 2] / 2
    steps = [abs(after - before) for before, after in pairwise(means)]
    step_kw = sum(steps) / len(steps) / MEAN_OF_ABS if steps else abs(level) / 4.0
    return level, math.hypot(SHARE * abs(level), step_kw * math.sqrt(LEVEL_MIN // 2 + 20.0 * rest_h)) or 1.0


def _by_forecast(seen: Seen, taken_kwh: float, rest_h: float) -> tuple[float, float] | None:
    """The forecast's mean of the quarter, for its rest; believed less the further it was off in what was taken."""
    if seen.forecast is None or not all(map(math.isfinite, seen.forecast)):
        return None
    past_h = HOURS - rest_h
    sd = max((seen.forecast.q90_kw - seen.forecast.q10_kw) / (2.0 * Z80), SHARE * abs(seen.forecast.q50_kw), 1e-6)
    off = abs(taken_kwh / past_h - seen.forecast.q50_kw) if past_h > 0 else 0.0
    return seen.forecast.q50_kw, math.hypot(sd, off)


def decide(is_open: bool, found: Outlook, limit_kw: float) -> Decision:
    """Whether a warning is to be open: over the limit opens it, the high end below the limit closes it."""
    if found.taken_kwh > limit_kw * HOURS:
        return Decision.PASSED
    if is_open:
        return Decision.HELD if found.high_kw >= limit_kw >= found.kw else _over(found, limit_kw)
    early = 15.0 - found.minutes_left < STRONG_MIN
    if early and found.kw > limit_kw >= found.low_kw:
        return Decision.TOO_EARLY
    return _over(found, limit_kw)


def _over(found: Outlook, limit_kw: float) -> Decision:
    return Decision.OVER if found.kw > limit_kw else Decision.BELOW


OPEN = (Decision.OVER, Decision.HELD, Decision.PASSED)


def _revision(
    last: DemandWarning | None, seen: Seen, found: Outlook, plant: str, quarter_us: int
) -> DemandWarning | None:
    """The next revision, None where nothing opened, closed, or moved enough to be said again."""
    was_open = last is not None and last.is_open
    decision = decide(was_open, found, seen.limit_kw)
    is_open = decision in OPEN
    if not is_open and not was_open:
        return None
    needed = max(found.kw - seen.limit_kw, 0.0) * HOURS
    choice = choose(seen.machines, needed, found.minutes_left, seen.time_us) if is_open else Choice((), (), 0.0, True)
    now = DemandWarning(
        plant=plant,
        id=id_of("demand-warning", plant, "", "", quarter_us),
        revision=0 if last is None else last.revision + 1,
        quarter_us=quarter_us,
        time_us=seen.time_us,
        minutes_left=found.minutes_left,
        expected_kw=found.kw,
        low_kw=found.low_kw,
        high_kw=found.high_kw,
        limit_kw=seen.limit_kw,
        is_open=is_open,
        shed=choice.shed,
        kept=choice.kept,
        why=_why(decision, found, seen, choice, needed),
    )
    return now if last is None or _moved(last, now) else None


def _moved(last: DemandWarning, now: DemandWarning) -> bool:
    """Whether a revision says anything that the last one did not."""
    names = [tuple(one.asset for one in of.shed) for of in (last, now)]
    far = abs(now.expected_kw - last.expected_kw) >= CHANGED * abs(now.limit_kw)
    return last.is_open != now.is_open or last.limit_kw != now.limit_kw or names[0] != names[1] or far


def _why(decision: Decision, found: Outlook, seen: Seen, choice: Choice, needed_kwh: float) -> str:
    said = f"{decision}: {found.kw:.0f} kW expected, {seen.limit_kw:.0f} kW allowed"
    if decision not in OPEN or choice.is_enough:
        return said
    if not choice.shed:
        return f"{said}; no machine may wait, {needed_kwh:.0f} kWh too many: not enough can be done"
    all_of = f"all {len(choice.shed)} machines that may wait"
    return f"{said}; {all_of} take off {choice.kwh:.0f} of {needed_kwh:.0f} kWh, which is not enough"


def _last(warning: DemandWarning, readings: Sequence[Reading]) -> DemandWarning:
    """The last revision of a quarter that ended: whether it was passed, by what was read of it."""
    end_us = warning.quarter_us + QUARTER_US
    kwh, covered_us = taken(readings, warning.quarter_us, end_us)
    mean = warning.expected_kw if covered_us == 0 else kwh / (covered_us / (60.0 * MINUTE_US))
    passed = Decision.PASSED if mean > warning.limit_kw else Decision.ENDED
    said = f"{passed}: mean {mean:.0f} kW, {warning.limit_kw:.0f} kW allowed"
    unread = 1.0 - covered_us / QUARTER_US
    return DemandWarning(
        plant=warning.plant,
        id=warning.id,
        revision=warning.revision + 1,
        quarter_us=warning.quarter_us,
        time_us=end_us,
        minutes_left=0.0,
        expected_kw=mean,
        low_kw=mean,
        high_kw=mean,
        limit_kw=warning.limit_kw,
        is_open=False,
        shed=(),
        kept=(),
        why=said if unread < 0.01 else f"{said}, {unread:.0%} of it was not read",
    )
