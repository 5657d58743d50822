"""A machine's own healthy baseline of what rules look at: the mean of its first day and night of running in a life.

It is learned here, minute after minute, and screened for what speaks against it. Repair and recalibration begin
another, one that people approved takes its place. What speaks against it does not undo it: it is said, and costs
confidence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from models.bins import MINUTE_US, changes
from models.failure.marks import OF_BASES, Marks
from models.failure.quantities import Minutes
from models.failure.runs import Rows
from models.features import AFTER_RUNNING_MIN
from models.records import Confidence, Doubt, HealthyBaseline, Origin

LEAST_BASE = 24
"""Minutes with a value that a baseline rests on at least. Our choice: six hours of 15-min samples."""
FEW = 96
"""Under so many it is said that they are few. Our choice: a day of 15-min samples."""
DRIFT = 1.5
"""How many spreads the means of both halves may lie apart. Our choice: those of a straight line lie 1.73 apart, of a
step in the middle 2, of noise alone next to nothing."""
ORIGINS = (None, Origin.CHOSEN, Origin.FLEET)
"""What `Marks.base_origin` says; None is the machine's own, found here."""

SAYS = {
    Origin.FIRST_DAY: "its own first day after repair",
    Origin.RECALIBRATED: "its own first day after recalibration",
    Origin.RECENT: "recent quiet time, no healthy start known",
    Origin.CHOSEN: "a healthy time that the plant approved",
    Origin.FLEET: "its fleet, no healthy time of its own known",
}
"""Whose healthy time that is, for people."""


Recalibrated = Mapping[int, Sequence[tuple[int, str]]]
"""Of assets, when sensors became others, in order, and of which signal: empty is of all."""


class Healthy(NamedTuple):
    """What a change is held against: whose healthy time, and what speaks against it."""

    origin: Origin
    doubts: tuple[Doubt, ...]

    @property
    def confidence(self) -> Confidence:
        """How well it is founded: what people approved of the machine itself best, a known repair next."""
        if self.origin is Origin.CHOSEN:
            return Confidence.HIGH
        return Confidence.MEDIUM if self.origin is Origin.FIRST_DAY and not self.doubts else Confidence.LOW

    def __str__(self) -> str:
        doubts = f" ({', '.join(self.doubts)})" if self.doubts else ""
        return f"change from {SAYS[self.origin]}{doubts}"


class Whole(NamedTuple):
    """At the end of a final minute, a baseline became whole; from and to are its first and last minute with a value."""

    asset: int
    minute: int
    base: int
    first: int
    last: int
    mean: float
    spread: float
    minutes: int
    healthy: Healthy


class Learned(NamedTuple):
    """What a baseline was learned of here, bool [minutes, bases], and segment, base, minute where one is to be told."""

    of: np.ndarray
    whole: list[tuple[int, int, int]]


def since_baseline(
    rules: Sequence[int], rows: Rows, stood: Marks, minute: np.ndarray, running_min: np.ndarray, values: np.ndarray
) -> Learned:
    """Make levels of some rules, columns of `values` [minutes, rules], changes from the baseline; NaN before it.

    `stood` [segments] is moved on to the end of each. A baseline is added up in the order of minutes, so that it is the
    same however they are cut.
    """
    begins = rows.stands - np.arange(len(rows.stands))
    ends = np.append(begins[1:], len(values))
    out = Learned(np.zeros((len(values), len(rules)), bool), [])
    done = stood.base_known & stood.base_told
    if done.any():
        with np.errstate(invalid="ignore", divide="ignore"):
            level = np.where(done, stood.base_about + stood.base_sum / stood.base_count, 0.0)
        values[:, list(rules)] -= np.repeat(level, ends - begins, axis=0)
    for base, at in np.argwhere(~done.T).tolist():
        begin, end = int(begins[at]), int(ends[at])
        part, known_from = values[begin:end, rules[base]], 0
        if not stood.base_known[at, base]:
            out.of[begin:end, base] = ~np.isnan(part)
            known_from = _learn(stood, at, base, minute[begin:end], running_min[begin:end], part)
            out.of[begin + known_from : end, base] = False
        part[:known_from] = np.nan
        if stood.base_known[at, base]:
            part -= stood.base_about[at, base] + stood.base_sum[at, base] / stood.base_count[at, base]
            out.whole.append((at, base, begin + max(known_from - 1, 0)))
            stood.base_told[at, base] = True
    return out


def _learn(stood: Marks, at: int, base: int, minute: np.ndarray, running_min: np.ndarray, part: np.ndarray) -> int:
    """Add minutes to a baseline until it is whole; the first minute after that."""
    here, has = (at, base), ~np.isnan(part)
    if stood.base_begin[here] < 0:
        stood.base_begin[here] = running_min[0]
    if not stood.base_count[here] and has.any():
        first = int(np.argmax(has))
        stood.base_about[here], stood.base_from[here] = part[first], minute[first]
    ran = running_min - stood.base_begin[here]
    count = stood.base_count[here] + np.cumsum(has)
    whole = np.flatnonzero(has & (ran >= AFTER_RUNNING_MIN) & (count >= LEAST_BASE))
    last = int(whole[0]) if len(whole) else len(part) - 1
    off, early = np.where(has, part - stood.base_about[here], 0.0)[: last + 1], ran[: last + 1] < AFTER_RUNNING_MIN // 2
    for name, values in (("sum", off), ("squares", np.square(off)), ("half_sum", np.where(early, off, 0.0))):
        known = getattr(stood, f"base_{name}")
        known[here] = np.cumsum(np.concatenate(([known[here]], values)))[-1]
    stood.base_half_count[here] += int((has[: last + 1] & early).sum())
    stood.base_count[here] = count[last]
    if has[: last + 1].any():
        stood.base_to[here] = minute[np.flatnonzero(has[: last + 1])[-1]]
    stood.base_known[here] = len(whole) > 0
    return last + 1


