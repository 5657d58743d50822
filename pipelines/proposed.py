"""Baselines to propose: a rule's quantity over an asset's stored rows, by the partition that live runs, and screened.

Pure. Who reads the store and who approves is `cli.baselines`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from models.bins import MINUTE_US
from models.failure.baseline import FEW, Healthy, Recalibrated, Whole, doubts_of
from models.failure.marks import Marks
from models.failure.quantities import Minutes
from models.failure.rules import Fired, Rules
from models.plant import Plant, Rule
from models.plant.layout import Layout
from models.plant.templates import product_of
from models.records import AnyInput, Doubt, HealthyBaseline, Origin, Tick
from models.tiers import Tiers
from pipelines.driver import Driver
from pipelines.partition import Partition

DAY_MIN, HOUR_MIN = 1440, 60
LEAST_FLEET = 5
"""Machines whose baselines are a fleet to be held against. Our choice: of fewer, a median says little."""
FAR = 4.0
"""Spreads of the fleet beyond which one is unlike it. Our choice."""
NORMAL = 1.4826
"""A standard deviation in median absolute deviations of a normal distribution."""


class NoHealthyTime(Exception):
    """Nothing can be proposed; the message says why and what to do."""


class Seen(NamedTuple):
    """A rule's quantity by the minute, NaN where it says nothing, and whether a level of its signal held."""

    minute: np.ndarray
    value: np.ndarray
    held: np.ndarray

    def where(self, chosen: np.ndarray) -> Seen:
        """Those that a mask chooses."""
        return Seen(*(column[chosen] for column in self))


class _Listening(Rules):
    """Rules that keep what one of them looks at."""

    def __init__(self, layout: Layout, plant: Plant, base: int) -> None:
        super().__init__(layout, plant)
        self._rule = self.quantities.changes[base]
        self._beside = set(self.levels_beside[base].tolist())
        self._holding = 0
        self.parts: list[Seen] = []

    def evaluate(
        self,
        marks: Marks,
        levels: np.ndarray,
        minutes: Minutes,
        tiers: Tiers,
        recalibrated: Recalibrated | None = None,
    ) -> tuple[list[Fired], list[Whole]]:
        """As rules do; keeps the quantity of each minute."""
        said = super().evaluate(marks, levels, minutes, tiers, recalibrated)
        turns = np.zeros(len(minutes.minute), np.int64)
        for fired in said[0]:
            if fired.column in self._beside:
                turns[np.searchsorted(minutes.minute, fired.minute)] += 1 if fired.holds else -1
        holding = self._holding + np.cumsum(turns)
        self._holding = int(holding[-1]) if len(holding) else self._holding
        value = self.quantities.of(minutes, tiers)[:, self._rule]
        self.parts.append(Seen(minutes.minute.copy(), value, holding > 0))
        return said


class Looking:
    """One asset's rows, taken in order of time; what a rule of it looks at comes out."""

    def __init__(self, plant: Plant, asset: str, rule: str, lateness_s: int) -> None:
        """Raises NoHealthyTime where no rule of the asset looks at a change under this name."""
        if asset not in plant.assets:
            raise NoHealthyTime(
                f"asset '{asset}' is not in the plant file: there are {', '.join(sorted(plant.assets))}"
            )
        kind = plant.assets[asset].type
        bare = {kind: replace(plant.types[kind], model=None, health=None)}
        alone = replace(plant, assets={asset: plant.assets[asset]}, types=bare, tags=())
        self._partition = Partition(alone, {}, lateness_s)
        block = self._partition.state.blocks[kind]
        rules = Rules(block.layout, self._partition.plant)
        base = rules.base_named(rule)
        if base is None:
            known = ", ".join(f"'{each.name}'" for each in rules.changing)
            raise NoHealthyTime(
                f"no rule of '{asset}' looks at a change under the name '{rule}': there are {known or 'none'}; "
                "`forewarn plant show` has all rules"
            )
        self.rule: Rule = rules.changing[base]
        self.layout = block.layout
        self._rules = _Listening(block.layout, self._partition.plant, base)
        block.judge_by(self._rules)
        self._driver, self._plant = Driver([self._partition]), plant.plant

    def take(self, records: Iterable[AnyInput]) -> None:
        """Take more records in order of time."""
        self._driver.run(records)

    def finish(self, until_us: int) -> Seen:
        """What was found of all minutes with a value before a time."""
        self.take([Tick(plant=self._plant, time_us=until_us + 2 * self._partition.lateness_us)])
        parts = self._rules.parts
        if not parts:
            return Seen(np.empty(0, np.int64), np.empty(0), np.empty(0, bool))
        seen = Seen(*map(np.concatenate, zip(*parts, strict=True)))
        return seen.where(~np.isnan(seen.value) & ((seen.minute + 1) * MINUTE_US <= until_us))


