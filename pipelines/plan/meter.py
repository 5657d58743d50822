"""The site's meter: its forecast each quarter-hour, and a warning while a quarter-hour is about to pass its limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl

from models.contracts import STEP_MIN
from models.energy.demand import QUARTER_US, Quantiles, Reading, Seen, Watch, step
from models.energy.load import LoadQuantiles
from models.energy.shedding import Sheddable
from models.plant import Producer, Production, seconds
from models.plant.production import Metered
from models.records import LoadForecast, Plan, PlannedJob, key_of
from pipelines.plan.board import Board
from pipelines.plan.ports import Rows
from pipelines.plan.role import Look, Planner, Sender
from pipelines.topics import Topic

LOOK_S = 10.0
MINUTE_US = 60_000_000
READ_US = 35 * MINUTE_US
"""Of readings: the quarter that ended, this one, and minutes between. Our choice."""
SILENT_US = 5 * MINUTE_US
"""A reading holds until the next one, and no longer than this. Our choice."""
PAST_DAYS = 182
"""Of the meter that a forecast looks at: half a year. Our choice, by `make bench ONLY=load`."""

Forecaster = Callable[[np.ndarray, int], tuple[str, LoadQuantiles]]
"""From 15-min means in kW up to an origin, and that origin: the model's name and what it says."""


def forecasting(planner: Planner, rows: Rows, forecasters: Mapping[Metered, Forecaster]) -> Look:
    """Of each meter and machine, at each quarter-hour."""
    done: dict[Metered, int] = {}

    async def once(now_us: int) -> None:
        origin_us = now_us // QUARTER_US * QUARTER_US
        for of, forecaster in forecasters.items():
            if origin_us > done.get(of, -1):
                await send_forecast(planner.board, planner.send, rows, origin_us, of, forecaster)
                done[of] = origin_us

    return Look("load forecasts", LOOK_S, once)


async def send_forecast(
    board: Board, send: Sender, rows: Rows, origin_us: int, of: Metered, forecaster: Forecaster
) -> None:
    """Forecast a load from an origin on, and publish it."""
    kind = board.plant.assets[of.asset].type
    found = await rows.read(kind, origin_us - PAST_DAYS * 96 * QUARTER_US, origin_us, [of.asset])
    history = quarter_means(found, of.signal, origin_us)
    if not len(history):
        return
    model, said = await asyncio.to_thread(forecaster, history, origin_us)
    made = LoadForecast(
        plant=board.plant.plant, asset=of.asset, made_us=origin_us, begin_us=origin_us, step_min=STEP_MIN,
        q10_kw=_shown(said.q10_kw), q50_kw=_shown(said.q50_kw), q90_kw=_shown(said.q90_kw), model=model,
    )  # fmt: skip
    await send(Topic.LOADS, [(key_of(made.plant, made.asset), made)])


def _shown(values: np.ndarray) -> tuple[float, ...]:
    return tuple(round(float(one), 3) for one in values)


