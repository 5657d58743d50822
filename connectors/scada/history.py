"""Histories of the simulated plant: simulated a day at a time into Parquet, and read again.

A history is a folder with a file of rows for each day, small files of what was true, and a last one that says that it
is whole. Its name covers the equations, the specification and the seed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from models import physics
from models.physics.faults import FaultKind, SensorFault
from models.physics.fleet import SIGNALS, Fleet, FleetBlock, FleetEvent, FleetSpec
from models.physics.orders import FleetOrder
from models.physics.pump import PumpFailure
from models.records import MaintenanceAction, WorkOrderKind

Progress = Callable[[int, int], None]

WHOLE = "whole"
"""The file that is written last."""
CODES = ("run_state", "alarm", "true_state")
"""Columns of small integers beside the values."""


def no_progress(_done: int, _of: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """A failure or repair of the simulated truth."""

    asset: int
    time_us: int
    action: MaintenanceAction
    mode: str


@dataclass(frozen=True, kw_only=True)
class Order:
    """A work order: its dates as written, and the truth, when it was entered and by how much its dates are off."""

    asset: int
    number: str
    kind: WorkOrderKind
    mode: str
    reported_us: int
    started_us: int
    finished_us: int
    entered_us: int
    shift_us: int


@dataclass(frozen=True, kw_only=True)
class History:
    """A stretch of a simulated plant's life: rows by time and then asset, as in `FleetBlock`, and what was true.

    `values` are [rows, signals] with NaN where nothing was sent; the other arrays are [rows].
    """

    n_pumps: int
    asset: np.ndarray
    time_us: np.ndarray
    values: np.ndarray
    run_state: np.ndarray
    alarm: np.ndarray
    true_state: np.ndarray
    events: tuple[Event, ...]
    orders: tuple[Order, ...]
    faults: tuple[SensorFault, ...]

    def first(self, rows: int) -> History:
        """The first so many rows, and what was known and had begun by the last of them."""
        end_us = int(self.time_us[rows - 1])
        return replace(
            self,
            **{name: getattr(self, name)[:rows] for name in ("asset", "time_us", "values", *CODES)},
            events=tuple(event for event in self.events if event.time_us <= end_us),
            orders=tuple(order for order in self.orders if order.entered_us <= end_us),
            faults=tuple(fault for fault in self.faults if fault.first_us <= end_us),
        )

    def after(self, time_us: int) -> History:
        """What comes after a time: rows, and what is known and begins only then."""
        row = int(np.searchsorted(self.time_us, time_us, side="right"))
        return replace(
            self,
            **{name: getattr(self, name)[row:] for name in ("asset", "time_us", "values", *CODES)},
            events=tuple(event for event in self.events if event.time_us > time_us),
            orders=tuple(order for order in self.orders if order.entered_us > time_us),
            faults=tuple(fault for fault in self.faults if fault.first_us > time_us),
        )


def simulate(spec: FleetSpec, seed: int, cache: Path, progress: Progress = no_progress) -> History:
    """The plant's `spec.days`, from the cache if they were simulated before; `progress` gets days done and in all."""
    return read(store(spec, seed, cache, progress), spec.n_pumps)


def store(spec: FleetSpec, seed: int, cache: Path, progress: Progress = no_progress) -> Path:
    """Simulate into the cache, unless it is there; returns its folder. No more than a day is in memory."""
    folder = cache / hashlib.sha256(f"{_equations()} {spec} {seed}".encode()).hexdigest()[:16]
    if (folder / WHOLE).is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    fleet = Fleet(spec, seed)
    events: list[Event] = []
    orders: list[Order] = []
    faults: list[SensorFault] = []
    for day in range(spec.days):
        block = fleet.next_day()
        _put(_rows(block), folder / f"day-{day:03}.parquet")
        events += map(_event, block.events)
        orders += map(_order, block.orders)
        faults += block.faults
        progress(day + 1, spec.days)
    _put(_table(events, EVENT_COLUMNS), folder / "events.parquet")
    _put(_table(orders, ORDER_COLUMNS), folder / "orders.parquet")
    _put(_table(faults, FAULT_COLUMNS), folder / "faults.parquet")
    (folder / WHOLE).touch()
    return folder


