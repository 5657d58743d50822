"""Machines by the hour: how healthy each is once an hour of running, and when its trend reaches a limit.

An hour is taken at its first final minute of settled running, by the features that a model of its type saw then.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.alerting.belonging import Said
from models.bins import changes
from models.failure import health, trend
from models.failure.health import OPEN, HealthModel, Scored
from models.failure.switches import Switches
from models.failure.trend import NEAR_H, NEVER_H, Ahead, Trends
from models.operating import RUNNING, Found
from models.plant import ANY_MODE
from models.records import (
    Confidence,
    Contribution,
    Evidence,
    Health,
    Level,
    Remaining,
    Rung,
    Whose,
    id_of,
)

if TYPE_CHECKING:
    from pipelines.settled import Minutes
    from pipelines.state import Block

HOUR_MIN = 60
DECIMALS = 4


class Hours:
    """Where machines stand by the hour: their trends, and whether health and trend hold. Arrays [assets, ...]."""

    def __init__(self, trends: Trends, unhealthy: Switches, near: Switches) -> None:
        self.trends, self.unhealthy, self.near = trends, unhealthy, near
        self.touched = np.zeros(len(trends.hour), bool)
        """Of which assets an hour was taken since the last snapshot."""

    @classmethod
    def none(cls, assets: int, tracks: int) -> Hours:
        """Of machines of which nothing is known."""
        return cls(Trends.none(assets, tracks), Switches.none(assets), Switches.none(assets))

    @property
    def tracks(self) -> int:
        """How many values are followed."""
        return self.trends.values.shape[1]

    def _parts(self) -> tuple[tuple[str, Trends | Switches], ...]:
        return ("trends", self.trends), ("unhealthy", self.unhealthy), ("near", self.near)

    def arrays(self) -> Iterator[tuple[str, str, np.ndarray]]:
        """All arrays, each with what it is of and its name."""
        for of, part in self._parts():
            for name in part.__struct_fields__:
                yield of, name, getattr(part, name)

    def grow(self, assets: int) -> None:
        """Make room for `assets` machines in all."""
        self.touched = np.concatenate([self.touched, np.zeros(assets - len(self.touched), bool)])
        for _, part in self._parts():
            part.grow(assets)

    def of(self, assets: np.ndarray) -> Hours:
        """Those of some machines, a copy."""
        return Hours(*(part.copy_of(assets) for _, part in self._parts()))  # type: ignore[arg-type]

    def put(self, assets: np.ndarray, moved: Hours) -> None:
        """Those machines as they were moved on."""
        self.trends.put(assets, moved.trends)
        self.unhealthy.put(assets, moved.unhealthy)
        self.near.put(assets, moved.near)
        self.touched[assets] = True


class Hour(NamedTuple):
    """What the hour of a machine says, as of the end of a final minute."""

    asset: int
    minute: int
    since_us: int
    health: float
    t2: float
    spe: float
    drivers: tuple[Contribution, ...]
    limiting: str
    remaining: Remaining | None
    baseline: Whose
    confidence: Confidence
    completeness: float
    is_unhealthy: bool
    is_near: bool


def take_hours(block: Block, model: HealthModel, minutes: Minutes, found: Found) -> list[Hour]:
    """Take final minutes that are the first of an hour; what each says, by asset and minute."""
    chosen = _first_of_hours(block, minutes, found)
    if not len(chosen):
        return []
    picked = minutes.where(chosen)
    asset, minute, since_us = picked
    entries = [block.small.entries[a][m].features for a, m in zip(asset.tolist(), minute.tolist(), strict=True)]
    rows = np.frombuffer(b"".join(entries), np.float32).reshape(len(chosen), -1)
    scored = model.scores(rows)
    turn = np.arange(len(asset)) - np.maximum.accumulate(np.where(changes(asset), np.arange(len(asset)), 0))
    out: list[tuple[int, Hour]] = []
    for number in range(int(turn.max()) + 1):
        at = np.flatnonzero(turn == number)
        moved, ahead = _moved(block.hours.of(asset[at]), model, rows[at], scored.part(at), since_us[at], minute[at])
        block.hours.put(asset[at], moved)
        places = zip(at.tolist(), trend.nearest(ahead).tolist(), strict=True)
        out += [
            (place, _said(model, scored, place, picked, moved, ahead, n, track))
            for n, (place, track) in enumerate(places)
        ]
    return [hour for _, hour in sorted(out, key=itemgetter(0))]


def _first_of_hours(block: Block, minutes: Minutes, found: Found) -> np.ndarray:
    """Places of minutes of running that were looked at, the first in an hour and life that has none yet."""
    asset, minute, since_us = minutes
    hour, trends = minute // HOUR_MIN, block.hours.trends
    known = np.where(trends.since_us[asset] == since_us, trends.hour[asset, -1], NEVER_H)
    ran = np.flatnonzero((found.state == RUNNING) & (hour > known))
    pairs = zip(asset[ran].tolist(), minute[ran].tolist(), strict=True)
    ran = ran[np.array([_is_looked_at(block, *pair) for pair in pairs], bool)]
    return ran[changes(asset[ran]) | changes(hour[ran]) | changes(since_us[ran])]


def first_of_hours(minutes: Minutes, runs: np.ndarray) -> np.ndarray:
    """Minutes that an hour is taken at, whatever the cadence: bool [pairs], the first in each that `runs`."""
    out = np.zeros(len(runs), bool)
    ran = np.flatnonzero(runs)
    asset, hour, since_us = minutes.asset[ran], minutes.minute[ran] // HOUR_MIN, minutes.since_us[ran]
    out[ran[changes(asset) | changes(hour) | changes(since_us)]] = True
    return out


def _is_looked_at(block: Block, asset: int, minute: int) -> bool:
    entry = block.small.entries.get(asset, {}).get(minute)
    return entry is not None and bool(entry.features)


def _moved(
    hours: Hours, model: HealthModel, rows: np.ndarray, scored: Scored, since_us: np.ndarray, minute: np.ndarray
) -> tuple[Hours, Ahead]:
    """Machines with an hour more, of each one, and what lies ahead of them."""
    trends = trend.push(hours.trends, model.hours(rows, scored, since_us, minute // HOUR_MIN))
    ahead = trend.ahead(trends, model.bounds)
    unhealthy, _ = health.watch(hours.unhealthy, since_us, scored.index)
    near, _ = trend.watch(hours.near, since_us, ahead)
    return Hours(trends, unhealthy, near), ahead


def _said(
    model: HealthModel, scored: Scored, place: int, minutes: Minutes, moved: Hours, ahead: Ahead, number: int,
    track: int,
) -> Hour:  # fmt: skip
    return Hour(
        asset=int(minutes.asset[place]),
        minute=int(minutes.minute[place]),
        since_us=int(minutes.since_us[place]),
        health=float(scored.index[place]),
        t2=float(scored.t2[place]),
        spe=float(scored.spe[place]),
        drivers=model.drivers(scored, place),
        limiting=model.tracks[track] if track >= 0 else "",
        remaining=trend.remaining(ahead, number, track),
        baseline=health.baseline(scored, place),
        confidence=health.founded(model, scored, place),
        completeness=round(health.completeness(scored, place), DECIMALS),
        is_unhealthy=bool(moved.unhealthy.on[number]),
        is_near=bool(moved.near.on[number]),
    )


def health_of(model: HealthModel, hour: Hour, said: Said) -> Health:
    """The record of an hour; of one of which too little is known, the index is none."""
    return Health(
        id=id_of("health", said.plant, said.asset, Rung.HEALTH, said.window_end_us),
        revision=0,
        plant=said.plant,
        asset=said.asset,
        window_end_us=said.window_end_us,
        index=None if np.isnan(hour.health) else hour.health,
        t2=hour.t2,
        spe=hour.spe,
        drivers=hour.drivers,
        limiting=hour.limiting,
        remaining=hour.remaining,
        baseline=hour.baseline,
        model=model.card.version,
        basis=model.card.basis,
        confidence=hour.confidence,
        completeness=hour.completeness,
    )


def evidence_of(rung: Rung, model: HealthModel, hour: Hour, since_us: int) -> Evidence:
    """What an unhealthy machine, or one near a limit, is held to."""
    basis = f"{model.card.basis}, against {hour.baseline} healthy time"
    value: float | None
    if rung is Rung.HEALTH:
        signals, value, limit, unit = tuple(one.signal for one in hour.drivers), hour.health, OPEN, "of 100"
    else:
        signals, limit, unit = (hour.limiting,), NEAR_H, "h"
        value = hour.remaining.median_h if hour.remaining else None
    return Evidence(
        rung=rung,
        name=model.card.name if rung is Rung.HEALTH else hour.limiting,
        level=Level.WARNING,
        since_us=since_us,
        mode=ANY_MODE,
        signals=signals,
        value=None if value is None or np.isnan(value) else value,
        limit=limit,
        unit=unit,
        basis=basis,
        confidence=hour.confidence,
    )
