"""The first rung: what people know, evaluated on final minutes of all machines of a type at once.

A rule's quantity is found of each minute, and each of its levels is a column of its own: a run of minutes beyond it
makes it hold, a run of minutes back ends it. What is carried from one call to the next is in `Marks`, so that minutes
give the same however they are cut into calls.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from models.bins import MINUTE_US
from models.failure.baseline import (
    Healthy,
    Recalibrated,
    Whole,
    begin_anew,
    cuts_at,
    healthy_of,
    since_baseline,
    whole_of,
)
from models.failure.marks import OF_BASES, Keys, Marks
from models.failure.quantities import Minutes, Quantities
from models.failure.runs import Course, Rows, Run
from models.operating import NEVER_MIN
from models.plant import Limit, Plant, Quantity, Rule
from models.plant.layout import Layout
from models.plant.layout import minutes as minutes_of
from models.plant.rules import LEVEL_NAMES, LIMIT_OF
from models.plant.templates import rules_of
from models.records import Confidence, Evidence, Level, Rung
from models.tiers import Tiers

LEAST_MINUTES = 3
"""Minutes with samples that a run has at least: one or two are outliers. Our choice, as `alerting.life.OPEN_AFTER`."""
CELLS = 1 << 18
"""Rows times columns at a time: more leave the processor's cache."""


class Fired(NamedTuple):
    """At the end of a final minute, a level of a rule began to hold (since `began`, a minute) or ceased to.

    `healthy` is what a change that holds was held against.
    """

    asset: int
    minute: int
    since_us: int
    column: int
    holds: bool
    value: float
    began: int
    healthy: Healthy | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Columns:
    """Levels of all rules of a type, [columns]: of which rule, which side, and how long until it holds and ceases."""

    rule: np.ndarray
    is_alarm: np.ndarray
    sign: np.ndarray  # 1 for a level that is too high, -1 for one that is too low
    lasts_min: np.ndarray
    clears_min: np.ndarray
    hysteresis: np.ndarray


