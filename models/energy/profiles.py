"""What a machine takes, learned minute by minute: kW by state, kWh of a start, kWh a unit, units an hour.

While it runs, its power is a constant and a slope on what it makes (the process-rate law of Gutowski, Dahmus and
Thiriez 2006), fitted over hours: units are whole, so that minutes would tell of their counting. Of a machine that
makes less than a few an hour the slope is told too low and the constant too high, and their sum at the usual rate
right. State is sums, so minutes may come in any cut.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np
from msgspec import Struct

from models.energy.estimates import (
    COLUMNS,
    Line,
    line,
    line_added,
    line_sums,
    ratio,
    ratio_decay,
    ratio_sums,
    robust,
)
from models.records import EnergyProfile, Learned, OperatingState, ProductEnergy

STATES = tuple(OperatingState)
RUNNING, STARTING, IDLE = (
    STATES.index(one) for one in (OperatingState.RUNNING, OperatingState.STARTING, OperatingState.IDLE)
)
HALF_LIFE_H = 6 * 168.0
"""An hour weighs half as much as one six weeks newer: seasons and wear show, a holiday does not. Our choice."""
STARTS = 64
"""Starts that are remembered, the newest: two months of one a day. Our choice."""
MOST_PRODUCTS = 64
"""Products that are told apart; hours with another one are left out of the slopes. Our choice: sums grow by square."""
NEVER = -(1 << 40)


class Minutes(NamedTuple):
    """Minutes of one machine, ascending. Power that is not finite is not known: that minute tells nothing."""

    minute: np.ndarray  # int64, minutes since 1970
    power_kw: np.ndarray  # float64, mean of the minute
    state: np.ndarray  # int, places in STATES
    units: np.ndarray  # float64, made in the minute
    product: np.ndarray  # int, places in `products`, -1 for none
    products: tuple[str, ...]

    def of(self, rows: np.ndarray | slice) -> Minutes:
        """Some of them."""
        minute, power_kw, state, units, product = self.minute, self.power_kw, self.state, self.units, self.product
        return Minutes(minute[rows], power_kw[rows], state[rows], units[rows], product[rows], self.products)


class Run(Struct):
    """The minutes in one state that go on now; whole where the minute before them is known."""

    state: int = -1
    last: int = NEVER
    minutes: int = 0
    kwh: float = 0.0
    is_whole: bool = False


class ProfileState(Struct):
    """What was learned by hour `closed`, and the hour that is open. Keys are STATES, then products."""

    products: list[str]
    ratios: np.ndarray  # float64 [keys, COLUMNS]
    normal: np.ndarray  # float64 [1 + products, 1 + products]
    right: np.ndarray  # float64 [1 + products]
    loose: np.ndarray  # float64 [4], the other sums of a Line
    starts: np.ndarray  # float64 [starts, 2], kWh and minutes
    open_minutes: np.ndarray  # float64 [keys], of products those of running
    open_sums: np.ndarray  # float64 [keys], kW, of products units
    run: Run
    first: int = NEVER
    hour: int = NEVER
    closed: int = NEVER
    has_others: bool = False

    @classmethod
    def none(cls) -> ProfileState:
        """A machine of which nothing is known."""
        keys, empty = len(STATES), np.zeros(0)
        return cls(
            [], np.zeros((keys, COLUMNS)), np.zeros((1, 1)), np.zeros(1), np.zeros(4), empty.reshape(0, 2),
            np.zeros(keys), np.zeros(keys), Run(),
        )  # fmt: skip


def take(state: ProfileState, minutes: Minutes) -> ProfileState:
    """The state with these minutes; those not newer than its last change nothing.

    Raises ValueError where minutes do not ascend. The state passes in and out.
    """
    if np.any(np.diff(minutes.minute) <= 0):
        raise ValueError("minutes must ascend, each once")
    known = minutes.minute > state.run.last
    minutes = minutes.of(known)
    if not len(minutes.minute):
        return state
    places = _places(state, minutes)
    if state.first == NEVER:
        state.first = int(minutes.minute[0])
    _starts(state, minutes)
    hours = minutes.minute // 60
    for rows in np.split(np.arange(len(hours)), np.flatnonzero(np.diff(hours)) + 1):
        if hours[rows[0]] != state.hour:
            _close(state)
            state.hour = int(hours[rows[0]])
        _add(state, minutes, places, rows)
    return state


def _places(state: ProfileState, minutes: Minutes) -> np.ndarray:
    """Where each minute's product is among the keys; -1 for none, -2 for one too many."""
    seen, first = np.unique(minutes.product, return_index=True)
    for product in seen[np.argsort(first)]:
        name = minutes.products[product] if product >= 0 else None
        if name is not None and name not in state.products and len(state.products) < MOST_PRODUCTS:
            _grow(state, [name])
    at = {name: len(STATES) + place for place, name in enumerate(state.products)}
    table = np.array([*(at.get(name, -2) for name in minutes.products), -1])
    return table[minutes.product]


