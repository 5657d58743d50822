"""What rules and templates of an asset type must be beyond their shape, and what levels must be wherever they stand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

from models.plant.assets import AssetType
from models.plant.durations import check_duration, seconds
from models.plant.errors import PlantError
from models.plant.layout import shares_of
from models.plant.rules import LIMIT_OF, Quantity, Rule, When
from models.plant.signals import Signal, SignalKind
from models.plant.templates import by_word, expanded
from models.records import OperatingState

MINUTE_S = 60
STEP_S = 15 * MINUTE_S
"""A rate is of 15-min means."""
LONGEST_SPAN_S = 72 * 3600
DEFAULT_SPAN = "1h"

COUNTS = {
    Quantity.LEVEL: (1, 1),
    Quantity.RATE: (1, 1),
    Quantity.CHANGE: (1, 1),
    Quantity.DIFFERENCE: (2, 2),
    Quantity.RATIO: (2, 2),
    Quantity.IMBALANCE: (3, math.inf),
    Quantity.EFFICIENCY_LOSS: (3, 3),
}
"""How many signals a quantity is made of."""

EFFICIENCY_UNITS = {"flow": "m3/h", "head": "m", "power": "kW"}
"""What the three signals of an efficiency loss are, in their order."""

_NOT_BY_NUMBER = (OperatingState.UNKNOWN, OperatingState.MAINTENANCE)


class _Known(NamedTuple):
    """What a rule of a type can speak of."""

    signals: dict[str, Signal]
    shares: dict[str, str]
    states: tuple[OperatingState, ...]

    @property
    def names(self) -> str:
        """All that has levels."""
        numbers = [name for name, spec in self.signals.items() if spec.kind.python_type is float]
        return ", ".join((*numbers, *self.shares)) or "none: it has no number"


def check_rules(where: str, asset_type: AssetType) -> None:
    """Raise PlantError for the first thing that is wrong in a type's rules and templates, and in what these make."""
    made: list[tuple[str, Rule]] = []
    for number, rule in enumerate(asset_type.rules):
        place = f"{where}.rules[{number}]"
        _check_per(place, rule.per, asset_type)
        made += [(place, each) for each in by_word(rule, asset_type)]
    for number, template in enumerate(asset_type.templates):
        place = f"{where}.templates[{number}]"
        try:
            made += [(place, rule) for rule in expanded(template, asset_type)]
        except PlantError as wrong:
            raise PlantError(f"{place}.{wrong}") from wrong
    known = _Known(asset_type.signals, dict(shares_of(asset_type)), _told_states(asset_type))
    seen: dict[str, str] = {}
    for place, rule in made:
        _check_rule(place, rule, known)
        if rule.name in seen:
            raise PlantError(
                f"{place}: '{rule.name}' is the name of a rule of {seen[rule.name]} already: give each its own, and "
                "let one template of a kind follow a signal"
            )
        seen[rule.name] = place


def check_levels(where: str, levels: Mapping[str, float], named: str, span: tuple[float, float] | None) -> None:
    """Raise PlantError where there is no level, where they do not rise, or where nothing can pass one."""
    if not levels:
        raise PlantError(f"{where}: give warning_high, alarm_high, warning_low or alarm_low")
    lowest, highest = span or (-math.inf, math.inf)
    for name, level in levels.items():
        if not lowest < level < highest or not math.isfinite(level):
            raise PlantError(
                f"{where}.{name} is {level:g}, which no sample passes: {named} has a range of {lowest:g} to {highest:g}"
            )
    told = list(levels.values())
    if told != sorted(set(told)):
        said = ", ".join(f"{name} {level:g}" for name, level in levels.items())
        raise PlantError(f"{where}: levels must rise from alarm_low over warning_low and warning_high, but are {said}")


def check_standard(where: str, standard: str, edition: str) -> None:
    """Raise PlantError for a standard without its edition, and the other way round."""
    if bool(standard) != bool(edition):
        raise PlantError(f"{where}: give standard and edition, or neither: a standard's levels change with its edition")


def _check_rule(where: str, rule: Rule, known: _Known) -> None:
    if rule.name.startswith(LIMIT_OF):
        raise PlantError(f"{where}.name is '{rule.name}': limits are called so, give it another")
    _check_signals(where, rule, known)
    check_levels(where, rule.levels, *_found(rule, known))
    gaps = [high - low for low, high in pairwise(rule.levels.values())]
    if not 0 <= rule.hysteresis < min(gaps, default=math.inf):
        raise PlantError(
            f"{where}.hysteresis is {rule.hysteresis:g}: give one from 0 on, less than what lies between two levels"
        )
    _check_times(where, rule)
    _check_states(where, rule, known)
    _check_curve(where, rule)
    for number, when in enumerate(rule.when):
        _check_when(f"{where}.when[{number}]", when, known)
    check_standard(where, rule.standard, rule.edition)


def _check_signals(where: str, rule: Rule, known: _Known) -> None:
    least, most = COUNTS[rule.of]
    if not least <= len(rule.signals) <= most:
        wanted = f"{least} or more signals" if least < most else f"{least} signal{'s' * (least > 1)}"
        raise PlantError(f"{where}.signals: of = '{rule.of}' is made of {wanted}, but here are {len(rule.signals)}")
    if len(set(rule.signals)) < len(rule.signals):
        raise PlantError(f"{where}.signals names one twice: take it out")
    for name in rule.signals:
        _check_column(f"{where}.signals", name, known)
        if rule.of is not Quantity.LEVEL:
            _check_number(f"{where}.signals", rule.of, name, known)
    _check_units(where, rule, known)