def healthy_of(stood: Marks, at: int, base: int, since_us: int) -> Healthy:
    """Of a baseline that is whole, in a life since `since_us`: whose healthy time it is, and its doubts."""
    here = at, base
    told = ORIGINS[int(stood.base_origin[here])]
    if told is not None:
        return Healthy(told, ())
    if stood.base_recalibrated_us[here]:
        origin = Origin.RECALIBRATED
    else:
        # One that began later than its life is of a rule that came later: then the start is known, not its health.
        origin = Origin.FIRST_DAY if since_us and not stood.base_begin[here] else Origin.RECENT
    count, half = int(stood.base_count[here]), int(stood.base_half_count[here])
    half_sum, rest_sum = stood.base_half_sum[here], stood.base_sum[here] - stood.base_half_sum[here]
    apart = abs(half_sum / half - rest_sum / (count - half)) if 0 < half < count else 0.0
    level_held = bool(stood.base_level[here])
    return Healthy(origin, doubts_of(count, float(apart), spread_of(stood, at, base), level_held=level_held))


def doubts_of(minutes: int, apart: float, spread: float, *, level_held: bool) -> tuple[Doubt, ...]:
    """What speaks against a time whose halves have means so far apart."""
    speaks = (
        (Doubt.FEW_MINUTES, minutes < FEW),
        (Doubt.DRIFT, apart > DRIFT * spread),
        (Doubt.LEVEL_HELD, level_held),
    )
    return tuple(doubt for doubt, so in speaks if so)


def spread_of(stood: Marks, at: int, base: int) -> float:
    """The standard deviation of what a baseline rests on."""
    count, off = int(stood.base_count[at, base]), stood.base_sum[at, base]
    return math.sqrt(max(0.0, float(stood.base_squares[at, base] / count - (off / count) ** 2)))


def whole_of(stood: Marks, at: int, base: int, asset: int, minute: int, since_us: int) -> Whole:
    """What is told of a baseline."""
    here = at, base
    count = int(stood.base_count[here])
    return Whole(
        asset, minute, base, int(stood.base_from[here]), int(stood.base_to[here]),
        float(stood.base_about[here] + stood.base_sum[here] / count), spread_of(stood, at, base), count,
        healthy_of(stood, at, base, since_us),
    )  # fmt: skip


def cuts_at(minutes: Minutes, recalibrated: Recalibrated) -> list[tuple[int, int, int, str]]:
    """Recalibrations by the place of the first minute that ends after each: place, asset, time, signal."""
    if not recalibrated or not len(minutes.asset):
        return []
    heads = np.flatnonzero(changes(minutes.asset))
    ends = np.append(heads[1:], len(minutes.asset))
    out = []
    for begin, end in zip(heads.tolist(), ends.tolist(), strict=True):
        asset = int(minutes.asset[begin])
        for time_us, signal in recalibrated.get(asset, ()):
            at = begin + int(np.searchsorted((minutes.minute[begin:end] + 1) * MINUTE_US, time_us, side="right"))
            if at < end:
                out.append((at, asset, time_us, signal))
    return sorted(out)


def begin_anew(marks: Marks, asset: int, columns: np.ndarray, bases: np.ndarray, at_us: int, since_us: int) -> None:
    """Some rules' baselines of an asset begin with its next minute, of the life since `since_us`.

    What held of these rules had the old baseline for its ground, and holds no more.
    """
    _live(marks, asset, since_us)
    fresh = Marks.none(1, 1, 1)
    for name in Marks.__struct_fields__:
        if name in OF_BASES:
            getattr(marks, name)[asset, bases] = getattr(fresh, name)[0, 0]
        elif name not in ("life_us", "told"):
            getattr(marks, name)[asset, columns] = getattr(fresh, name)[0, 0]
    marks.base_recalibrated_us[asset, bases], marks.base_begin[asset, bases] = at_us, -1


def put(marks: Marks, asset: int, base: int, approved: HealthyBaseline, since_us: int) -> None:
    """An approved baseline takes the place of what is there, or begins to be, in the life since `since_us`."""
    _live(marks, asset, since_us)
    here = asset, base
    marks.base_about[here], marks.base_sum[here] = approved.mean, 0.0
    marks.base_count[here], marks.base_squares[here] = (
        approved.minutes,
        approved.spread * approved.spread * approved.minutes,
    )
    marks.base_from[here] = approved.from_us // MINUTE_US
    marks.base_to[here] = approved.to_us // MINUTE_US
    marks.base_known[here] = marks.base_told[here] = True
    marks.base_origin[here] = ORIGINS.index(approved.origin)


def _live(marks: Marks, asset: int, since_us: int) -> None:
    """Be in this life: in another than before, nothing is known but what was told."""
    if marks.life_us[asset] == since_us:
        return
    fresh = Marks.none(1, marks.columns, marks.base_known.shape[1])
    for name in Marks.__struct_fields__:
        if name != "told":
            getattr(marks, name)[asset] = getattr(fresh, name)[0]
    marks.life_us[asset] = since_us