def _grow(state: ProfileState, names: list[str]) -> None:
    more = len(names)
    state.products = [*state.products, *names]
    state.ratios = np.pad(state.ratios, ((0, more), (0, 0)))
    state.normal, state.right = np.pad(state.normal, ((0, more), (0, more))), np.pad(state.right, (0, more))
    state.open_minutes, state.open_sums = np.pad(state.open_minutes, (0, more)), np.pad(state.open_sums, (0, more))


def _starts(state: ProfileState, minutes: Minutes) -> None:
    """Follow runs of one state; a start that was seen whole, and went on to running or idle, is remembered."""
    breaks = np.flatnonzero((np.diff(minutes.state) != 0) | (np.diff(minutes.minute) != 1)) + 1
    for rows in np.split(np.arange(len(minutes.minute)), breaks):
        run, code = state.run, int(minutes.state[rows[0]])
        follows = int(minutes.minute[rows[0]]) == run.last + 1
        kwh = float(minutes.power_kw[rows].sum()) / 60.0
        if follows and code == run.state:
            run = Run(code, run.last, run.minutes + len(rows), run.kwh + kwh, run.is_whole)
        else:
            if run.is_whole and follows and run.state == STARTING and code in (RUNNING, IDLE) and np.isfinite(run.kwh):
                state.starts = np.vstack([state.starts, [run.kwh, run.minutes]])[-STARTS:]
            run = Run(code, run.last, len(rows), kwh, follows)
        run.last = int(minutes.minute[rows[-1]])
        state.run = run


def _add(state: ProfileState, minutes: Minutes, places: np.ndarray, rows: np.ndarray) -> None:
    rows = rows[np.isfinite(minutes.power_kw[rows])]
    keys, code, place = len(state.open_sums), minutes.state[rows], places[rows]
    units = np.nan_to_num(minutes.units[rows])
    state.open_minutes += np.bincount(code, minlength=keys)
    state.open_sums += np.bincount(code, minutes.power_kw[rows], minlength=keys)
    state.open_minutes += np.bincount(place[(place >= 0) & (code == RUNNING)], minlength=keys)
    state.open_sums += np.bincount(place[place >= 0], units[place >= 0], minlength=keys)
    state.has_others |= bool(np.any((place < 0) & (units > 0)))


def _close(state: ProfileState) -> None:
    """Take the open hour into the sums."""
    if state.hour == NEVER:
        return
    ran, of_products = state.open_minutes[RUNNING], state.open_sums[len(STATES) :]
    line_now = Line(state.normal * 0.0, state.right * 0.0, 0.0, 0.0, 0.0, 0.0)
    if ran > 0 and not state.has_others:
        line_now = line_sums(ran, state.open_sums[RUNNING], of_products)
    _put(state, state.hour, ratio_sums(state.open_minutes, state.open_sums), line_now)
    state.open_minutes, state.open_sums = state.open_minutes * 0.0, state.open_sums * 0.0
    state.has_others = False


def _put(state: ProfileState, hour: int, ratios: np.ndarray, newer: Line) -> None:
    """Add sums as of an hour, what is older weighing less by then."""
    share = 0.0 if state.closed == NEVER else 2.0 ** (-(hour - state.closed) / HALF_LIFE_H)
    state.ratios = state.ratios * ratio_decay(share) + ratios
    added = line_added(_line(state), share, newer)
    state.normal, state.right, state.loose, state.closed = added.normal, added.right, np.array(added[2:]), hour


