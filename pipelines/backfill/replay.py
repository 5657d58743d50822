"""History as records again, to be published onto topics of its own, where a fleet of ordinary workers takes it up.

So Kafka shares it out among machines. It says what its tables say: the same rows, failures and repairs, and ticks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import polars as pl

from models.bins import changes
from models.records import Frame, Maintenance, Tick, WorkOrder
from pipelines.backfill.stretch import Stretch

ROWS_A_FRAME = 500
"""Some 50 KB of eight signals. Our choice."""


def records_of(stretch: Stretch, plant: str, source: str) -> Iterator[Frame | Maintenance | WorkOrder | Tick]:
    """An asset after another, each in order of time; at the end the tick that closes their minutes."""
    events: dict[str, list[Maintenance | WorkOrder]] = defaultdict(list)
    for event in stretch.events:
        events[event.asset].append(event)
    for table in stretch.tables.values():
        for (asset,), rows in table.group_by("asset", maintain_order=True):
            yield from _of_asset(rows, plant, source, events.pop(str(asset), []))
    for left in events.values():
        yield from left
    yield Tick(plant=plant, time_us=stretch.until_us)


def _of_asset(
    rows: pl.DataFrame, plant: str, source: str, events: Sequence[Maintenance | WorkOrder]
) -> Iterator[Frame | Maintenance | WorkOrder]:
    begin = 0
    for event in events:
        end = int(rows["time_us"].search_sorted(event.done_us))
        yield from _frames(rows[begin:end], plant, source)
        yield event
        begin = end
    yield from _frames(rows[begin:], plant, source)


def _frames(rows: pl.DataFrame, plant: str, source: str) -> Iterator[Frame]:
    """Rows that follow one another and say something of the same signals are frames together."""
    if rows.is_empty():
        return
    names = rows.columns[2:]
    there = np.stack([rows[name].is_not_null().to_numpy() for name in names], axis=1)
    cuts = changes(there[:, 0])
    for column in there.T[1:]:
        cuts |= changes(column)
    cuts[::ROWS_A_FRAME] = True
    for begin, end in pairwise([*np.flatnonzero(cuts).tolist(), len(rows)]):
        part = rows[begin:end]
        said = {name: part[name].to_list() for at, name in enumerate(names) if there[begin, at]}
        if said:
            times_us = part["time_us"].to_list()
            yield Frame(plant=plant, asset=part["asset"][0], source=source, times_us=times_us, signals=said)
