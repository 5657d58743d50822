"""History in tables as decode tells records apart: columns per asset type, without records in between.

An asset's rows of a stretch are one frame, cut where something else happened to it; at the end of all is a tick.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import polars as pl

from models.records import Maintenance, WorkOrder
from pipelines.backfill.stretch import Stretch
from pipelines.frames import Columns, Objects
from pipelines.stages.decode import Decoded
from pipelines.state import NEVER, PLACE_BITS, Block, State

_Events = dict[str, list[Maintenance | WorkOrder]]
"""By asset, in order of time."""


def decode_stretch(stretch: Stretch, source: str, state: State) -> Decoded:
    """A stretch of history told apart. Counts what was read; takes its end as a tick."""
    out = Decoded(state.tick_us)
    events = _by_type(stretch.events, state)
    for name, block in state.blocks.items():
        table = stretch.tables.get(name)
        if (table is None or table.is_empty()) and not events[name]:
            continue
        columns, out.end = _columns(block, table, events[name], source, state, out.end)
        columns.count_read(state.ledger)
        state.ledger.records_read += len(columns.frame_at) + len(columns.maintenance) + len(columns.orders)
        out.columns[name] = columns
    state.tick_us = max(state.tick_us, stretch.until_us)
    out.ticks.append((out.end, state.tick_us))
    for name in state.blocks.keys() - out.columns.keys():
        out.columns[name], _ = _columns(state.blocks[name], None, {}, source, state, out.end)
    return out


def _by_type(events: Sequence[Maintenance | WorkOrder], state: State) -> dict[str, _Events]:
    found: dict[str, _Events] = {name: defaultdict(list) for name in state.blocks}
    for event in events:
        found[state.plant.assets[event.asset].type][event.asset].append(event)
    return found


def _columns(
    block: Block, table: pl.DataFrame | None, events: _Events, source: str, state: State, place: int
) -> tuple[Columns, int]:
    """Columns of one type's rows and events, whose places begin at `place`; the place behind them."""
    rows = table if table is not None else pl.DataFrame(schema={"asset": pl.String, "time_us": pl.Int64})
    time_us = rows["time_us"].to_numpy()
    of_asset = rows["asset"].rle()
    names, lengths = of_asset.struct.field("value").to_list(), of_asset.struct.field("len").to_numpy().astype(np.int64)
    begins = np.cumsum(lengths) - lengths
    happened = _happened(names, begins, lengths, time_us, events)
    cuts = np.unique(np.concatenate([begins, np.array([row for row, _ in happened], np.int64)]))
    cuts = cuts[cuts < len(rows)]
    order = sorted([(row, 0, at) for at, (row, _) in enumerate(happened)] + [(int(cut), 1, 0) for cut in cuts])
    places = {key: place + at for at, key in enumerate(order)}
    asset = np.array([_index(name, state) for name in names], np.int64)
    events_at = [(places[row, 0, at], _index(e.asset, state), e) for at, (row, e) in enumerate(happened)]
    block.make_room()
    frame_rows, values = np.diff(np.append(cuts, len(rows))), _values(rows, block, cuts)
    columns = Columns(
        layout=block.layout,
        sources=(source,),
        frame_at=np.array([places[int(cut), 1, 0] for cut in cuts], np.int64),
        frame_asset=asset[np.searchsorted(begins, cuts, side="right") - 1] if len(cuts) else np.empty(0, np.int64),
        frame_source=np.zeros(len(cuts), np.int64),
        frame_present_us=np.full(len(cuts), NEVER),
        row_frame=np.repeat(np.arange(len(cuts)), frame_rows),
        row_time_us=time_us,
        value_row=values.row,
        value_signal=values.signal,
        value=values.value,
        said={},
        objects=values.objects,
        maintenance=[(at, of, one) for at, of, one in events_at if isinstance(one, Maintenance)],
        orders=[(at, of, one) for at, of, one in events_at if isinstance(one, WorkOrder)],
    )
    return columns, place + len(order)


def _happened(
    names: list[str], begins: np.ndarray, lengths: np.ndarray, time_us: np.ndarray, events: _Events
) -> list[tuple[int, Maintenance | WorkOrder]]:
    """Events with the row each comes before: of its own asset, or the end of those."""
    found: list[tuple[int, Maintenance | WorkOrder]] = []
    of = {name: (int(begin), int(length)) for name, begin, length in zip(names, begins, lengths, strict=True)}
    for name, mine in events.items():
        begin, length = of.get(name, (len(time_us), 0))
        at = np.searchsorted(time_us[begin : begin + length], [event.done_us for event in mine])
        found += zip((begin + at).tolist(), mine, strict=True)
    return sorted(found, key=lambda each: each[0])


def _index(asset: str, state: State) -> int:
    return state.places[asset] & ((1 << PLACE_BITS) - 1)


class _Values(NamedTuple):
    row: np.ndarray
    signal: np.ndarray
    value: np.ndarray
    objects: list[Objects]


def _values(rows: pl.DataFrame, block: Block, cuts: np.ndarray) -> _Values:
    """The values that are there, a signal after another."""
    none = np.empty(0, np.int64)
    row, signal, value, objects = [none], [none], [np.empty(0)], []
    for name in rows.columns[2:]:
        column, at = rows[name], block.layout.numeric_index.get(name)
        there = np.flatnonzero(column.is_not_null().to_numpy()) if column.null_count() else np.arange(len(rows))
        if at is None:
            objects += _objects(name, there, column.drop_nulls().to_list(), cuts)
            continue
        row.append(there)
        value.append(column.drop_nulls().to_numpy())
        signal.append(np.full(len(there), at))
    return _Values(np.concatenate(row), np.concatenate(signal), np.concatenate(value), objects)


def _objects(name: str, there: np.ndarray, values: list[bool | str], cuts: np.ndarray) -> list[Objects]:
    frame = np.searchsorted(cuts, there, side="right") - 1
    heads = np.flatnonzero(np.diff(frame, prepend=-1))
    out = []
    for head, end in pairwise([*heads.tolist(), len(there)]):
        of = int(frame[head])
        out.append(Objects(of, name, values[head:end], (there[head:end] - cuts[of]).tolist()))
    return out