def _line(state: ProfileState) -> Line:
    return Line(state.normal, state.right, *map(float, state.loose))


def merge(earlier: ProfileState, later: ProfileState) -> ProfileState:
    """Both together, where they share no hour (else ValueError); a start that lies over the cut is not counted."""
    if later.first == NEVER or earlier.first == NEVER:
        return _copy(earlier if later.first == NEVER else later)
    if later.first // 60 <= earlier.hour:
        raise ValueError("states that are merged must share no hour, the earlier first")
    old, new = _copy(earlier), _copy(later)
    names = [*old.products, *(name for name in new.products if name not in old.products)]
    for one in (old, new):
        _grow(one, [name for name in names if name not in one.products])
    _close(old)
    order = np.array([new.products.index(name) for name in names], np.int64)
    keys, slopes = np.concatenate([np.arange(len(STATES)), order + len(STATES)]), np.concatenate([[0], order + 1])
    if new.closed != NEVER:
        sums = Line(new.normal[np.ix_(slopes, slopes)], new.right[slopes], *map(float, new.loose))
        _put(old, new.closed, new.ratios[keys], sums)
    old.open_minutes, old.open_sums = new.open_minutes[keys], new.open_sums[keys]
    old.starts = np.vstack([old.starts, new.starts])[-STARTS:]
    old.run, old.hour, old.has_others = new.run, new.hour, new.has_others
    return old


def profile(state: ProfileState, plant: str, asset: str, time_us: int) -> EnergyProfile:
    """What is known by now, the open hour with it; the state is left as it is."""
    known = _copy(state)
    _close(known)
    states = {str(of): ratio(known.ratios[at]) for at, of in enumerate(STATES)}
    running, products = _made(known)
    kwh, minutes = known.starts.T
    return EnergyProfile(
        plant=plant,
        asset=asset,
        time_us=time_us,
        states_kw={of: one for of, one in states.items() if one is not None},
        start_kwh=robust(kwh, round(minutes.sum())),
        start_min=robust(minutes, round(minutes.sum())),
        running_kw=running,
        products=products,
    )


def _made(known: ProfileState) -> tuple[Learned | None, tuple[ProductEnergy, ...]]:
    """The constant of running, and what each product takes, of those that were made while running."""
    rates = [ratio(row) for row in known.ratios[len(STATES) :]]
    made = [at for at, one in enumerate(rates) if one is not None and one.value > 0]
    slopes, sums = np.array([0, *(at + 1 for at in made)]), _line(known)
    usual = np.array([60.0 * one.value for at, one in enumerate(rates) if one is not None and at in made])
    found = line(sums._replace(normal=sums.normal[np.ix_(slopes, slopes)], right=sums.right[slopes]), usual)
    if found is None:
        return None, ()
    learned = [
        Learned(value=max(float(value), 0.0), error=float(error), minutes=round(known.ratios[key, -1]))
        for value, error, key in zip(*found, [RUNNING, *(at + len(STATES) for at in made)], strict=True)
    ]
    products = tuple(
        ProductEnergy(product=known.products[at], kwh_per_unit=slope, units_per_h=_hourly(rate))
        for at, slope in zip(made, learned[1:], strict=True)
        if (rate := rates[at]) is not None
    )
    return learned[0], products


def _hourly(rate: Learned) -> Learned:
    return Learned(value=60.0 * rate.value, error=60.0 * rate.error, minutes=rate.minutes)


def packed(state: ProfileState) -> bytes:
    """The state as it is snapshotted."""
    return msgspec.msgpack.encode(state, enc_hook=lambda array: (array.shape, array.tobytes()))


def unpacked(snapshot: bytes) -> ProfileState:
    """The state of a snapshot."""
    return msgspec.msgpack.decode(snapshot, type=ProfileState, dec_hook=_array)


def _array(_kind: type, said: Any) -> np.ndarray:
    shape, data = said
    return np.frombuffer(data).reshape(shape).copy()


def _copy(state: ProfileState) -> ProfileState:
    return unpacked(packed(state))
