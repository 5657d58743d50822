"""`forewarn plant diff`: what differs between two plant files, value by value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from models.plant import Plant
from models.plant.tags import ALWAYS_US
from pipelines.cli import plants
from pipelines.main import read_plant

Flat = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def diff(before: Path, after: Path, console: Console, *, as_json: bool) -> int:
    """Print what was added, removed and changed; 1 where anything was."""
    old, new = read_plant(before), read_plant(after)
    found = [*_changes(_flat(old), _flat(new)), *_reordered(old, new)]
    if as_json:
        console.out(
            json.dumps([dict(zip(("place", "before", "after"), one, strict=True)) for one in found]), highlight=False
        )
        return 1 if found else 0
    for place, was, now in found:
        sign, colour = ("+", "green") if was is None else ("-", "red") if now is None else ("~", "yellow")
        said = now if was is None else was if now is None else f"{was} -> {now}"
        console.print(f"[{colour}]{sign} {escape(place)}[/]  {escape(str(said))}", highlight=False, soft_wrap=True)
    if not found:
        console.print("the two say the same", highlight=False)
    return 1 if found else 0


def _changes(old: Flat, new: Flat) -> Iterator[tuple[str, Any, Any]]:
    for place in sorted(old.keys() | new.keys()):
        if old.get(place) != new.get(place):
            yield place, old.get(place), new.get(place)


def _reordered(old: Plant, new: Plant) -> Iterator[tuple[str, Any, Any]]:
    """Types whose signals are the same in another order, which arrays and snapshots follow."""
    for name in sorted(old.types.keys() & new.types.keys()):
        was, now = list(old.types[name].signals), list(new.types[name].signals)
        if was != now and set(was) == set(now):
            yield f"types.{name}.signals", was, now


def _flat(plant: Plant) -> Flat:
    """Every value by its dotted place; what is a set in the file by what names it, so that its order does not matter.

    A tag is named by its address, its feed and its beginning: what begins to mean something else at a date is one that
    ends and one that is added.
    """
    built = plants.built(plant)
    built["tags"] = {_place_of(tag): _dated(tag) for tag in built["tags"]}
    built["shifts"] = {f"{one['name']} {', '.join(one['days'])} {one['from']}": one for one in built["shifts"]}
    built["holidays"] = dict.fromkeys(built["holidays"], "holiday")
    built["stops"] = dict.fromkeys(built["stops"], "planned stop")
    for owner in (*built["types"].values(), *built["assets"].values()):
        owner["limits"] = {limit["signal"]: limit for limit in owner["limits"]}
    for kind in built["types"].values():
        kind["rules"] = {rule["name"]: rule for rule in kind["rules"]}
        kind["templates"] = {_template(one): one for one in kind["templates"]}
    return dict(_leaves("", built))


def _place_of(tag: dict[str, Any]) -> str:
    feed = f" of {tag['feed']}" if tag["feed"] else ""
    return f"{tag['address']}{feed} from {_when(tag['from_us'])}"


def _template(one: dict[str, Any]) -> str:
    return f"{one['template']} of {', '.join(sorted(one['signals'].values()))}"


def _dated(tag: dict[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in tag.items() if name not in ("from_us", "to_us")}
    return said | {"valid_from": _when(tag["from_us"]), "valid_to": _when(tag["to_us"])}


def _when(time_us: int) -> str:
    """ISO 8601 in UTC; the ends of time by their names."""
    if time_us == 0:
        return "always"
    if time_us >= ALWAYS_US:
        return "open"
    return (EPOCH + timedelta(microseconds=time_us)).isoformat().replace("+00:00", "Z")


def _leaves(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and (value or not place.endswith(".signals")):
        for name, inner in value.items():
            yield from _leaves(f"{place}.{name}" if place else name, inner)
    else:
        yield place, value