def quarter_means(rows: pl.DataFrame, signal: str, origin_us: int) -> np.ndarray:
    """Means of a signal by quarter-hour up to an origin, float64, NaN where there is no sample; from the first on."""
    if rows.is_empty() or signal not in rows.columns:
        return np.zeros(0)
    found = (
        rows.select((pl.col("time_us") // QUARTER_US).alias("quarter"), pl.col(signal).cast(pl.Float64).alias("kw"))
        .drop_nulls()
        .group_by("quarter")
        .agg(pl.col("kw").mean())
    )
    if found.is_empty():
        return np.zeros(0)
    at, last = found["quarter"].to_numpy(), origin_us // QUARTER_US
    out = np.full(int(last - at.min()), np.nan)
    out[at - at.min()] = found["kw"].to_numpy()
    return out


def watching(planner: Planner, rows: Rows) -> Look:
    """The quarter-hour, from the warning of it that was sent last on."""
    watch: Watch | None = None

    async def once(now_us: int) -> None:
        nonlocal watch
        if watch is None:
            last = planner.board.demand
            watch = Watch(last.quarter_us, last) if last is not None and last.is_open else Watch()
        watch = await look(planner.board, planner.send, rows, now_us, watch)

    return Look("meter", LOOK_S, once)


async def look(board: Board, send: Sender, rows: Rows, now_us: int, watch: Watch) -> Watch:
    """One look at this quarter-hour; the watch after it."""
    production = _production(board)
    meter, limit_kw = production.meter, limit_of(production)
    if meter is None or limit_kw is None:
        return watch
    kind = board.plant.assets[meter.asset].type
    found = await rows.read(kind, now_us - READ_US, now_us + 1, [meter.asset])
    powers = await _powers(board, rows, now_us)
    machines = [sheddable(board, name, one, powers.get(name), now_us) for name, one in production.machines.items()]
    seen = Seen(now_us, readings(found, meter.signal, now_us), limit_kw, machines, _quantiles(board.load, now_us))
    watch, warnings = step(watch, seen, board.plant.plant)
    await send(Topic.DEMAND, [(key_of(one.plant, str(one.quarter_us)), one) for one in warnings])
    return watch


def limit_of(production: Production) -> float | None:
    """The mean that no quarter-hour is to pass: what is allowed or billed anyway; None where neither is known."""
    demand = production.demand
    known = [one for one in (demand.limit_kw, demand.billed_kw if demand.price_per_kw else None) if one]
    return min(known, default=None)


def readings(rows: pl.DataFrame, signal: str, now_us: int) -> list[Reading]:
    """Rows of a meter as readings, each until the next one or now."""
    if rows.is_empty() or signal not in rows.columns:
        return []
    known = rows.select("time_us", pl.col(signal).cast(pl.Float64)).drop_nulls()
    times, kw = known["time_us"].to_list(), known[signal].to_list()
    ends = [*times[1:], now_us]
    return [
        Reading(begin, min(end, begin + SILENT_US), value) for begin, end, value in zip(times, ends, kw, strict=True)
    ]


def _quantiles(load: LoadForecast | None, now_us: int) -> Quantiles | None:
    if load is None:
        return None
    at = (now_us - load.begin_us) // (load.step_min * MINUTE_US)
    if not 0 <= at < len(load.q50_kw):
        return None
    return Quantiles(load.q10_kw[at], load.q50_kw[at], load.q90_kw[at])


async def _powers(board: Board, rows: Rows, now_us: int) -> dict[str, float]:
    """The last power of each machine that says one, of the last minutes."""
    found: dict[str, float] = {}
    for name, machine in board.producers.items():
        if machine.power is None:
            continue
        of = await rows.read(board.plant.assets[name].type, now_us - SILENT_US, now_us + 1, [name])
        if machine.power in of.columns and len(known := of[machine.power].drop_nulls()):
            found[name] = float(known[-1])
    return found


def sheddable(board: Board, name: str, machine: Producer, kw: float | None, now_us: int) -> Sheddable:
    """A machine as it is now: by its last power, else by the plan."""
    jobs = [] if board.plan is None else [job for job in board.plan.jobs if job.asset == name]
    now = next((job for job in jobs if job.begin_us <= now_us < job.end_us), None)
    drawn = kw if kw is not None else _planned_kw(board.plan, name, now_us)
    job_cost = _production(board).late_per_h
    return Sheddable(
        asset=name,
        kw=max(0.0, drawn - machine.off_kw),
        cost_per_h=job_cost if now else 0.0,
        why=f"its job {now.order} can wait" if now else "it has no job now",
        may_wait=machine.sheddable and machine.may_be_off,
        needs_permission=not machine.may_be_off,
        longest_off_min=seconds(machine.longest_wait) / 60,
        least_on_min=seconds(machine.least_on) / 60,
        on_since_us=_on_since(jobs, now_us),
        back_min=seconds(machine.start) / 60,
        slack_min=None if now is None else (now.due_us - now.end_us) / MINUTE_US,
        is_off=drawn <= machine.off_kw,
        is_in_maintenance=name in board.down,
    )


def _planned_kw(plan: Plan | None, name: str, now_us: int) -> float:
    spans = () if plan is None else plan.power
    return next((one.kw for one in spans if one.asset == name and one.begin_us <= now_us < one.end_us), 0.0)


def _on_since(jobs: Sequence[PlannedJob], now_us: int) -> int:
    """Since when its job runs; long ago where it has none."""
    return max((job.begin_us for job in jobs if job.begin_us <= now_us), default=0)


def _production(board: Board) -> Production:
    assert board.plant.production is not None
    return board.plant.production
