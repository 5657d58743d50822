"""`forewarn size`: constants off their file, and what a plant takes by them, as a table or JSON. Nothing is asked."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from models.sizing import BUSY, Constants, Cost, Figure, Kept, Load, Size, size

FILE = "sizing.json"
_A = {
    "message": "a message",
    "row": "a row",
    "value": "a value",
    "forecast": "a forecast",
    "asset": "an asset and second",
    "worker": "a worker and second",
    "partition": "a partition and second",
}
_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}


@cache
def constants() -> Constants:
    """What `tests/bench/sizing.py` measured."""
    return msgspec.json.decode(files("models").joinpath(FILE).read_bytes(), type=Constants)


def seconds_of(every: str) -> float:
    """Seconds of a duration such as 500ms, 1s or 1min. Raises typer.BadParameter."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|min|h)", every)
    if not found or not float(found[1]):
        raise typer.BadParameter(f"--every {every}: write a number and ms, s, min or h, as 1s")
    return float(found[1]) * _UNITS[found[2]]


def show(load: Load, kept: Kept, console: Console, *, as_json: bool) -> None:
    """Print what a plant takes, how each constant was measured, and what goes beyond that."""
    found = constants()
    made = size(load, kept, found)
    if as_json:
        told = {"load": msgspec.to_builtins(load), "kept": msgspec.to_builtins(kept), "size": msgspec.to_builtins(made)}
        console.out(json.dumps(told | {"constants": msgspec.to_builtins(found)}), highlight=False)
        return
    console.print(_table(made, load, kept))
    lines = [*_measured(found), *(f"beyond what was measured: {one}" for one in made.beyond)]
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _table(made: Size, load: Load, kept: Kept) -> Table:
    table = Table("what", "how much", "by")
    for row in lines_of(made, load, kept):
        table.add_row(*row)
    return table


def lines_of(made: Size, load: Load, kept: Kept) -> Iterator[tuple[str, str, str]]:
    """What, how much, and by what it is reckoned."""
    once_more = f"; {kept.replicas} copies" if kept.replicas > 1 else ""
    yield "rows, values", f"{made.rows_per_s:,.4g}/s, {made.values_per_s:,.6g}/s", "what was asked"
    yield "workers", f"{made.workers:,}", f"{made.worker_cores:.2f} cores of work, {BUSY:.0%} of a core each"
    yield "partitions", f"{made.partitions:,}", "4 a worker or more, of 6, 12, 24, ...; fixed once made"
    yield "memory a worker", f"{made.worker_mib:,.0f} MiB", "worker_mib, asset_mib; at the peak, with a backlog"
    yield "Kafka: cores", f"{made.kafka_cores:.2f}", "kafka_cpu_us"
    yield (
        "Kafka: disk",
        f"{made.kafka_disk_gb:,.1f} GB",
        f"records {kept.kafka_days:g} days, {kept.codec}; forecasts 30 days{once_more}",
    )
    yield "Kafka: network", f"{made.kafka_in_mb_per_s:.2f} MB/s in, {made.kafka_out_mb_per_s:.2f} out", "log_bytes"
    yield "InfluxDB: cores", f"{made.influx_cores:.2f}", "influx_cpu_us"
    yield "InfluxDB: disk", f"{made.influx_disk_gb:,.1f} GB", f"influx_bytes, {kept.influx_days:g} days"
    yield "p99 to a forecast", _between(made) if load.scored else "-", "waits: the shares measured beside this one"
    yield "a frame waits before", f"{made.frame_waits_s:g} s", "its feed, for its last row"


def _between(made: Size) -> str:
    if math.isinf(made.p99_high_ms):
        return f"over {made.p99_low_ms:,.0f} ms"
    low = f"{made.p99_low_ms:,.0f} to " if made.p99_low_ms else "up to "
    return f"{low}{made.p99_high_ms:,.0f} ms"


def _measured(found: Constants) -> Iterator[str]:
    busy = f"; other programs had {found.others_cores:.1f} cores meanwhile, so times are rather too long"
    yield (
        f"measured {found.made} by tests/bench/sizing.py at {found.commit[:12]} on {found.machine}"
        f"{busy if found.others_cores >= 0.1 else ''}"
    )
    for name in found.__struct_fields__:
        value = getattr(found, name)
        if isinstance(value, Figure):
            yield f"  {name}: {value.value:.4g} {value.unit}: {value.how}"
        elif isinstance(value, Cost):
            yield f"  {name}: {_cost(value)}"
    for codec, cost in found.log_bytes.items():
        yield f"  log_bytes, {codec}: {_cost(cost)}"
    for fleet in found.fleets:
        yield (
            f"  {fleet.workers} worker(s) took {fleet.cores:.3f} cores for {fleet.assets:,} assets with a row a second;"
            f" by the constants {fleet.predicted_cores:.3f} ({fleet.off:+.0%})"
        )


def _cost(cost: Cost) -> str:
    parts = ((name, getattr(cost, name)) for name in _A)
    told = ", ".join(f"{value:.4g} {_A[name]}" for name, value in parts if value)
    return f"{told} ({cost.unit}): {cost.how}"
