"""Baselines for people: which there are and how sure, others to propose from stored rows, and to approve."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.influx.query import InfluxReader
from connectors.kafka.plain import LogProducer, read
from models.plant import Plant
from models.records import AnyRecord, HealthyBaseline, decode, encode, key_of
from pipelines.cli.feed import bar
from pipelines.cli.watching import clock
from pipelines.main import influx_target, read_plant
from pipelines.proposed import Fleet, Looking, NoHealthyTime, Seen, doubted, fleet_of, of_fleet, proposal, quietest
from pipelines.settings import Settings
from pipelines.stored import records_of
from pipelines.topics import Topic, named

LEAD_US = 86_400_000_000
"""Rows from before a time that what stood and held into it is found by. Our choice."""


class BaselineError(Exception):
    """What was asked for cannot be done; the message says why and what to do."""


class Asked(NamedTuple):
    """Whose baseline is proposed, and of which time."""

    asset: str
    rule: str
    from_us: int
    to_us: int
    whole: bool
    """All of that time, not the quietest day in it."""


Of = tuple[str, str]
"""An asset and a rule."""


def latest(records: Iterable[AnyRecord]) -> dict[Of, HealthyBaseline]:
    """The last baseline of each asset and rule."""
    found: dict[Of, HealthyBaseline] = {}
    for one in records:
        if isinstance(one, HealthyBaseline):
            known = found.get((one.asset, one.rule))
            if known is None or known.number <= one.number:
                found[one.asset, one.rule] = one
    return dict(sorted(found.items()))


def fleets(plant: Plant, known: Mapping[Of, HealthyBaseline]) -> dict[Of, list[HealthyBaseline]]:
    """Baselines of machines of one type, by type and rule."""
    out: dict[Of, list[HealthyBaseline]] = defaultdict(list)
    for (asset, rule), one in known.items():
        kind = plant.type_of(asset)
        if kind is not None:
            out[kind, rule].append(one)
    return out


def _known(settings: Settings) -> dict[Of, HealthyBaseline]:
    topic = named(settings.topic_prefix, Topic.BASELINES)
    return latest(decode(record.value or b"") for record in read(settings.cluster, topic))


def show(settings: Settings, console: Console, *, as_json: bool) -> None:
    """Print the baselines that rules look at changes from now, and what speaks against them."""
    plant, known = read_plant(settings.plant, settings.site), _known(settings)
    print_known(plant, known, console, as_json=as_json)


def print_known(plant: Plant, known: Mapping[Of, HealthyBaseline], console: Console, *, as_json: bool) -> None:
    """Print these, each beside its fleet."""
    by_fleet = {of: fleet_of(each) for of, each in fleets(plant, known).items()}
    rows = [(one, by_fleet.get((plant.type_of(one.asset) or "", one.rule))) for one in known.values()]
    if as_json:
        console.out(json.dumps([_told(doubted(one, fleet), fleet) for one, fleet in rows]), highlight=False)
        return
    table = Table("asset", "rule", "number", "healthy time (UTC)", "mean", "spread", "of", "doubts", "confidence", "by")
    for one, fleet in rows:
        table.add_row(*map(escape, _cells(doubted(one, fleet), fleet)))
    console.print(table if rows else "no baseline is whole yet: each takes a day of running")


def _told(one: HealthyBaseline, fleet: Fleet | None) -> dict[str, object]:
    off = None if fleet is None else round(max(-1e9, min(1e9, fleet.off(one.mean))), 3)
    of = None if fleet is None else {"machines": fleet.machines, "mean": fleet.mean, "spread": fleet.spread, "off": off}
    return {**msgspec.to_builtins(one), "fleet": of}


def _cells(one: HealthyBaseline, fleet: Fleet | None) -> tuple[str, ...]:
    return (
        one.asset,
        one.rule,
        str(one.number or "-"),
        f"{clock(one.from_us)} to {clock(one.to_us)}",
        f"{one.mean:.5g}",
        f"{one.spread:.3g}",
        str(one.origin),
        ", ".join(_words(one, fleet)) or "none",
        str(one.confidence),
        one.approved_by or "-",
    )


def _words(one: HealthyBaseline, fleet: Fleet | None) -> Iterable[str]:
    for doubt in one.doubts:
        if doubt == "off-fleet" and fleet is not None:
            off = fleet.off(one.mean)
            yield f"{abs(off):.0f} spreads {'above' if off > 0 else 'below'} the fleet's {fleet.machines} machines"
        else:
            yield str(doubt)


def propose(settings: Settings, asked: Asked, file: Path, console: Console, *, fleet: bool, as_json: bool) -> None:
    """Propose a baseline from stored rows, or the fleet's, print it, and add it to a file for approval."""
    plant, known = read_plant(settings.plant, settings.site), _known(settings)
    alike = fleets(plant, known).get((plant.type_of(asked.asset) or "", asked.rule), [])
    if fleet:
        made = of_fleet(asked.asset, alike)
    else:
        looking = Looking(plant, asked.asset, asked.rule, settings.lateness_s)
        seen = asyncio.run(_seen(settings, plant, asked, looking, console))
        find = proposal if asked.whole else quietest
        made = find(plant.plant, asked.asset, looking.rule, seen)
    beside = fleet_of([one for one in alike if one.asset != asked.asset])
    made = doubted(made, beside)
    add(file, made)
    print_known(plant, {(made.asset, made.rule): made}, console, as_json=as_json)
    if not as_json:
        console.print(
            f"in {file}; approve it by `forewarn baseline approve {file} --by NAME`", highlight=False, markup=False
        )


