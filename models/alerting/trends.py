"""Which signals a warning speaks of, and what each is held against: a limit, and what is usual. No row is read here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct

from models.alerting.wording import by_weight
from models.plant import AssetType, Plant, Quantity
from models.plant.rules import LIMIT_OF
from models.plant.templates import rules_of
from models.records import Alert, Evidence, HealthyBaseline, Rung

TOLD = 3
"""Signals on a page: as many as a look takes in. Our choice."""


class Line(Struct, frozen=True, kw_only=True):
    """A level to hold a signal against, in its unit, and what it is."""

    level: float
    says: str


class Trend(Struct, frozen=True, kw_only=True):
    """A signal's hourly means by time, its limit and what is usual of it, where they are known."""

    signal: str
    unit: str
    points: tuple[tuple[int, float], ...] = ()
    limit: Line | None = None
    usual: Line | None = None

    @property
    def first(self) -> float | None:
        """The mean of the first day that has a value."""
        return self._mean(lambda us: us < self.points[0][0] + DAY_US)

    @property
    def last(self) -> float | None:
        """The mean of the last day that has a value."""
        return self._mean(lambda us: us > self.points[-1][0] - DAY_US)

    def _mean(self, takes: Callable[[int], bool]) -> float | None:
        found = [value for us, value in self.points if takes(us)]
        return sum(found) / len(found) if found else None


DAY_US = 86_400_000_000


def signals_of(case: Alert, kind: AssetType) -> tuple[str, ...]:
    """Numbers of the machine's type that the case's evidence and drivers speak of, what weighs most first."""
    named = (signal for one in by_weight(case.evidence) for signal in one.signals)
    every = (*named, *(driver.signal for driver in case.drivers))
    numbers = [signal for signal in every if signal in kind.signals and kind.signals[signal].kind.python_type is float]
    return tuple(dict.fromkeys(numbers))[:TOLD]


def trends_of(case: Alert, plant: Plant, baselines: Iterable[HealthyBaseline]) -> tuple[Trend, ...]:
    """What its signals are held against, still without points. Raises KeyError for an asset that is not there."""
    kind = plant.types[plant.assets[case.asset].type]
    usual = _usual([one for one in baselines if one.asset == case.asset])
    quantities = _quantities(kind)
    return tuple(
        Trend(
            signal=signal, unit=kind.signals[signal].unit, usual=usual.get(signal),
            limit=next(_limits(signal, case, plant, quantities, usual), None),
        )
        for signal in signals_of(case, kind)
    )  # fmt: skip


def _quantities(kind: AssetType) -> dict[str, Quantity]:
    """What each rule of a type looks at."""
    return {rule.name: rule.of for rule in rules_of(kind)}


def _usual(baselines: Iterable[HealthyBaseline]) -> dict[str, Line]:
    """By signal; one of all products goes before one of a product."""
    found: dict[str, Line] = {}
    for one in sorted(baselines, key=lambda one: (bool(one.product), one.rule)):
        if len(one.signals) == 1 and one.signals[0] not in found:
            of = f" of {one.product}" if one.product else ""
            found[one.signals[0]] = Line(level=one.mean, says=f"healthy mean{of} ({one.origin})")
    return found


def _limits(
    signal: str, case: Alert, plant: Plant, quantities: Mapping[str, Quantity], usual: Mapping[str, Line]
) -> Iterator[Line]:
    """The level that its evidence was held against, then those that the plant agreed upon."""
    for one in by_weight(case.evidence):
        if one.rung is Rung.RULES and one.signals == (signal,) and one.limit is not None:
            yield from _of_rule(one, one.limit, quantities, usual.get(signal))
    agreed = plant.limits_of(case.asset).get(signal)
    for name, level in (
        sorted(agreed.levels.items(), key=lambda pair: not pair[0].startswith("warning")) if agreed else ()
    ):
        yield Line(level=level, says=f"{name.replace('_', ' ')} of the plant file")


def _of_rule(one: Evidence, limit: float, quantities: Mapping[str, Quantity], usual: Line | None) -> Iterator[Line]:
    """A rule of a level, or of the change from what is usual; what a rate is held against is no level of its signal."""
    if one.name.startswith(LIMIT_OF) or quantities.get(one.name) is Quantity.LEVEL:
        yield Line(level=limit, says=f"{one.level} of rule {one.name}")
    elif quantities.get(one.name) is Quantity.CHANGE and usual is not None:
        yield Line(level=usual.level + limit, says=f"{one.level} of rule {one.name}, from its healthy mean")
