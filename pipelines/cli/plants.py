"""The plant commands `check` and `show`: is a plant file right, and what is in it. Comparing two is in plant_diff."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from rich.tree import Tree

from connectors.scada.feeds import FEEDS
from models.plant import AssetType, Limit, Plant, PlantError, Sampling, Signal
from models.plant.templates import expanded
from pipelines.cli.plant_rules import rules, to_confirm
from pipelines.main import read_plant

LEVELS = {
    "alarm_low": "alarm low",
    "warning_low": "warning low",
    "warning_high": "warning high",
    "alarm_high": "alarm high",
}


def check(file: Path, console: Console) -> None:
    """Print what the file holds; raises PlantError where it is wrong."""
    plant = read_plant(file)
    for number, tag in enumerate(plant.tags):
        if tag.feed and (name := tag.feed.partition(":")[0]) not in FEEDS:
            raise PlantError(f"{file}: tags[{number}].feed: there is no feed '{name}': use one of {', '.join(FEEDS)}")
    signals = sum(len(kind.signals) for kind in plant.types.values())
    console.print(
        f"{file}: plant '{plant.plant}', {len(plant.types)} types with {signals} signals, {len(plant.assets)} assets, "
        f"{len(plant.tags)} tags, version {plant.version}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    if any(kind.model for kind in plant.types.values()):
        console.print("whether models fit is not looked at here: see `forewarn doctor`", highlight=False)
    if open_ones := list(to_confirm(plant)):
        console.print(f"{len(open_ones)} rules work, but are of low confidence until you confirm their figures:")
        for line in open_ones:
            console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
        console.print("where you agree, say confirmed = true in the template or the rule", highlight=False)


def show(file: Path, console: Console, *, as_json: bool) -> None:
    """Print types with their signals, limits and rules, calendar, budget, and the assets where they stand."""
    plant = read_plant(file)
    if as_json:
        said = {"version": plant.version, **built(plant)}
        for name, kind in plant.types.items():
            made = [rule for template in kind.templates for rule in expanded(template, kind)]
            said["types"][name]["rules_of_templates"] = msgspec.to_builtins(made)
        console.out(msgspec.json.encode(said).decode(), highlight=False)
        return
    for name, kind in plant.types.items():
        console.print(_signals(name, kind))
    budget, people = plant.budget, plant.budget.engineers
    console.print(
        f"budget: {budget.unfounded_per_engineer_week:g} unfounded warnings a week for each of {people:g} engineers"
        + (f"; a missed failure costs {budget.missed_to_unfounded:g}" if budget.missed_to_unfounded else ""),
        highlight=False,
    )
    if plant.stops:
        console.print(f"planned stops: {', '.join(map(str, sorted(plant.stops)))}", highlight=False)
    for table in (_limits(plant), rules(plant), _care(plant), _shifts(plant), _thresholds(plant)):
        if table.row_count:
            console.print(table)
    console.print(_tree(plant), highlight=False)


def built(plant: Plant) -> dict[str, Any]:
    """The plant in plain types, with what `stepped` comes to where the file does not say."""
    made: dict[str, Any] = msgspec.to_builtins(plant)
    for kind, asset_type in plant.types.items():
        for name, signal in asset_type.signals.items():
            made["types"][kind]["signals"][name]["stepped"] = signal.stepped
    return made


def _table(title: str, *columns: str | Column) -> Table:
    table = Table(*columns, title=escape(title))
    table.title_justify = "left"
    return table


def _signals(name: str, kind: AssetType) -> Table:
    signal = Column("signal", no_wrap=True)
    table = _table(name, signal, "kind", "unit", "sent", "range", "stuck after", "expected from")
    for named, spec in kind.signals.items():
        row = (named, spec.kind, spec.unit, _sent(spec), _says(spec), spec.stuck_after or "")
        table.add_row(*map(escape, (*row, ", ".join(spec.expected_from))))
    return table


def _sent(signal: Signal) -> str:
    if signal.sampling is Sampling.PERIODIC or signal.kind.python_type is not float:
        return signal.sampling
    return f"{signal.sampling}, {'stepped' if signal.stepped else 'linear'}"


def _says(signal: Signal) -> str:
    if signal.words:
        return ", ".join(signal.words)
    span = f"{signal.range[0]:g} to {signal.range[1]:g}" if signal.range else ""
    return f"{span} (rolls over at {signal.rolls_over_at:.15g})".lstrip() if signal.rolls_over_at else span


def _limits(plant: Plant) -> Table:
    """Limits of types, and of assets with some of their own all that hold."""
    table = _table("limits", "of", "signal", *LEVELS.values(), "standard", "note")
    owners: list[tuple[str, Iterable[Limit]]] = [(f"type {name}", kind.limits) for name, kind in plant.types.items()]
    owners += [(name, plant.limits_of(name).values()) for name, asset in plant.assets.items() if asset.limits]
    for owner, limits in owners:
        for limit in limits:
            levels = [f"{limit.levels[name]:g}" if name in limit.levels else "" for name in LEVELS]
            standard = f"{limit.standard}:{limit.edition}" if limit.standard else ""
            table.add_row(*map(escape, (owner, limit.signal, *levels, standard, limit.note)))
    return table


def _care(plant: Plant) -> Table:
    """What people do about failure modes."""
    table = _table("care", "type", "mode", "first check", "tools", "if nobody acts", "may it run on", "spare")
    for name, kind in plant.types.items():
        for mode, care in kind.care.items():
            spare = f"{care.spare}, {care.spare_lead} to come" if care.spare_lead else care.spare
            said = (care.first_check, ", ".join(care.tools), care.consequence, care.safe_to_run, spare)
            table.add_row(*map(escape, (name, mode, *said)))
    return table


def _shifts(plant: Plant) -> Table:
    table = _table(f"shifts, in {plant.timezone}", "shift", "days", "from", "to")
    for shift in plant.shifts:
        table.add_row(escape(shift.name), ", ".join(shift.days), shift.begins, shift.ends)
    return table


def _thresholds(plant: Plant) -> Table:
    """Of assets that have some of their own; what is left out is as everywhere."""
    names = ("hazard", "open_after", "clear_after", "clear_share")
    table = _table("thresholds", "asset", "chance in 72 h", "opens after", "clears after", "clears under")
    for asset, own in plant.thresholds.items():
        said = [getattr(own, name) for name in names]
        table.add_row(escape(asset), *("" if one is None else f"{one:g}" for one in said))
    return table


def _tree(plant: Plant) -> Tree:
    """Assets under enterprise, site, area and line, as far as the file says them."""
    enterprise = f"{plant.enterprise}, " if plant.enterprise else ""
    tree = Tree(escape(f"{enterprise}plant {plant.plant}, version {plant.version}"))
    branches: dict[tuple[Any, ...], Tree] = {(): tree}
    for name, asset in plant.assets.items():
        at: tuple[Any, ...] = ()
        for level, where in (("site", plant.site_of(name)), ("area", asset.area), ("line", asset.line)):
            if where is None:
                continue
            inner = (*at, level, where)
            if inner not in branches:
                branches[inner] = branches[at].add(escape(f"{level} {where}"))
            at = inner
        leaf = branches[at].add(escape(_asset(name, plant)))
        for part, component in asset.components.items():
            leaf.add(escape(f"{part}  {component.description}".rstrip()))
    return tree


def _asset(name: str, plant: Plant) -> str:
    asset = plant.assets[name]
    model = plant.types[asset.type].model
    tags = sum(tag.asset == name for tag in plant.tags)
    said = [
        f"type {asset.type}" + (f", model {model}" if model else ""),
        f"criticality {asset.criticality}" if asset.criticality else "",
        f"{asset.downtime_cost_per_h:g} {plant.currency}/h" if asset.downtime_cost_per_h is not None else "",
        f"owner {asset.owner}" if asset.owner else "",
        f"{tags} tags" if tags else "",
    ]
    return f"{name}  {asset.description}  ({', '.join(filter(None, said))})"
