"""Advice on a compressed-air network, once a day: its pressure, and what leaks at night, by the rows of two weeks."""

from __future__ import annotations

import numpy as np
import polars as pl
import structlog

from models.energy.advice import Asked, Declined
from models.energy.leaks import SPECIFIC_KW, Night, mend
from models.energy.pressure import Network, lower_pressure
from models.plant.production import Air, Tap
from models.records import Suggestion, key_of
from models.tuning.rails import Change, Context, Limits, Refused
from pipelines.plan.board import Board
from pipelines.plan.ports import Rows
from pipelines.plan.readings import MINUTE_US, RUNNING, minutes_of
from pipelines.plan.role import Look, Planner, Sender
from pipelines.topics import Topic

_log = structlog.get_logger()

DAY_US = 86_400 * 1_000_000
BACK_US = 14 * DAY_US
LOOK_S = 600.0
STEP_BAR, RATE_BAR = 0.3, 0.6
"""Most that is suggested at once, and in a week. Our choice: consumers are watched meanwhile."""


def advising(planner: Planner, rows: Rows) -> Look:
    """Once a day by the plant's time."""
    done_us: int | None = None

    async def once(now_us: int) -> None:
        nonlocal done_us
        if done_us is None or now_us >= done_us + DAY_US:
            await advise(planner.board, planner.send, rows, now_us)
            done_us = now_us

    return Look("compressed air", LOOK_S, once)


async def advise(board: Board, send: Sender, rows: Rows, now_us: int) -> None:
    """What is to be suggested now of the plant's air network, behind the rails; else why not, in the log."""
    production = board.plant.production
    if production is None or production.air is None:
        return
    air = production.air
    pressure = await _minutes(board, rows, air.pressure, now_us)
    power = await _sum(board, rows, air, now_us)
    limits = Limits(
        low=air.lowest_bar, high=air.setpoint_bar, step=STEP_BAR, rate=RATE_BAR, rate_h=168.0, evidence=7 * 1440,
        cool_down_h=48.0, longest_h=168.0,
    )  # fmt: skip
    network = Network(air.setpoint_bar, air.least_bar, pressure, power)
    asked = Asked(
        board.plant.plant, air.pressure.asset, now_us, now_us + 7 * DAY_US, limits, _context(board, air, now_us)
    )
    leaks = asked._replace(limits=Limits(low=0.0, high=100.0, evidence=3, longest_h=168.0))
    night = await _night(board, rows, air, power, now_us)
    if production.price_per_kwh:  # else no money is told of
        night = night._replace(price_per_kwh=production.price_per_kwh, currency=board.plant.currency or "")
    for about, said in (("pressure", lower_pressure(network, asked)), ("leaks", mend(night, leaks))):
        if isinstance(said, Suggestion):
            await send(Topic.SUGGESTIONS, [(key_of(said.plant, said.asset), said)])
        else:
            _log.info("no-advice", asset=air.pressure.asset, about=about, **_why(said))


def _why(said: Declined | Refused) -> dict[str, str]:
    return {"why": str(said[0]), "detail": said.detail}


def _context(board: Board, air: Air, now_us: int) -> Context:
    waiting, accepted = board.suggested(air.pressure.asset, now_us)
    changes = tuple(Change(time_us=at, before=air.setpoint_bar, after=air.setpoint_bar) for at in accepted)
    return Context(open=waiting, changes=changes)


async def _minutes(board: Board, rows: Rows, tap: Tap, now_us: int) -> np.ndarray:
    """A signal's means by minute of two weeks, float64, NaN where it said nothing."""
    from_us = now_us - BACK_US
    found = await rows.read(board.plant.assets[tap.asset].type, from_us, now_us, [tap.asset])
    out = np.full(BACK_US // MINUTE_US, np.nan)
    if found.is_empty() or tap.signal not in found.columns:
        return out
    means = (
        found.select(((pl.col("time_us") - from_us) // MINUTE_US).alias("at"), pl.col(tap.signal).cast(pl.Float64))
        .drop_nulls()
        .group_by("at")
        .agg(pl.col(tap.signal).mean())
    )
    out[means["at"].to_numpy()] = means[tap.signal].to_numpy()
    return out


async def _sum(board: Board, rows: Rows, air: Air, now_us: int) -> np.ndarray:
    return np.asarray(sum([await _minutes(board, rows, tap, now_us) for tap in air.compressors]))


async def _night(board: Board, rows: Rows, air: Air, power: np.ndarray, now_us: int) -> Night:
    """Minutes in which no machine runs that is planned, and the compressors do; what leaks costs is told in kWh."""
    flow = np.full(len(power), np.nan) if air.flow is None else await _minutes(board, rows, air.flow, now_us)
    stands, from_us = np.isfinite(power) & (power > 0), now_us - BACK_US
    for name, machine in board.producers.items():
        if machine.power is None:
            continue
        kind = board.plant.assets[name].type
        found = minutes_of(await rows.read(kind, from_us, now_us, [name]), machine, board.plant.types[kind])
        at = found.minute[found.state == RUNNING] - from_us // MINUTE_US
        stands[at[(at >= 0) & (at < len(stands))]] = False
    places = np.flatnonzero(stands)
    known = flow[np.isfinite(flow)]
    by_power = float(np.nanmean(power)) / SPECIFIC_KW if np.isfinite(power).any() else 0.0
    mean = float(known.mean()) if len(known) else by_power
    return Night(places + from_us // MINUTE_US, flow[places], power[places], mean, 1.0, "kWh")
