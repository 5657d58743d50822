"""What people know of a type before anything was learned: rules, and templates that make rules. Structs alone.

How a rule is evaluated is in `models.failure.rules`, what a template makes in `models.plant.templates`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct, field

from models.records import Name, OperatingState

ANY_MODE = "any"
"""The failure mode of whatever tells none apart."""

LIMIT_OF = "limit of"
"""How rules that are made of limits are called; no other may begin so."""


class Quantity(StrEnum):
    """What a rule looks at, made of one signal or of several; by the minute, in running time."""

    LEVEL = "level"
    RATE = "rate"
    DIFFERENCE = "difference"
    RATIO = "ratio"
    IMBALANCE = "imbalance"
    CHANGE = "change"
    EFFICIENCY_LOSS = "efficiency-loss"


LEVEL_NAMES = ("alarm_low", "warning_low", "warning_high", "alarm_high")


def levels_of(one: Struct) -> dict[str, float]:
    """The levels that a limit or a rule gives, by name, in the order in which they must rise."""
    return {name: level for name in LEVEL_NAMES if (level := getattr(one, name)) is not None}


class When(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule holds only while a signal's minute lies within these."""

    signal: Name
    above: float | None = None
    below: float | None = None


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A quantity of one or some signals against levels, for a while, in states of the machine.

    - level: the one signal, also a boolean (1 or 0) or `signal=word` of a state with declared words (its share);
    - rate: how far the one signal's 15-min mean has moved over `span`, per hour;
    - difference, ratio: the first signal less the second, or divided by it;
    - imbalance: the largest distance of one of the signals from their mean, in percent of that (NEMA MG 1's unbalance);
    - change: the one signal less the machine's own healthy baseline;
    - efficiency-loss: points of efficiency that are missing at this flow by the pump's `curve` of (flow, percent);
      signals are flow in m3/h, head in m, power in kW.

    With `per`, a state with declared words such as a product, it is one rule a word, each with a baseline of its own.

    It holds once the quantity was beyond a level for `lasts`, in three minutes at least, and until it was back by
    `hysteresis` for `clears_after`. One that is not `confirmed` rests on a figure that the plant has yet to agree to.
    """

    name: Name
    of: Quantity = Quantity.LEVEL
    signals: Annotated[tuple[Name, ...], Meta(min_length=1)]
    alarm_low: float | None = None
    warning_low: float | None = None
    warning_high: float | None = None
    alarm_high: float | None = None
    hysteresis: float = 0.0
    span: str = "1h"
    lasts: str = field(default="10min", name="for")
    clears_after: str = "24h"
    states: tuple[OperatingState, ...] = (OperatingState.RUNNING,)
    when: tuple[When, ...] = ()
    per: str = ""
    curve: tuple[tuple[float, float], ...] = ()
    mode: Name = ANY_MODE
    standard: str = ""
    edition: str = ""
    note: str = ""
    confirmed: bool = True

    @property
    def levels(self) -> dict[str, float]:
        """The levels that are given, by name, in the order in which they must rise."""
        return levels_of(self)


class TemplateName(StrEnum):
    """What templates there are."""

    VIBRATION_ZONES = "vibration-zones"
    BEARING_TEMPERATURE = "bearing-temperature"
    PUMP_EFFICIENCY = "pump-efficiency"
    CURRENT_IMBALANCE = "current-imbalance"


class Template(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules by the name of what they follow: `signals` gives each role that it asks for the name of a signal.

    `standard` and `group` choose the figures where there are several. They are defaults that the plant has to confirm:
    until it says so, what rests on them is of low confidence.
    """

    template: TemplateName
    signals: dict[Name, Name]
    standard: str = ""
    group: str = ""
    curve: tuple[tuple[float, float], ...] = ()
    mode: Name = ANY_MODE
    confirmed: bool = False
