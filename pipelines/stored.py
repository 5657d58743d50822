"""Rows as the store gives them back to records as they came: frames of samples, failures and repairs between them.

The other way round is in `stages.screen` and `told`. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from models.plant.layout import Layout
from models.records import Frame, Maintenance, MaintenanceAction, WorkOrder
from models.tiers import DAY_US
from pipelines.slices import MARGIN_US

SOURCE = "store"
CELLS = 20_000
"""Values in a frame at most, so that it is far smaller than what a record may be."""


class LifeGone(Exception):
    """The store no longer has all rows of a life: nothing can be rebuilt from the rest. The message says so."""


def life_from(events: Sequence[Maintenance], from_us: int) -> int:
    """Where to begin to read for a span that begins at a time: a margin before its life; 0 where no repair is known.

    On a whole day, so that no bin of any length is read in part.
    """
    repairs = [e.time_us for e in events if e.action is MaintenanceAction.REPAIRED and e.time_us <= from_us]
    return max(0, (max(repairs) - MARGIN_US) // DAY_US * DAY_US) if repairs else 0


def check_whole(read_from_us: int, first_us: int, kept_from_us: int | None) -> None:
    """Raise LifeGone where rows of a life were dropped: the store keeps them from `kept_from_us` on (None: for ever).

    Of a life that no repair began, nobody knows but the store, by having no rows from its first days.
    """
    if kept_from_us is None:
        return
    begins_us = read_from_us + MARGIN_US if read_from_us else first_us - MARGIN_US
    if begins_us < kept_from_us:
        raise LifeGone("its life may have begun before what the store keeps by its retention")


def records_of(
    page: pl.DataFrame, layout: Layout, plant: str, events: Sequence[Maintenance | WorkOrder]
) -> Iterator[Frame | Maintenance | WorkOrder]:
    """One asset's rows as frames with events between them, in order of time."""
    known = [name for name in page.columns if name in layout.numeric_index or name in layout.objects]
    rows = max(1, CELLS // (len(known) + 1))
    begin = 0
    for event in events:
        end = int(page["time_us"].search_sorted(event.done_us)) if len(page) else 0
        yield from _frames(page[begin:end], known, plant, rows)
        yield event
        begin = end
    yield from _frames(page[begin:], known, plant, rows)


def _frames(page: pl.DataFrame, known: list[str], plant: str, rows: int) -> Iterator[Frame]:
    for part in page.iter_slices(rows) if len(page) else ():
        signals = {name: part[name].to_list() for name in known if part[name].null_count() < len(part)}
        if signals:
            yield Frame(
                plant=plant,
                asset=part["asset"][0],
                source=SOURCE,
                times_us=part["time_us"].to_list(),
                signals=signals,
            )