def proposal(plant: str, asset: str, rule: Rule, seen: Seen) -> HealthyBaseline:
    """The baseline of these minutes, screened. Raises NoHealthyTime for none."""
    count = len(seen.minute)
    if not count:
        raise NoHealthyTime(
            f"'{rule.name}' says nothing of '{asset}' in that time: choose one in which the machine ran, and its "
            "signals were stored"
        )
    early = seen.minute < (seen.minute[0] + seen.minute[-1] + 1) / 2
    apart = abs(seen.value[early].mean() - seen.value[~early].mean()) if early.any() and not early.all() else 0.0
    spread = float(seen.value.std())
    doubts = doubts_of(count, float(apart), spread, level_held=bool(seen.held.any()))
    return HealthyBaseline(
        plant=plant,
        asset=asset,
        rule=rule.name,
        signals=rule.signals,
        states=rule.states,
        product=product_of(rule),
        from_us=int(seen.minute[0]) * MINUTE_US,
        to_us=(int(seen.minute[-1]) + 1) * MINUTE_US,
        mean=float(seen.value.mean()),
        spread=spread,
        minutes=count,
        origin=Origin.CHOSEN,
        doubts=doubts,
        confidence=Healthy(Origin.CHOSEN, doubts).confidence,
    )


def quietest(plant: str, asset: str, rule: Rule, seen: Seen) -> HealthyBaseline:
    """The whole day (UTC), one that says something in each hour, with fewest doubts and least spread.

    Raises NoHealthyTime where there is no such day.
    """
    found = []
    for day in np.unique(seen.minute // DAY_MIN).tolist():
        part = seen.where(seen.minute // DAY_MIN == day)
        if len(np.unique(part.minute // HOUR_MIN)) == DAY_MIN // HOUR_MIN and len(part.minute) >= FEW:
            found.append(proposal(plant, asset, rule, part))
    if not found:
        raise NoHealthyTime(
            f"there is no day in each of whose hours '{rule.name}' says something of '{asset}': give --from and --to, "
            "or take the fleet's by --fleet"
        )
    return min(found, key=lambda one: (len(one.doubts), one.spread, one.from_us))


class Fleet(NamedTuple):
    """Baselines of one rule over machines of one type: how many, their median, and how far they usually lie from it.

    That is no less than what one of them usually spreads.
    """

    machines: int
    mean: float
    spread: float

    def off(self, mean: float) -> float:
        """How many spreads a mean lies above it, or below."""
        apart = mean - self.mean
        return apart / self.spread if self.spread else math.copysign(math.inf, apart) if apart else 0.0


def fleet_of(baselines: Sequence[HealthyBaseline]) -> Fleet | None:
    """The fleet that machines' baselines make; None of too few. What was taken from a fleet itself tells nothing."""
    own = [one for one in baselines if one.origin is not Origin.FLEET]
    if len(own) < LEAST_FLEET:
        return None
    means = [one.mean for one in own]
    mid = median(means)
    apart = NORMAL * median(abs(mean - mid) for mean in means)
    return Fleet(len(own), mid, max(apart, median(one.spread for one in own)))


def doubted(one: HealthyBaseline, fleet: Fleet | None) -> HealthyBaseline:
    """With what its fleet says against it."""
    if fleet is None or one.origin is Origin.FLEET or abs(fleet.off(one.mean)) <= FAR or Doubt.OFF_FLEET in one.doubts:
        return one
    doubts = (*one.doubts, Doubt.OFF_FLEET)
    return replace(one, doubts=doubts, confidence=Healthy(one.origin, doubts).confidence)


def of_fleet(asset: str, baselines: Sequence[HealthyBaseline]) -> HealthyBaseline:
    """The fleet's median as a baseline of an asset without a healthy time of its own. Raises NoHealthyTime."""
    own = [one for one in baselines if one.origin is not Origin.FLEET and one.asset != asset]
    fleet = fleet_of(own)
    if fleet is None:
        raise NoHealthyTime(
            f"{len(own)} machines like '{asset}' have a baseline of this rule, and a fleet is {LEAST_FLEET} or more: "
            "propose a time of its own by --from and --to"
        )
    return replace(
        own[0],
        id="",
        asset=asset,
        number=0,
        from_us=min(one.from_us for one in own),
        to_us=max(one.to_us for one in own),
        mean=fleet.mean,
        spread=fleet.spread,
        minutes=min(one.minutes for one in own),
        origin=Origin.FLEET,
        doubts=(),
        approved_by="",
        confidence=Healthy(Origin.FLEET, ()).confidence,
    )
