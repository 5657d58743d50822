"""Rows of machines as minutes: power, what it is doing, what it made of which product. Pure."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl

from models.energy.profiles import STATES, Minutes
from models.plant import AssetType, Producer
from models.plant.signals import Operating
from models.records import OperatingState

MINUTE_US = 60_000_000
OFF, IDLE, STARTING, RUNNING, UNKNOWN = (
    STATES.index(one)
    for one in (
        OperatingState.OFF,
        OperatingState.IDLE,
        OperatingState.STARTING,
        OperatingState.RUNNING,
        OperatingState.UNKNOWN,
    )
)


def minutes_of(rows: pl.DataFrame, machine: Producer, kind: AssetType) -> Minutes:
    """One machine's rows, ascending, as minutes that have a power.

    A counter that falls began anew: that minute made nothing. Idle minutes between off and running are of a start.
    """
    if rows.is_empty() or machine.power not in rows.columns:
        return Minutes(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, int), np.zeros(0), np.zeros(0, int), ())
    operating = kind.operating
    wanted = {"power": machine.power, "parts": machine.parts, "product": machine.product}
    wanted["state"] = operating.signal if operating else None
    columns = [
        pl.col(name).alias(key) if name in rows.columns else pl.lit(None).alias(key) for key, name in wanted.items()
    ]
    found = (
        rows.select((pl.col("time_us") // MINUTE_US).alias("minute"), *columns)
        .group_by("minute", maintain_order=True)
        .agg(
            pl.col("power").mean(),
            *(pl.col(key).drop_nulls().last() for key in ("parts", "product", "state")),
        )
        .with_columns(pl.col("parts").cast(pl.Float64), pl.col("product", "state").forward_fill())
        .with_columns(pl.col("parts").forward_fill().diff().fill_null(0.0).clip(lower_bound=0.0).alias("units"))
        .filter(pl.col("power").is_not_null())
    )
    products = tuple(sorted({str(one) for one in found["product"].drop_nulls().to_list()}))
    places = {name: at for at, name in enumerate(products)}
    return Minutes(
        found["minute"].to_numpy(),
        found["power"].cast(pl.Float64).to_numpy(),
        _states(found["state"].to_list(), operating),
        found["units"].to_numpy(),
        np.array([-1 if one is None else places[str(one)] for one in found["product"].to_list()], int),
        products,
    )


def _states(said: list[object], rule: Operating | None) -> np.ndarray:
    """What a machine is doing by the rule of its type; running, where it has none."""
    if rule is None:
        return np.full(len(said), RUNNING)
    if rule.states:
        words = {word: STATES.index(state) for state, of in rule.states.items() for word in of}
        return np.array([words.get(one, UNKNOWN) for one in said], int)  # type: ignore[call-overload] # a word of the tag, or None
    values = np.array([np.nan if one is None else float(str(one)) for one in said])
    level = np.where(
        values >= (rule.running_above or 0.0), RUNNING, np.where(values <= (rule.off_below or 0.0), OFF, IDLE)
    )
    level = np.where(np.isnan(values), UNKNOWN, level)
    return _with_starts(level)


def _with_starts(level: np.ndarray) -> np.ndarray:
    """Idle runs between off and running, as starts."""
    edges = np.concatenate(([0], np.flatnonzero(np.diff(level)) + 1, [len(level)]))
    out = level.copy()
    for before, begin, end in zip(edges[:-2], edges[1:-1], edges[2:], strict=True):
        after = level[end] if end < len(level) else UNKNOWN
        if level[begin] == IDLE and level[before] == OFF and after == RUNNING:
            out[begin:end] = STARTING
    return out


def idle_spells(minutes: Minutes) -> np.ndarray:
    """Lengths in minutes of the idle times between two runs, float64."""
    edges = np.concatenate(([0], np.flatnonzero(np.diff(minutes.state)) + 1, [len(minutes.state)]))
    lengths = [
        minutes.minute[end - 1] - minutes.minute[begin] + 1
        for begin, end in pairwise(edges[1:])
        if minutes.state[begin] == IDLE and minutes.state[begin - 1] == RUNNING
    ]
    return np.array(lengths, float)