async def _seen(settings: Settings, plant: Plant, asked: Asked, looking: Looking, console: Console) -> Seen:
    kind, from_us = plant.assets[asked.asset].type, max(0, asked.from_us - LEAD_US)
    async with InfluxReader(influx_target(settings)) as reader:
        with bar(console) as progress:
            task = progress.add_task(f"rows of {asked.asset}", total=None)
            async for page in reader.pages(kind, from_us, asked.to_us, [asked.asset]):
                looking.take(records_of(page, looking.layout, plant.plant, []))
                progress.advance(task, len(page))
    seen = looking.finish(asked.to_us)
    return seen.where(seen.minute * 60_000_000 >= asked.from_us)


def add(file: Path, made: HealthyBaseline) -> None:
    """Put a proposal into a file, in the place of another of its asset and rule. Raises BaselineError."""
    others = (
        [one for one in proposals(file) if (one.asset, one.rule) != (made.asset, made.rule)] if file.exists() else []
    )
    file.write_bytes(msgspec.json.format(msgspec.json.encode([*others, made])) + b"\n")


def proposals(file: Path) -> list[HealthyBaseline]:
    """The proposals of a file. Raises BaselineError."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=list[HealthyBaseline])
    except (OSError, msgspec.DecodeError) as wrong:
        raise BaselineError(
            f"{file} is no file of proposals ({wrong}): `forewarn baseline propose` writes one"
        ) from wrong


def approve(settings: Settings, file: Path, by: str, console: Console) -> None:
    """Put the proposals of a file on the log as approved. Raises BaselineError for one that fits no rule."""
    plant = read_plant(settings.plant, settings.site)
    signed = approved(plant, proposals(file), by, settings.lateness_s)
    topic = named(settings.topic_prefix, Topic.RECORDS)
    with LogProducer(settings.cluster) as producer:
        for one in signed:
            producer.send(topic, key_of(one.plant, one.asset), encode(one))
    said = ", ".join(f"'{one.rule}' of {one.asset}" for one in signed) or "nothing"
    console.print(f"on the log: {said}; workers look at changes from it from there on", highlight=False, markup=False)


def approved(plant: Plant, found: Iterable[HealthyBaseline], by: str, lateness_s: int) -> list[HealthyBaseline]:
    """Proposals as somebody signs them. Raises BaselineError for one that is not of this plant, or fits no rule."""
    out = []
    for one in found:
        if one.plant != plant.plant:
            raise BaselineError(f"a proposal is of plant '{one.plant}', and this is '{plant.plant}'")
        try:
            Looking(plant, one.asset, one.rule, lateness_s)
        except NoHealthyTime as wrong:
            raise BaselineError(str(wrong)) from wrong
        out.append(replace(one, id="", number=0, approved_by=by))
    return out
