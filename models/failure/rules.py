"""The first rung: what people know, evaluated on final minutes of all machines of a type at once.

A rule's quantity is found of each minute, and each of its levels is a column of its own: a run of minutes beyond it
makes it hold, a run of minutes back ends it. What is carried from one call to the next is in `Marks`, so that minutes
give the same however they are cut into calls.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from models.bins import MINUTE_US
from models.failure.baseline import since_baseline
from models.failure.marks import Keys, Marks
from models.failure.quantities import Minutes, Quantities
from models.failure.runs import Course, Rows, Run
from models.operating import NEVER_MIN
from models.plant import Limit, Plant, Rule
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
    """At the end of a final minute, a level of a rule began to hold (since `began`, a minute) or ceased to."""

    asset: int
    minute: int
    since_us: int
    column: int
    holds: bool
    value: float
    began: int


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

    def evidence(self, asset: str, fired: Fired) -> Evidence:
        """What a level of an asset that holds says.

        A minute may find it so for which nothing is known: what a rebuild found is told by the next minute.
        """
        rule = self.rules[self.columns.rule[fired.column]]
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
            basis=basis_of(rule),
            confidence=Confidence.MEDIUM if rule.confirmed else Confidence.LOW,
        )

    def evaluate(self, marks: Marks, levels: np.ndarray, minutes: Minutes, tiers: Tiers) -> list[Fired]:
        """Move the marks on through final minutes; what began to hold or ceased to, by asset, minute and column.

        `levels` is [assets, columns]. A machine's new life begins anew: what held of the old one ceases.
        """
        step = max(CELLS // max(len(self._level_names), 1), 1)
        out: list[Fired] = []
        for begin in range(0, len(minutes.asset), step):
            part = minutes.part(slice(begin, begin + step))
            out += self._move(marks, levels, part, self.quantities.of(part, tiers))
        return out

    def _move(self, marks: Marks, levels: np.ndarray, minutes: Minutes, values: np.ndarray) -> list[Fired]:
        rows, of = Rows.of(minutes.asset, minutes.since_us), self.columns
        stood = rows.carried(marks)
        if self.quantities.changes:
            since_baseline(self.quantities.changes, rows, stood, minutes.found.running, values)
        value = values[:, of.rule]
        off = of.sign * (value - levels[minutes.asset])
        course = Course(rows, minutes.minute, ~np.isnan(off), stood.last, self.hearing_min)
        beyond = course.run(off > 0, stood.beyond, stood.beyond_min, stood.beyond_from)
        back = course.run(off <= -of.hysteresis, stood.back, stood.back_min, stood.back_from)
        sets = course.long(beyond, LEAST_MINUTES, of.lasts_min)
        holds = rows.latched(sets, course.long(back, LEAST_MINUTES, of.clears_min), stood.holds)
        fired = _fired(rows, minutes, value, beyond, holds, marks)
        ended = {"last": course.last, "holds": holds, "told": holds}
        for name, run in (("beyond", beyond), ("back", back)):
            ended |= {name: run.number, f"{name}_min": run.length_min, f"{name}_from": run.begin}
        bases = {name: getattr(stood, name) for name in ("base_sum", "base_count", "base_known")}
        rows.put(marks, **{name: each[rows.ends] for name, each in ended.items()}, **bases)
        return fired


def _fired(
    rows: Rows, minutes: Minutes, value: np.ndarray, beyond: Run, holds: np.ndarray, marks: Marks
) -> list[Fired]:
    """Where a level begins to hold or ceases to, against what was told last."""
    before = holds[rows.minutes - 1]
    begins = rows.stands - np.arange(len(rows.stands))
    before[begins] = np.where(rows.first[:, None], marks.told[rows.asset], holds[rows.stands - 1])
    at, column = np.nonzero(holds[rows.minutes] != before)
    row = rows.minutes[at]
    columns = (
        minutes.asset[at], minutes.minute[at], minutes.since_us[at], column, holds[row, column], value[at, column],
        beyond.begin[row, column],
    )  # fmt: skip
    return [Fired(*each) for each in zip(*(part.tolist() for part in columns), strict=True)]


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
