"""Orders and tariffs from CSV files onto their topics, each line checked before any is sent."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from rich.console import Console
from rich.table import Table

from connectors.kafka.plain import Start, read
from models.plant import Plant
from models.records import Order, OrderState, Tariff, key_of
from pipelines.cli.lined import lines, number, say, send, time_of, within
from pipelines.cli.planned import readable
from pipelines.cli.planning_error import PlanError
from pipelines.plant_file import PlantFile
from pipelines.settings import Settings
from pipelines.topics import Topic, named

ORDER_COLUMNS = ("order", "product", "units", "due")
TARIFF_COLUMNS = ("time", "price")
MOST_PRICES = 10_000


def put_orders(settings: Settings, file: Path, console: Console, *, as_json: bool) -> None:
    """Publish the orders of a file. Raises PlanError with the line that is wrong; then none is sent."""
    plant = PlantFile(settings.plant, settings.site).plant
    found = [_order(plant, row, f"{file}, line {at}") for at, row in lines(file, ORDER_COLUMNS)]
    if not found:
        raise PlanError(f"{file} has no orders: write one a line below its first")
    for name, times in Counter(one.order for one in found).items():
        if times > 1:
            raise PlanError(f"{file}: order {name} is there {times} times: write each once")
    send(settings, Topic.ORDERS, [(key_of(one.plant, one.order), one) for one in found])
    unknown = {one.product for one in found} - (plant.production.products.keys() if plant.production else set())
    say(console, as_json, orders=len(found), products_not_in_the_plant_file=sorted(unknown))


def put_tariffs(settings: Settings, file: Path, source: str, console: Console, *, as_json: bool) -> None:
    """Publish the prices of a file, as many to a record as there may be. Raises PlanError."""
    plant = PlantFile(settings.plant, settings.site).plant
    rows = [(at, row) for at, row in lines(file, TARIFF_COLUMNS)]
    if len(rows) < 2:
        raise PlanError(f"{file} has {len(rows)} prices: write two or more, in equal steps")
    times: list[int] = []
    for at, row in rows:
        times.append(time_of(plant, row["time"], f"{file}, line {at}", after_us=times[-1] if times else None))
    step_us = times[1] - times[0]
    for (at, _), before, after in zip(rows[1:], times, times[1:], strict=False):
        if after - before != step_us or step_us <= 0 or step_us % 60_000_000:
            raise PlanError(
                f"{file}, line {at}: times must go on in equal steps of whole minutes; write their zone, as "
                "2026-03-02T06:00+01:00, where clocks change"
            )
    made = list(_tariffs(plant, source, rows, times, step_us, file))
    send(settings, Topic.TARIFFS, [(key_of(one.plant, str(one.begin_us)), one) for one in made])
    say(console, as_json, prices=len(rows), step_min=step_us // 60_000_000, records=len(made))


def list_orders(settings: Settings, console: Console, *, as_json: bool) -> None:
    """Show the orders that are open, the first due first."""
    plant = PlantFile(settings.plant, settings.site).plant
    found: dict[str, Order] = {}
    for record in read(settings.cluster, named(settings.topic_prefix, Topic.ORDERS), Start.BEGINNING):
        one = readable(record.value)
        if not isinstance(one, Order) or one.plant != plant.plant:
            continue
        if one.order not in found or one.time_us > found[one.order].time_us:
            found[one.order] = one
    known = sorted((one for one in found.values() if one.state is OrderState.OPEN), key=lambda one: one.due_us)
    if as_json:
        console.out(msgspec.json.encode(known).decode(), highlight=False)
        return
    table = Table("order", "product", "units", f"due ({plant.timezone})")
    for one in known:
        due = datetime.fromtimestamp(one.due_us / 1e6, ZoneInfo(plant.timezone))
        table.add_row(one.order, one.product, str(one.units), due.strftime("%a %d %b %Y %H:%M"))
    console.print(table)


def _order(plant: Plant, row: dict[str, str], where: str) -> Order:
    release = row.get("release")
    said: dict[str, Any] = {
        "plant": plant.plant,
        "order": row["order"],
        "product": row["product"],
        "units": number(row["units"], where, "units"),
        "due_us": time_of(plant, row["due"], where),
        "release_us": time_of(plant, release, where) if release else 0,
        "late_per_h": number(late, where, "late_per_h") if (late := row.get("late_per_h")) else None,
        "state": row.get("state") or "open",
        "time_us": time.time_ns() // 1000,
    }
    try:
        return msgspec.convert({"type": "order", **said}, Order)
    except msgspec.ValidationError as wrong:
        what, _, place = str(wrong).partition(" - at `$.")
        column = place.rstrip("`").removesuffix("_us")
        raise PlanError(f"{where}: {column} is {row.get(column) or 'empty'}: {what[:1].lower()}{what[1:]}") from wrong


def _tariffs(
    plant: Plant, source: str, rows: list[tuple[int, dict[str, str]]], times: list[int], step_us: int, file: Path
) -> Iterator[Tariff]:
    price = [within(row["price"], f"{file}, line {at}", "price", -1e6, 1e6) for at, row in rows]
    co2 = [within(row["co2"], f"{file}, line {at}", "co2", 0.0, 1e3) for at, row in rows if row.get("co2")]
    if co2 and len(co2) < len(price):
        raise PlanError(f"{file}: co2 is to be in every line, or in none")
    for begin in range(0, len(price), MOST_PRICES):
        part = slice(begin, begin + MOST_PRICES)
        yield Tariff(
            plant=plant.plant, begin_us=times[begin], step_min=step_us // 60_000_000, price_per_kwh=price[part],
            time_us=time.time_ns() // 1000, source=source, co2_kg_per_kwh=co2[part],
        )  # fmt: skip
