"""Rules of a plant file as people read them: what they look at, what they rest on, and what is to be confirmed."""

from __future__ import annotations

from collections.abc import Iterator

from rich.markup import escape
from rich.table import Column, Table

from models.plant import Plant, Rule
from models.plant.rules import LEVEL_NAMES
from models.plant.templates import rules_of


def rules(plant: Plant) -> Table:
    """All rules of all types, those of templates too."""
    levels = (name.replace("_", " ") for name in LEVEL_NAMES)
    table = Table("of", "rule", "looks at", *levels, "for", "mode", Column("rests on", ratio=1), title="rules")
    table.title_justify = "left"
    for name, kind in plant.types.items():
        for rule in rules_of(kind):
            told = [f"{rule.levels[level]:g}" if level in rule.levels else "" for level in LEVEL_NAMES]
            row = (f"type {name}", rule.name, _looks_at(rule), *told, rule.lasts, rule.mode, _rests_on(rule))
            table.add_row(*map(escape, row))
    return table


def to_confirm(plant: Plant) -> Iterator[str]:
    """A line for each rule whose figures the plant has yet to agree to."""
    for name, kind in plant.types.items():
        for rule in rules_of(kind):
            if not rule.confirmed:
                levels = ", ".join(f"{level} {value:g}" for level, value in rule.levels.items())
                yield f"types.{name}, {rule.name}: {levels}; {_rests_on(rule)}"


def _looks_at(rule: Rule) -> str:
    when = "".join(
        f", {when.signal}"
        + (f" over {when.above:g}" if when.above is not None else "")
        + (f" under {when.below:g}" if when.below is not None else "")
        for when in rule.when
    )
    return f"{rule.of} of {', '.join(rule.signals)}{when and ', while ' + when[2:]}"


def _rests_on(rule: Rule) -> str:
    standard = f"{rule.standard}:{rule.edition}" if rule.standard else ""
    said = ", ".join(filter(None, (standard, rule.note)))
    return said if rule.confirmed or "to be confirmed" in said else f"{said or 'no source'}; to be confirmed"
