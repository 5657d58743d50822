"""What a template makes: the rules of an asset type that follow from figures with a source, and no others.

The figures are data in `models.plant.figures`. How long a rule waits and by how much it lets go are our choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from msgspec.structs import replace

from models.plant.assets import AssetType
from models.plant.errors import PlantError
from models.plant.figures import (
    BEARINGS,
    CHANGE_SHARE,
    CHANGE_SOURCE,
    EFFICIENCY,
    IMBALANCES,
    RISES,
    TEMPERATURE_CHANGE,
    TEMPERATURE_RATE,
    ZONES,
    Figure,
    Grade,
)
from models.plant.rules import Quantity, Rule, Template, TemplateName, When

AMBIENT = "ambient"
"""The role of a bearing temperature's surroundings; all other roles are bearings."""

ROLES = {
    TemplateName.PUMP_EFFICIENCY: ("flow", "head", "power"),
    TemplateName.CURRENT_IMBALANCE: ("a", "b", "c"),
}
"""Roles of the templates that ask for certain ones; the others follow any number, by names of the plant's own."""

UNITS = {TemplateName.VIBRATION_ZONES: "mm/s", TemplateName.BEARING_TEMPERATURE: "degC"}
"""What a template reckons in; of the others, the quantity of their rule says."""

_Chosen = TypeVar("_Chosen")


def rules_of(asset_type: AssetType) -> tuple[Rule, ...]:
    """All rules of a type: its own, and those that its templates make. Limits are none. Raises PlantError."""
    made = (rule for template in asset_type.templates for rule in expanded(template, asset_type))
    return (*(each for rule in asset_type.rules for each in by_word(rule, asset_type)), *made)


def by_word(rule: Rule, asset_type: AssetType) -> tuple[Rule, ...]:
    """A rule as it is, or one for each word of the state that it is `per`, which looks only while that is said."""
    if not rule.per:
        return (rule,)
    return tuple(
        replace(rule, name=f"{rule.name} [{word}]", when=(*rule.when, When(signal=f"{rule.per}={word}", above=0.5)))
        for word in asset_type.signals[rule.per].words
    )


def product_of(rule: Rule) -> str:
    """The word of the state it is `per` that a rule looks at; empty of a rule that is for all."""
    return rule.when[-1].signal.removeprefix(f"{rule.per}=") if rule.per else ""


def expanded(template: Template, asset_type: AssetType) -> tuple[Rule, ...]:
    """The rules that a template makes, named by the first signal that each looks at, and in the file's order.

    Raises PlantError that begins with the key of the template that is wrong.
    """
    _check(template, asset_type)
    return tuple(_MAKERS[template.template](template))


def _check(template: Template, asset_type: AssetType) -> None:
    """Raise PlantError for a key that the template has none of, and for signals that it cannot follow."""
    kind = template.template
    for key, of in (("curve", TemplateName.PUMP_EFFICIENCY), ("standard", TemplateName.VIBRATION_ZONES)):
        if getattr(template, key) and kind is not of:
            raise PlantError(f"{key} is of {of}: leave it out")
    if template.group and kind is TemplateName.PUMP_EFFICIENCY:
        raise PlantError(f"group: {kind} has none, leave it out")
    roles = ROLES.get(kind)
    if roles and set(template.signals) != set(roles):
        raise PlantError(f"signals of {kind} are {_all(roles)}, but here are {_all(template.signals)}")
    if not set(template.signals) - {AMBIENT}:
        raise PlantError(f"signals is empty: give {kind} a signal to follow, as bearing = 'NAME'")
    for role, signal in template.signals.items():
        _check_signal(f"signals.{role}", signal, template, asset_type)