def _check_column(where: str, name: str, known: _Known) -> None:
    """A number, a truth, or a state at one of its declared words."""
    signal = known.signals.get(name)
    if (signal and signal.kind.python_type is float) or name in known.shares:
        return
    if signal is None:
        raise PlantError(f"{where}: '{name}' is no signal of the type: use one of {known.names}")
    if signal.kind is SignalKind.STATE:
        raise PlantError(f"{where}: '{name}' is a state: declare its words, and name one of them, as '{name}=WORD'")
    raise PlantError(f"{where}: '{name}' is of kind {signal.kind}, without levels: use one of {known.names}")


def _check_number(where: str, of: Quantity, name: str, known: _Known) -> None:
    signal = known.signals.get(name)
    if signal is None or signal.kind.python_type is not float:
        raise PlantError(f"{where}: '{name}' is no number, so of = '{of}' cannot be made of it: of it there is a level")
    if of is Quantity.CHANGE and signal.kind is SignalKind.COUNTER:
        raise PlantError(f"{where}: '{name}' is a counter, which is never where it was: there is no change of it")


def _check_units(where: str, rule: Rule, known: _Known) -> None:
    """Of signals that say their unit: those compared have the same, and those of an efficiency the right ones."""
    units = {name: unit for name in rule.signals if (unit := _unit(name, known))}
    if rule.of is Quantity.EFFICIENCY_LOSS:
        for name, (role, wanted) in zip(rule.signals, EFFICIENCY_UNITS.items(), strict=True):
            if units.get(name, wanted) != wanted:
                raise PlantError(
                    f"{where}.signals: '{name}' is in {units[name]}, but the {role} is to be in {wanted}: signals are "
                    "flow, head and power, in this order; a tag's scale puts one right"
                )
    elif rule.of in (Quantity.DIFFERENCE, Quantity.IMBALANCE) and len(set(units.values())) > 1:
        said = ", ".join(f"'{name}' in {unit}" for name, unit in units.items())
        raise PlantError(f"{where}.signals are {said}: give all in one unit, by the scale of their tags")


def _unit(name: str, known: _Known) -> str:
    return known.signals[name].unit if name in known.signals else ""


def _found(rule: Rule, known: _Known) -> tuple[str, tuple[float, float] | None]:
    """What the levels are held against, in words, and what it can be."""
    first = rule.signals[0]
    if rule.of is Quantity.LEVEL:
        is_share = first in known.shares
        return f"'{first}'", (0.0, 1.0) if is_share else known.signals[first].range
    return f"of = '{rule.of}'", (0.0, math.inf) if rule.of is Quantity.IMBALANCE else None


def _check_times(where: str, rule: Rule) -> None:
    for key, duration in (("for", rule.lasts), ("clears_after", rule.clears_after)):
        check_duration(f"{where}.{key}", duration, least_s=MINUTE_S)
        if seconds(duration) % MINUTE_S:
            raise PlantError(f"{where}.{key} is {duration}: give whole minutes")
    check_duration(f"{where}.span", rule.span, least_s=STEP_S)
    if rule.of is not Quantity.RATE and rule.span != DEFAULT_SPAN:
        raise PlantError(f"{where}.span is of a rate: take it out of = '{rule.of}'")
    if seconds(rule.span) % STEP_S or seconds(rule.span) > LONGEST_SPAN_S:
        raise PlantError(f"{where}.span is {rule.span}: give a multiple of 15min, up to 72h")


def _check_states(where: str, rule: Rule, known: _Known) -> None:
    if not rule.states or len(set(rule.states)) < len(rule.states):
        raise PlantError(f"{where}.states must name at least one state, and none twice")
    if unknown := [state for state in rule.states if state not in known.states]:
        raise PlantError(
            f"{where}.states: the type is never {unknown[0]}, as its `operating` says: "
            f"use one of {', '.join(known.states)}"
        )
    if rule.of is not Quantity.LEVEL and rule.states != (OperatingState.RUNNING,):
        raise PlantError(f"{where}.states: of = '{rule.of}' is of running time alone: leave states out")


def _check_per(where: str, per: str, asset_type: AssetType) -> None:
    if not per:
        return
    states = [name for name, spec in asset_type.signals.items() if spec.words]
    if per not in states:
        raise PlantError(
            f"{where}.per is '{per}': name a state that declares its words, one of {', '.join(states) or 'none so far'}"
        )


def _check_curve(where: str, rule: Rule) -> None:
    if rule.of is not Quantity.EFFICIENCY_LOSS:
        if rule.curve:
            raise PlantError(f"{where}.curve is of an {Quantity.EFFICIENCY_LOSS}: take it out of = '{rule.of}'")
        return
    flows = [flow for flow, _ in rule.curve]
    rises = flows == sorted(set(flows)) and all(0 <= flow < math.inf for flow in flows)
    if len(flows) < 2 or not rises or not all(0 <= percent <= 100 for _, percent in rule.curve):
        raise PlantError(
            f"{where}.curve is to be two or more points of flow in m3/h, which rises, and efficiency in percent, 0 to "
            "100, as [[0, 0], [200, 70], [300, 78]]"
        )


def _check_when(where: str, when: When, known: _Known) -> None:
    _check_column(f"{where}.signal", when.signal, known)
    told = [bound for bound in (when.above, when.below) if bound is not None]
    if not told or told != sorted(set(told)) or not all(map(math.isfinite, told)):
        raise PlantError(f"{where}: give above, below, or both, of which above is less")


def _told_states(asset_type: AssetType) -> tuple[OperatingState, ...]:
    """States in which a machine of the type can be; one that runs and has not settled is starting, whatever says so."""
    told = asset_type.operating
    if told is None:
        return (OperatingState.RUNNING,)
    if told.states:
        return (*dict.fromkeys((*told.states, OperatingState.STARTING)),)
    return tuple(state for state in OperatingState if state not in _NOT_BY_NUMBER)