def read(folder: Path, n_pumps: int) -> History:
    """A whole history from its folder."""
    rows = pl.read_parquet(folder / "day-*.parquet")
    events, orders, faults = (pl.read_parquet(folder / f"{name}.parquet") for name in ("events", "orders", "faults"))
    return History(
        n_pumps=n_pumps,
        asset=rows["asset"].to_numpy(),
        time_us=rows["time_us"].to_numpy(),
        values=rows.select(SIGNALS).to_numpy(),
        run_state=rows["run_state"].to_numpy(),
        alarm=rows["alarm"].to_numpy(),
        true_state=rows["true_state"].to_numpy(),
        events=tuple(
            Event(**row | {"action": MaintenanceAction(row["action"])}) for row in events.iter_rows(named=True)
        ),
        orders=tuple(Order(**row | {"kind": WorkOrderKind(row["kind"])}) for row in orders.iter_rows(named=True)),
        faults=tuple(SensorFault(**row | {"kind": FaultKind(row["kind"])}) for row in faults.iter_rows(named=True)),
    )


def told(folder: Path) -> tuple[int, int, int]:
    """Rows, failures and repairs, and bytes of a history in its folder, without reading its rows."""
    rows = pl.scan_parquet(folder / "day-*.parquet").select(pl.len()).collect().item()
    events = pl.scan_parquet(folder / "events.parquet").select(pl.len()).collect().item()
    return rows, events, sum(file.stat().st_size for file in folder.iterdir())


EVENT_COLUMNS = {"asset": pl.Int32, "time_us": pl.Int64, "action": pl.String, "mode": pl.String}
ORDER_COLUMNS = {
    "asset": pl.Int32, "number": pl.String, "kind": pl.String, "mode": pl.String, "reported_us": pl.Int64,
    "started_us": pl.Int64, "finished_us": pl.Int64, "entered_us": pl.Int64, "shift_us": pl.Int64,
}  # fmt: skip
FAULT_COLUMNS = {
    "asset": pl.Int32, "signal": pl.String, "kind": pl.String, "first_us": pl.Int64, "last_us": pl.Int64,
    "size": pl.Float64,
}  # fmt: skip
"""Columns in the order of the fields of `Event`, `Order` and `SensorFault`."""


def _equations() -> str:
    """Identity of the equations and of the files' form: a history of others must not be read."""
    sources = [*sorted(Path(physics.__path__[0]).glob("*.py")), Path(__file__)]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def _event(event: FleetEvent) -> Event:
    action = MaintenanceAction(event.kind)
    return Event(asset=event.asset, time_us=event.time_us, action=action, mode=_words(event.mode))


def _order(order: FleetOrder) -> Order:
    return Order(
        asset=order.asset, number=order.number, kind=WorkOrderKind(order.kind), mode=_words(order.mode),
        reported_us=order.reported_us, started_us=order.started_us, finished_us=order.finished_us,
        entered_us=order.entered_us, shift_us=order.shift_us,
    )  # fmt: skip


def _words(mode: PumpFailure | None) -> str:
    return "" if mode is None else mode.name.lower().replace("_", "-")


def _rows(block: FleetBlock) -> pl.DataFrame:
    columns = {"asset": block.asset, "time_us": block.time_us} | {name: getattr(block, name) for name in CODES}
    return pl.DataFrame(columns | {name: block.values[:, at] for at, name in enumerate(SIGNALS)})


def _table(items: Sequence[Event | Order | SensorFault], columns: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([tuple(map(_plain, astuple(item))) for item in items], schema=columns, orient="row")


def _plain(value: object) -> object:
    return str(value) if isinstance(value, str) else value


def _put(frame: pl.DataFrame, file: Path) -> None:
    """Write by a rename of this process's own file: another that simulates the same never shows half of it."""
    partial = file.with_suffix(f".partial-{os.getpid()}")
    frame.write_parquet(partial)
    partial.rename(file)
