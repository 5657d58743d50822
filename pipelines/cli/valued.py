"""`forewarn value`: what a month's warnings were worth, told, as JSON, and as CSV for finance."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.influx.query import InfluxReader
from models.alerting.value import Entry, Kind, Value, value
from models.alerting.wording import clock
from models.plant import Plant
from models.records import Maintenance
from pipelines.cli.options import errors
from pipelines.cli.revisions import alerts_of
from pipelines.cli.spans import Span, month, thinned
from pipelines.main import influx_target, read_plant
from pipelines.settings import Settings
from pipelines.told import MAINTENANCE, maintenance_of

COLUMNS = (
    "kind", "time_utc", "plant", "asset", "asset_type", "mode", "alert_id", "closed_by", "found", "hours", "cost_per_h",
    "amount", "currency",
)  # fmt: skip
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""What begins so in a cell, a spreadsheet reckons (OWASP, CSV injection); people type what was found."""


def tell_value(
    settings: Settings, said: str, hours: float | None, to: Path | None, now_us: int, console: Console, *, as_json: bool
) -> None:
    """Work it out, print it, and write the CSV where that is asked for."""
    plant = read_plant(settings.plant, settings.site)
    span = month(said, plant.timezone)
    if warned := thinned(span, now_us):
        errors.print(warned, highlight=False, markup=False, soft_wrap=True)
    work = asyncio.run(maintenance_until(settings, plant, span.to_us))
    found = value(alerts_of(settings), work, plant, span.from_us, span.to_us, hours)
    if to is not None:
        write_csv(found, plant, to)
    if as_json:
        console.out(msgspec.json.encode({"month": span.name, **msgspec.to_builtins(found)}).decode(), highlight=False)
        return
    print_value(found, plant, span, hours, console)
    if to is not None:
        console.print(f"the same lines are in {to}", highlight=False, markup=False, soft_wrap=True)


async def maintenance_until(settings: Settings, plant: Plant, to_us: int) -> list[Maintenance]:
    """All failures and repairs up to then: a warning of this month may be of a life that began long before."""
    async with InfluxReader(influx_target(settings)) as reader:
        return maintenance_of(await reader.read(MAINTENANCE, 0, to_us, list(plant.assets)), plant.plant)


def print_value(found: Value, plant: Plant, span: Span, hours: float | None, console: Console) -> None:
    """For people: counts, each line behind them, and the money with what it was reckoned by."""
    console.print(f"[bold]{escape(plant.plant)}, {span.name}[/]", highlight=False)
    for kind in Kind:
        console.print(f"  {found.counts[kind]:>4}  {kind}", highlight=False)
    if found.entries:
        table = Table("what", "when (UTC)", "machine", "mode", "warning", "by", "found", "amount")
        for one in found.entries:
            table.add_row(*map(escape, _cells(one, found.currency)))
        console.print(table)
    for line in money(found, hours):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _cells(one: Entry, currency: str) -> tuple[str, ...]:
    amount = "-" if one.amount is None else f"{one.amount:,.0f} {currency}"
    return (
        str(one.kind),
        clock(one.time_us),
        one.asset,
        one.mode or "-",
        one.alert[:8] or "-",
        one.by or "-",
        one.found or "-",
        amount,
    )


def money(found: Value, hours: float | None) -> Iterator[str]:
    """What was saved, and by what that is reckoned; what cannot be reckoned, and what it needs."""
    saves = found.counts[Kind.SAVED]
    by = f"{hours:g} h (--hours)" if hours else "the plant file's failure_downtime_h"
    if found.amount is not None:
        yield (
            f"{saves - found.unpriced} of {saves} confirmed saves are worth {found.amount:,.0f} {found.currency}: "
            f"{by}, times the machine's downtime_cost_per_h."
        )
    if found.unpriced:
        yield (
            f"{found.unpriced} of {saves} confirmed saves have no amount: the plant file lacks the machine's "
            "downtime_cost_per_h, or its failure_downtime_h, in the place of which --hours can stand."
        )
    yield "Only what a person confirmed counts as saved. Failures are those on record, and of warnings closed as such."


def write_csv(found: Value, plant: Plant, file: Path) -> None:
    """A line an entry, in UTF-8 with a mark, so that spreadsheets read it as such."""
    with file.open("w", encoding="utf-8-sig", newline="") as opened:
        csv.writer(opened).writerows(rows_of(found.entries, plant, found.currency))


def rows_of(entries: Sequence[Entry], plant: Plant, currency: str) -> Iterator[tuple[object, ...]]:
    """A head, and a line an entry; no cell is a formula."""
    yield COLUMNS
    yield from map(_row, entries, [(plant.plant, currency)] * len(entries))


def _row(one: Entry, of: tuple[str, str]) -> tuple[object, ...]:
    plant, currency = of
    texts = (
        str(one.kind),
        clock(one.time_us),
        plant,
        one.asset,
        one.asset_type,
        one.mode,
        one.alert,
        one.by,
        one.found,
    )
    numbers = ("" if number is None else f"{number:.10g}" for number in (one.hours, one.cost_per_h, one.amount))
    return (*map(_text, texts), *numbers, currency)


def _text(said: str) -> str:
    return f"'{said}" if said.startswith(FORMULAS) else said
