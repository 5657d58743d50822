"""The simulated plant as a feed: rows of the pump fleet become records, in order of time, with ticks and maintenance.

Everything here is simulated, by the published physics in `models.physics`; a history is kept as Parquet and read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from models import physics
from models.physics.fleet import SIGNALS, Fleet, FleetBlock, FleetSpec
from models.physics.pump import PumpFailure
from models.records import AnyInput, Frame, Maintenance, MaintenanceAction, Tick

SOURCE = "simulator"
START_US = 1_767_225_600_000_000
"""2026-01-01 00:00 UTC, when the simulated plant's clock starts."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Event:
    """A failure or repair of the simulated truth."""

    asset: int
    time_us: int
    action: MaintenanceAction
    mode: str


@dataclass(frozen=True, kw_only=True)
class History:
    """A stretch of a simulated plant's life: rows by time and then asset, `values` [rows, signals], and its events."""

    asset: np.ndarray
    time_us: np.ndarray
    values: np.ndarray
    events: tuple[Event, ...]


def asset_name(index: int) -> str:
    """Name of a simulated pump."""
    return f"pump-{index + 1:02}"


def simulate(spec: FleetSpec, seed: int, cache: Path, progress: Progress = lambda _done, _of: None) -> History:
    """The plant's `spec.days`, from the cache if they were simulated before; `progress` gets days done and in all."""
    name = hashlib.sha256(f"{_physics()} {spec} {seed}".encode()).hexdigest()[:16]
    rows_file, events_file = cache / f"{name}.rows.parquet", cache / f"{name}.events.parquet"
    if events_file.is_file():
        return _read(rows_file, events_file)
    blocks = []
    fleet = Fleet(spec, seed)
    for day in range(spec.days):
        blocks.append(fleet.next_day())
        progress(day + 1, spec.days)
    history = _joined(blocks)
    cache.mkdir(parents=True, exist_ok=True)
    _write(history, rows_file, events_file)
    return history


def _physics() -> str:
    """Identity of the equations: a cached history of other physics must not be read."""
    sources = sorted(Path(physics.__path__[0]).glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def _joined(blocks: list[FleetBlock]) -> History:
    return History(
        asset=np.concatenate([block.asset for block in blocks]),
        time_us=np.concatenate([block.time_us for block in blocks]),
        values=np.concatenate([block.values for block in blocks]),
        events=tuple(
            Event(
                asset=event.asset,
                time_us=event.time_us,
                action=MaintenanceAction(event.kind),
                mode=PumpFailure(event.mode).name.lower().replace("_", "-"),
            )
            for block in blocks
            for event in block.events
        ),
    )


def _write(history: History, rows_file: Path, events_file: Path) -> None:
    """The events last and by a rename: their file says that the history is whole."""
    rows = {"asset": history.asset, "time_us": history.time_us}
    rows |= {name: history.values[:, at] for at, name in enumerate(SIGNALS)}
    pl.DataFrame(rows).write_parquet(rows_file)
    events = {"asset": pl.Int32, "time_us": pl.Int64, "action": pl.String, "mode": pl.String}
    data = [(e.asset, e.time_us, str(e.action), e.mode) for e in history.events]
    partial = events_file.with_suffix(".partial")
    pl.DataFrame(data, schema=events, orient="row").write_parquet(partial)
    partial.rename(events_file)


def _read(rows_file: Path, events_file: Path) -> History:
    rows, events = pl.read_parquet(rows_file), pl.read_parquet(events_file)
    return History(
        asset=rows["asset"].to_numpy(),
        time_us=rows["time_us"].to_numpy(),
        values=rows.select(SIGNALS).to_numpy(),
        events=tuple(
            Event(asset=asset, time_us=time_us, action=MaintenanceAction(action), mode=mode)
            for asset, time_us, action, mode in events.iter_rows()
        ),
    )


def records(history: History, plant: str) -> Iterator[AnyInput]:
    """One frame a row, in order; before the frames of each instant a tick, after them what happened to machines."""
    instants = np.flatnonzero(np.diff(history.time_us, prepend=-1))
    ends = np.append(instants[1:], len(history.time_us))
    times, assets = history.time_us.tolist(), history.asset.tolist()
    waiting = sorted(history.events, key=lambda event: (event.time_us, event.asset), reverse=True)
    for first, end in zip(instants.tolist(), ends.tolist(), strict=True):
        now_us = times[first]
        yield from _due(waiting, now_us - 1, plant)
        yield Tick(plant=plant, time_us=now_us)
        for row in range(first, end):
            signals = {name: [value] for name, value in zip(SIGNALS, history.values[row].tolist(), strict=True)}
            yield Frame(plant=plant, asset=asset_name(assets[row]), source=SOURCE, times_us=[now_us], signals=signals)
        yield from _due(waiting, now_us, plant)


def _due(waiting: list[Event], until_us: int, plant: str) -> Iterator[Maintenance]:
    while waiting and waiting[-1].time_us <= until_us:
        event = waiting.pop()
        yield Maintenance(
            plant=plant, asset=asset_name(event.asset), time_us=event.time_us, action=event.action, mode=event.mode
        )
