"""The plant commands: is a plant file right, what is in it, and what differs between two."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Column, Table
from rich.tree import Tree

from models.plant import Plant
from pipelines.main import read_plant

Flat = dict[str, Any]


def check(file: Path, console: Console) -> None:
    """Print what the file holds; raises PlantError where it is wrong."""
    plant = read_plant(file)
    signals = sum(len(kind.signals) for kind in plant.types.values())
    console.print(
        f"{file}: plant '{plant.plant}', {len(plant.types)} types with {signals} signals, {len(plant.assets)} assets, "
        f"{len(plant.tags)} tags",
        highlight=False,
        soft_wrap=True,
    )


def show(file: Path, console: Console, *, as_json: bool) -> None:
    """Print types with their signals, and assets under them."""
    plant = read_plant(file)
    if as_json:
        console.out(msgspec.json.encode(plant).decode(), highlight=False)
        return
    for name, kind in plant.types.items():
        table = Table(
            Column("signal", no_wrap=True), "kind", "unit", "sent", "range", "stuck after", "expected from", title=name
        )
        table.title_justify = "left"
        for signal, spec in kind.signals.items():
            span = f"{spec.range[0]:g} to {spec.range[1]:g}" if spec.range else ""
            row = (spec.unit, spec.sampling, span, spec.stuck_after or "", ", ".join(spec.expected_from))
            table.add_row(signal, spec.kind, *row)
        console.print(table)
    tree = Tree(f"plant {plant.plant}")
    branches = {
        name: tree.add(f"type {name}" + (f", model {t.model}" if t.model else "")) for name, t in plant.types.items()
    }
    for asset, of in plant.assets.items():
        tags = sum(tag.asset == asset for tag in plant.tags)
        branches[of.type].add(f"{asset}  {of.description}" + (f"  ({tags} tags)" if tags else ""))
    console.print(tree, highlight=False)


def diff(before: Path, after: Path, console: Console, *, as_json: bool) -> int:
    """Print what was added, removed and changed; 1 where anything was."""
    old, new = _flat(read_plant(before)), _flat(read_plant(after))
    found = list(_changes(old, new))
    if as_json:
        console.out(
            json.dumps([dict(zip(("place", "before", "after"), one, strict=True)) for one in found]), highlight=False
        )
        return 1 if found else 0
    for place, was, now in found:
        sign, colour = ("+", "green") if was is None else ("-", "red") if now is None else ("~", "yellow")
        said = now if was is None else was if now is None else f"{was} -> {now}"
        console.print(f"[{colour}]{sign} {place}[/]  {said}", highlight=False, soft_wrap=True)
    if not found:
        console.print("the two say the same", highlight=False)
    return 1 if found else 0


def _changes(old: Flat, new: Flat) -> Iterator[tuple[str, Any, Any]]:
    for place in sorted(old.keys() | new.keys()):
        if old.get(place) != new.get(place):
            yield place, old.get(place), new.get(place)


def _flat(plant: Plant) -> Flat:
    """Every value by its dotted place; tags by address and beginning, so that their order does not matter."""
    built = msgspec.to_builtins(plant)
    built["tags"] = {f"{tag['address']} from {tag['from_us']}": tag for tag in built["tags"]}
    return dict(_leaves("", built))


def _leaves(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(f"{place}.{name}" if place else name, inner)
    else:
        yield place, value
