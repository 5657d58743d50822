"""Asset types, assets, their components and limits. Structs alone: checks are elsewhere."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from models.plant.care import Care
from models.plant.durations import seconds
from models.plant.rules import Rule, Template, levels_of
from models.plant.signals import Operating, Sampling, Signal
from models.records import Name
from models.release import Kind

DEADMAN_SILENCES = 3
"""How many of its longest silences an asset may be silent, where the file does not say. Our choice: one is a late
sample, two are bad luck."""


class Limit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Levels of a signal, in its unit, that people agreed upon, and the standard in which they did."""

    signal: Name
    alarm_low: float | None = None
    warning_low: float | None = None
    warning_high: float | None = None
    alarm_high: float | None = None
    standard: str = ""
    edition: str = ""
    note: str = ""

    @property
    def levels(self) -> dict[str, float]:
        """The levels that are given, by name, in the order in which they must rise."""
        return levels_of(self)


class AssetType(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Machines that are alike: the same signals in the same order, the same models: of their hazard, of their health.

    Without a rule of operation a machine counts as running whenever it says a number. `deadman` is the silence of an
    asset after which somebody is told; without it, three times the longest `max_silence` of its signals, of those that
    are sent periodically where there are any. Of `components`, each has the words by which maintenance names it beside
    its own name; `product` is the state that says what a machine makes. `models` names, by kind, those
    that give figures. `care` says, by failure mode, or for any, what people do about it.
    """

    signals: dict[Name, Signal]
    model: str | None = None
    health: str | None = None
    models: dict[Kind, Name] = {}
    operating: Operating | None = None
    deadman: str | None = None
    components: dict[Name, tuple[Name, ...]] = {}
    product: Name | None = None
    limits: tuple[Limit, ...] = ()
    rules: tuple[Rule, ...] = ()
    templates: tuple[Template, ...] = ()
    care: dict[Name, Care] = {}

    @property
    def named(self) -> dict[str, Kind]:
        """The models that the type names, of which kind each is to be."""
        own = {self.model: Kind.FAILURE, self.health: Kind.HEALTH}
        return {name: kind for name, kind in own.items() if name} | {name: kind for kind, name in self.models.items()}

    @property
    def deadman_s(self) -> int | None:
        """Seconds of an asset's silence after which somebody is told; None of a type that says nothing at all."""
        if self.deadman is not None:
            return seconds(self.deadman)
        told = [signal for signal in self.signals.values() if signal.sampling is Sampling.PERIODIC]
        longest_s = max((signal.max_silence_s for signal in told or self.signals.values()), default=None)
        return None if longest_s is None else DEADMAN_SILENCES * longest_s


class Criticality(StrEnum):
    """How much stands still with an asset: A most, C least. Where the lines are drawn is the plant's choice."""

    A = "A"
    B = "B"
    C = "C"


class Component(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a machine that is looked after by itself."""

    description: str = ""


class Asset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One machine and where it stands. Its `limits` take the place of its type's, signal by signal.

    `failure_downtime_h` is by how many hours a failure stops it for longer than a planned repair does.
    While its `parent`, another asset, has a warning as bad, nobody is notified of its own.
    """

    type: Name
    description: str = ""
    site: Name | None = None
    area: Name | None = None
    line: Name | None = None
    criticality: Criticality | None = None
    downtime_cost_per_h: float | None = None
    components: dict[Name, Component] = {}
    limits: tuple[Limit, ...] = ()
    owner: str = ""
    functional_location: str = ""
    failure_downtime_h: float | None = None
    parent: Name | None = None