def _check_signal(where: str, signal: str, template: Template, asset_type: AssetType) -> None:
    spec, unit = asset_type.signals.get(signal), UNITS.get(template.template)
    if spec is None:
        raise PlantError(f"{where} is '{signal}', but signals are {sorted(asset_type.signals)}")
    if unit and spec.unit and spec.unit != unit:
        raise PlantError(
            f"{where}: '{signal}' is in {spec.unit}, but {template.template} reckons in {unit}: give the signal in "
            f"{unit}, by the scale of its tags, and say so in its unit"
        )
    if list(template.signals.values()).count(signal) > 1:
        raise PlantError(f"{where}: '{signal}' is there twice: give each role a signal of its own")


def _chosen(key: str, value: str, choices: Mapping[str, _Chosen]) -> _Chosen:
    if value not in choices:
        raise PlantError(f"{key} is '{value}': say which of {_all(choices)}")
    return choices[value]


def _all(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _vibration_zones(template: Template) -> Iterable[Rule]:
    zones = _chosen("standard", template.standard, ZONES)
    figure = _chosen("group", template.group, zones.groups)
    change = round(figure.warning * CHANGE_SHARE, 3)
    drift = Figure(change, None, round(change / 5, 3), CHANGE_SOURCE, Grade.R)
    for signal in template.signals.values():
        yield _rule(
            template, "zone", Quantity.LEVEL, (signal,), figure, standard=template.standard, edition=zones.edition
        )
        yield _rule(template, "change", Quantity.CHANGE, (signal,), drift, lasts="1h")


def _bearing_temperature(template: Template) -> Iterable[Rule]:
    level = _chosen("group", template.group, BEARINGS)
    ambient = template.signals.get(AMBIENT)
    for role, signal in template.signals.items():
        if role == AMBIENT:
            continue
        yield _rule(template, "level", Quantity.LEVEL, (signal,), level)
        if ambient:
            rise = RISES[template.group]
            yield _rule(template, "rise", Quantity.DIFFERENCE, (signal, ambient), rise, lasts="30min")
        yield _rule(template, "rate", Quantity.RATE, (signal,), TEMPERATURE_RATE, span="1h", lasts="1h")
        yield _rule(template, "change", Quantity.CHANGE, (signal,), TEMPERATURE_CHANGE, lasts="1h")


def _pump_efficiency(template: Template) -> Iterable[Rule]:
    signals = tuple(template.signals[role] for role in ROLES[template.template])
    yield _rule(
        template,
        "efficiency-loss",
        Quantity.EFFICIENCY_LOSS,
        signals,
        EFFICIENCY,
        curve=template.curve,
        lasts="2h",
    )


def _current_imbalance(template: Template) -> Iterable[Rule]:
    figure = _chosen("group", template.group, IMBALANCES)
    signals = tuple(template.signals[role] for role in ROLES[template.template])
    yield _rule(template, "imbalance", Quantity.IMBALANCE, signals, figure)


_MAKERS: dict[TemplateName, Callable[[Template], Iterable[Rule]]] = {
    TemplateName.VIBRATION_ZONES: _vibration_zones,
    TemplateName.BEARING_TEMPERATURE: _bearing_temperature,
    TemplateName.PUMP_EFFICIENCY: _pump_efficiency,
    TemplateName.CURRENT_IMBALANCE: _current_imbalance,
}


def _rule(
    template: Template, what: str, of: Quantity, signals: tuple[str, ...], figure: Figure, **more: object
) -> Rule:
    """A rule of a figure; its note says where that comes from, how sure it is, and whether the plant agreed."""
    group = f"{template.group}: " if template.group else ""
    agreed = "confirmed by the plant" if template.confirmed else "to be confirmed"
    return Rule(
        name=f"{signals[0]}.{what}",
        of=of,
        signals=signals,
        warning_high=float(figure.warning),
        alarm_high=None if figure.alarm is None else float(figure.alarm),
        hysteresis=float(figure.hysteresis),
        mode=template.mode,
        note=f"{group}{figure.source} (grade {figure.grade.name}: {figure.grade.value}); {agreed}",
        confirmed=template.confirmed,
        **more,  # type: ignore[arg-type] # fields of a rule, by their names
    )