class Rules:
    """The rules of a type of a plant: its own, those of its templates, and one for each signal with limits."""

    def __init__(self, layout: Layout, plant: Plant) -> None:
        """Raises PlantError where a template cannot be expanded."""
        self._plant, self._kind = plant, layout.name
        own = {rule.name: rule for rule in rules_of(layout.asset_type)}
        self.rules: tuple[Rule, ...] = (*own.values(), *_of_limits(layout.name, plant))
        self.quantities = Quantities(self.rules, layout)
        levels = [(at, name) for at, rule in enumerate(self.rules) for name in rule.levels]
        self.columns = _columns(self.rules, levels)
        self._level_names = [name for _, name in levels]
        hashes = [_hash(rule) for rule in self.rules]
        bases = tuple(hashes[at] for at in self.quantities.changes)
        self.keys = Keys(tuple(f"{hashes[at]} {name}" for at, name in levels), bases)
        self.changing: tuple[Rule, ...] = tuple(self.rules[at] for at in self.quantities.changes)
        """The rules that want a baseline, in the order of those."""
        self._base_of = {rule: base for base, rule in enumerate(self.quantities.changes)}
        self.levels_beside = [self._levels_of(rule.signals[0]) for rule in self.changing]
        self.hearing_min = layout.rule.hearing_min

    def levels_of(self, asset: str) -> np.ndarray:
        """What each column is held against for an asset, float64 [columns]; NaN where it has no such level."""
        limits = self._plant.limits_of(asset) if asset in self._plant.assets else {}
        out = np.full(len(self._level_names), np.nan)
        for at, name in enumerate(self._level_names):
            rule = self.rules[self.columns.rule[at]]
            said = limits.get(rule.signals[0]) if is_of_limit(rule) else rule
            level = getattr(said, name) if said is not None else None
            if level is not None:
                out[at] = level
        return out

    def _as_of(self, asset: str, rule: Rule) -> Rule:
        """A rule of limits with what the asset's own say of themselves."""
        limit = self._plant.limits_of(asset).get(rule.signals[0]) if is_of_limit(rule) else None
        if limit is None:
            return rule
        return replace(rule, standard=limit.standard, edition=limit.edition, note=limit.note)

    def evidence(self, asset: str, fired: Fired) -> Evidence:
        """What a level of an asset that holds says.

        A minute may find it so for which nothing is known: what a rebuild found is told by the next minute.
        """
        rule = self._as_of(asset, self.rules[self.columns.rule[fired.column]])
        level = float(self.levels_of(asset)[fired.column])
        return Evidence(
            rung=Rung.RULES,
            name=rule.name,
            level=Level.ALARM if self.columns.is_alarm[fired.column] else Level.WARNING,
            since_us=(fired.minute if fired.began == NEVER_MIN else fired.began) * MINUTE_US,
            mode=rule.mode,
            signals=rule.signals,
            value=None if math.isnan(fired.value) else float(f"{fired.value:.6g}"),
            limit=level,
            unit=self.quantities.units[self.columns.rule[fired.column]],
            basis=basis_of(rule) + (f"; {fired.healthy}" if fired.healthy else ""),
            confidence=_confidence(rule, fired.healthy),
        )

    def base_named(self, name: str) -> int | None:
        """The place of the baseline that a rule wants; None of a name that is no rule's, or of one that wants none."""
        return next((base for base, rule in enumerate(self.changing) if rule.name == name), None)

    def _levels_of(self, signal: str) -> np.ndarray:
        """Columns of levels of a signal."""
        wanted = [rule.of is Quantity.LEVEL and rule.signals[0] == signal for rule in self.rules]
        return np.flatnonzero(np.array(wanted, bool)[self.columns.rule])

    def evaluate(
        self,
        marks: Marks,
        levels: np.ndarray,
        minutes: Minutes,
        tiers: Tiers,
        recalibrated: Recalibrated | None = None,
    ) -> tuple[list[Fired], list[Whole]]:
        """Move the marks on through final minutes; what began to hold or ceased to, by asset, minute and column.

        And which baselines became whole. `levels` is [assets, columns]. A machine's new life begins anew: what held of
        the old one ceases. So do, of a recalibration, the rules that look at a change of its signal.
        """
        step = max(CELLS // max(len(self._level_names), 1), 1)
        fired: list[Fired] = []
        whole: list[Whole] = []
        for begin, end in self._stretches(marks, minutes, recalibrated or {}):
            for first in range(begin, end, step):
                part = minutes.part(slice(first, min(first + step, end)))
                said = self._move(marks, levels, part, self.quantities.of(part, tiers))
                fired, whole = fired + said[0], whole + said[1]
        return fired, whole

    def _stretches(self, marks: Marks, minutes: Minutes, recalibrated: Recalibrated) -> Iterator[tuple[int, int]]:
        """Minutes from and to a place between which no sensor becomes another; there, baselines begin anew."""
        begin = 0
        for at, asset, time_us, signal in cuts_at(minutes, recalibrated if self.changing else {}):
            if at > begin:
                yield begin, at
            begin, since_us = at, int(minutes.since_us[at])
            bases = [base for base, rule in enumerate(self.changing) if signal in ("", rule.signals[0])]
            begun_us = marks.base_recalibrated_us[asset, bases] if marks.life_us[asset] == since_us else 0
            anew = np.array(bases, np.int64)[np.maximum(begun_us, since_us) < time_us]
            if len(anew):
                of = np.array(self.quantities.changes)[anew]
                begin_anew(marks, asset, np.flatnonzero(np.isin(self.columns.rule, of)), anew, time_us, since_us)
        yield begin, len(minutes.asset)

    def _move(
        self, marks: Marks, levels: np.ndarray, minutes: Minutes, values: np.ndarray
    ) -> tuple[list[Fired], list[Whole]]:
        rows, of = Rows.of(minutes.asset, minutes.since_us), self.columns
        stood = rows.carried(marks)
        learned = since_baseline(self.quantities.changes, rows, stood, minutes.minute, minutes.found.running, values)
        value = values[:, of.rule]
        off = of.sign * (value - levels[minutes.asset])
        course = Course(rows, minutes.minute, ~np.isnan(off), stood.last, self.hearing_min)
        beyond = course.run(off > 0, stood.beyond, stood.beyond_min, stood.beyond_from)
        back = course.run(off <= -of.hysteresis, stood.back, stood.back_min, stood.back_from)
        sets = course.long(beyond, LEAST_MINUTES, of.lasts_min)
        holds = rows.latched(sets, course.long(back, LEAST_MINUTES, of.clears_min), stood.holds)
        self._screen(rows, stood, learned.of, holds)
        whole = [
            whole_of(stood, at, base, int(rows.asset[at]), int(minutes.minute[when]), int(rows.since_us[at]))
            for at, base, when in learned.whole
        ]
        fired = self._with_healthy(rows, stood, _fired(rows, minutes, value, beyond, holds, marks))
        ended = {"last": course.last, "holds": holds, "told": holds}
        for name, run in (("beyond", beyond), ("back", back)):
            ended |= {name: run.number, f"{name}_min": run.length_min, f"{name}_from": run.begin}
        bases = {name: getattr(stood, name) for name in OF_BASES}
        rows.put(marks, **{name: each[rows.ends] for name, each in ended.items()}, **bases)
        return fired, whole

    def _screen(self, rows: Rows, stood: Marks, learned: np.ndarray, holds: np.ndarray) -> None:
        """Note where a level of a signal held while its baseline was learned, bool [minutes, bases]."""
        if not learned.any():
            return
        begins = rows.stands - np.arange(len(rows.stands))
        for base, beside in enumerate(self.levels_beside):
            held = learned[:, base] & holds[rows.minutes][:, beside].any(axis=1)
            stood.base_level[:, base] |= np.logical_or.reduceat(held, begins)

    def _with_healthy(self, rows: Rows, stood: Marks, found: list[tuple[int, Fired]]) -> list[Fired]:
        """What fired, and of a change what it was held against, by the segment of each."""
        out = []
        for at, fired in found:
            base = self._base_of.get(int(self.columns.rule[fired.column]))
            if base is not None and fired.holds:
                fired = fired._replace(healthy=healthy_of(stood, at, base, int(rows.since_us[at])))
            out.append(fired)
        return out


def _confidence(rule: Rule, healthy: Healthy | None) -> Confidence:
    """A figure that nobody agreed to founds nothing; of a change, its baseline says how well it is founded."""
    if not rule.confirmed:
        return Confidence.LOW
    return healthy.confidence if healthy else Confidence.MEDIUM


def _fired(
    rows: Rows, minutes: Minutes, value: np.ndarray, beyond: Run, holds: np.ndarray, marks: Marks
) -> list[tuple[int, Fired]]:
    """Where a level begins to hold or ceases to, against what was told last; each with its segment."""
    before = holds[rows.minutes - 1]
    begins = rows.stands - np.arange(len(rows.stands))
    before[begins] = np.where(rows.first[:, None], marks.told[rows.asset], holds[rows.stands - 1])
    at, column = np.nonzero(holds[rows.minutes] != before)
    row = rows.minutes[at]
    columns = (
        minutes.asset[at], minutes.minute[at], minutes.since_us[at], column, holds[row, column], value[at, column],
        beyond.begin[row, column],
    )  # fmt: skip
    segment = np.searchsorted(rows.stands, row, side="right") - 1
    every = zip(segment.tolist(), *(part.tolist() for part in columns), strict=True)
    return [(segment, Fired(*each)) for segment, *each in every]


def _of_limits(kind: str, plant: Plant) -> list[Rule]:
    """A rule for each signal that has limits, of the type or of one of its assets."""
    assets = [asset for asset in plant.assets.values() if asset.type == kind]
    every = [*plant.types[kind].limits, *(limit for asset in assets for limit in asset.limits)]
    found: dict[str, list[Limit]] = {}
    for limit in every:
        found.setdefault(limit.signal, []).append(limit)
    return [
        _of_limit(limits[0], {name for limit in limits for name in limit.levels}) for _, limits in sorted(found.items())
    ]


def _of_limit(limit: Limit, levels: set[str]) -> Rule:
    """Its levels are each asset's own; here stands which there are."""
    name = f"{LIMIT_OF} {limit.signal}"
    rule = Rule(name=name, signals=(limit.signal,), standard=limit.standard, edition=limit.edition, note=limit.note)
    return replace(rule, **dict.fromkeys(levels, 0.0))


def is_of_limit(rule: Rule) -> bool:
    """Whether a rule was made of limits."""
    return rule.name.startswith(f"{LIMIT_OF} ")


def basis_of(rule: Rule) -> str:
    """What a rule rests on, for people."""
    told = " ".join(filter(None, (rule.standard, rule.edition))) or "the plant's rule"
    told += "" if rule.confirmed else ", not confirmed by the plant"
    return f"{told}: {rule.note}" if rule.note else told


def _columns(rules: Sequence[Rule], levels: Sequence[tuple[int, str]]) -> Columns:
    of = [rules[at] for at, _ in levels]
    return Columns(
        rule=np.array([at for at, _ in levels], np.int64),
        is_alarm=np.array([name.startswith("alarm") for _, name in levels], bool),
        sign=np.array([1.0 if name.endswith("high") else -1.0 for _, name in levels]),
        lasts_min=np.array([minutes_of(rule.lasts) for rule in of], np.int64),
        clears_min=np.array([minutes_of(rule.clears_after) for rule in of], np.int64),
        hysteresis=np.array([rule.hysteresis for rule in of]),
    )


def _hash(rule: Rule) -> str:
    """Who a rule is, over changes of the plant: it begins anew where what it looks at or for how long is another.

    Its levels, and what it says of itself, may change while it goes on.
    """
    same = replace(rule, standard="", edition="", note="", confirmed=True, **dict.fromkeys(LEVEL_NAMES))
    return hashlib.blake2b(msgspec.json.encode(same), digest_size=8).hexdigest()
