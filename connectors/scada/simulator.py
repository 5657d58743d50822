"""The simulated plant as a feed: rows of the pump fleet become records, in order of time, with ticks and maintenance.

Everything here is simulated, by the published physics in `models.physics`; histories are kept by `history`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from connectors.scada.history import Event, History, Order, simulate
from models.physics.cycles import RUN_STATES
from models.physics.fleet import SIGNALS, FleetSpec
from models.physics.plc import ALARMS, ON_CHANGE, TAGS
from models.records import AnyInput, Frame, Maintenance, Sample, Tick, WorkOrder

__all__ = ["SOURCE", "START_US", "Event", "History", "Order", "Outage", "Scenario", "asset_name", "records", "simulate"]

SOURCE = "simulator"
START_US = 1_767_225_600_000_000
"""2026-01-01 00:00 UTC, when the simulated plant's clock starts."""
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US

ROWS_A_FRAME = 60
"""Most rows that a gateway puts into one frame when it delivers what it held back; our assumption."""

Row = dict[str, Sample]


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A gateway's link is down: rows of its assets are held back for so long and then delivered, all of them."""

    first_us: int
    hours: float = 8.0
    assets: Sequence[int] = range(6)

    @property
    def end_us(self) -> int:
        """The first moment at which rows are delivered again."""
        return self.first_us + int(self.hours * HOUR_US)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A plant and what happens to its feed."""

    spec: FleetSpec
    outages: tuple[Outage, ...] = ()

    @classmethod
    def default(cls, spec: FleetSpec) -> Scenario:
        """The first six pumps' link is down for 8 h from 09:00 of day 30, if the history goes on beyond it."""
        outage = Outage(first_us=spec.start_us + 30 * DAY_US + 9 * HOUR_US, assets=range(min(6, spec.n_pumps)))
        ends_us = spec.start_us + spec.days * DAY_US
        return cls(spec=spec, outages=(outage,) if outage.end_us < ends_us else ())


def asset_name(index: int, of: int = 99) -> str:
    """Name of a simulated pump in a plant of `of`: two digits, four where there are more than 99."""
    return f"pump-{index + 1:0{2 if of <= 99 else 4}}"


def records(history: History, plant: str, outages: Sequence[Outage] = ()) -> Iterator[AnyInput]:
    """One frame a row, in order; before the frames of each instant a tick, after them what happened to machines.

    A frame holds what was sent with its row. An outage's rows come right after it in frames of up to ROWS_A_FRAME, and
    the first row of a pump from then on says all tags anew, as OPC UA does for a new subscription. Events and orders
    are not delayed: an order comes when it was entered.
    """
    instants = np.flatnonzero(np.diff(history.time_us, prepend=-1))
    ends = np.append(instants[1:], len(history.time_us))
    rows, held = _Rows(history, plant), [_Held(outage) for outage in outages]
    waiting: list[Event | Order] = sorted((*history.events, *history.orders), key=_entered, reverse=True)
    for first, end in zip(instants.tolist(), ends.tolist(), strict=True):
        now_us = int(history.time_us[first])
        yield from _due(waiting, now_us - 1, plant, rows.of)
        yield Tick(plant=plant, time_us=now_us)
        for hold in held:
            yield from hold.delivered(now_us, rows)
        for row in range(first, end):
            if not any(hold.takes(row, rows.assets[row], now_us) for hold in held):
                greetings = sum(hold.greets(rows.assets[row]) for hold in held)
                yield from rows.frames([row], says_all=greetings > 0)
        yield from _due(waiting, now_us, plant, rows.of)
    for hold in held:
        yield from hold.delivered(hold.outage.end_us, rows)


class _Rows:
    """A history's rows as frames."""

    def __init__(self, history: History, plant: str) -> None:
        self.history, self.plant, self.of = history, plant, history.n_pumps
        self.assets, self.times = history.asset.tolist(), history.time_us.tolist()
        self.states, self.alarms = history.run_state.tolist(), history.alarm.tolist()

    def sent(self, row: int, *, says_all: bool = False) -> Row:
        """The signals that were sent with a row, in the order of the plant file; or all, with their last values."""
        values, state = self.history.values[row], self.states[row]
        if says_all:
            values, state = self._held_by(row)
        signals: Row = {name: v for name, v in zip(SIGNALS, values.tolist(), strict=True) if v == v}  # NaN: not sent
        for tag, names, code in zip(TAGS, (RUN_STATES, ALARMS), (state, self.alarms[row]), strict=True):
            if code >= 0:
                signals[tag] = names[code]
        return signals

    def _held_by(self, row: int) -> tuple[np.ndarray, int]:
        """A row's values with the last ones of what is sent on change, and its state."""
        mine = np.flatnonzero(self.history.asset[: row + 1] == self.assets[row])[::-1]
        values = self.history.values[row].copy()
        for column, name in enumerate(SIGNALS):
            if name in ON_CHANGE:
                known = np.flatnonzero(~np.isnan(self.history.values[mine, column]))
                values[column] = self.history.values[mine[known[0]], column]
        states = self.history.run_state[mine]
        return values, int(states[np.flatnonzero(states >= 0)[0]])

    def frames(self, rows: Sequence[int], *, says_all: bool = False) -> Iterator[Frame]:
        """One pump's rows as few frames: rows in succession that have the same signals go together."""
        together: list[tuple[int, Row]] = []
        for row in rows:
            signals = self.sent(row, says_all=says_all)
            if together and (len(together) == ROWS_A_FRAME or list(together[0][1]) != list(signals)):
                yield self._frame(together)
                together = []
            together.append((row, signals))
        if together:
            yield self._frame(together)

    def _frame(self, together: list[tuple[int, Row]]) -> Frame:
        first, signals = together[0]
        return Frame(
            plant=self.plant,
            asset=asset_name(self.assets[first], self.of),
            source=SOURCE,
            times_us=[self.times[row] for row, _ in together],
            signals={name: [sent[name] for _, sent in together] for name in signals},
        )


class _Held:
    """The rows that an outage holds back, pump by pump."""

    def __init__(self, outage: Outage) -> None:
        self.outage, self.rows, self.reconnected = outage, dict[int, list[int]](), set[int]()

    def takes(self, row: int, asset: int, now_us: int) -> bool:
        """Hold a row back if it falls into the outage; says whether it does."""
        if not self.outage.first_us <= now_us < self.outage.end_us or asset not in self.outage.assets:
            return False
        self.rows.setdefault(asset, []).append(row)
        return True

    def delivered(self, now_us: int, rows: _Rows) -> Iterator[Frame]:
        """All that was held back, once the outage is over."""
        if now_us >= self.outage.end_us and self.rows:
            for asset in sorted(self.rows):
                yield from rows.frames(self.rows[asset])
            self.reconnected = set(self.rows)
            self.rows.clear()

    def greets(self, asset: int) -> bool:
        """Whether this is the pump's first row since its link is up again."""
        if asset not in self.reconnected:
            return False
        self.reconnected.remove(asset)
        return True


def _entered(told: Event | Order) -> tuple[int, int, str]:
    """When it is known, and an order among what is known at once: a repair before its order."""
    if isinstance(told, Event):
        return told.time_us, told.asset, ""
    return told.entered_us, told.asset, told.number


def _due(waiting: list[Event | Order], until_us: int, plant: str, of: int) -> Iterator[Maintenance | WorkOrder]:
    while waiting and _entered(waiting[-1])[0] <= until_us:
        told = waiting.pop()
        asset = asset_name(told.asset, of)
        if isinstance(told, Event):
            yield Maintenance(plant=plant, asset=asset, time_us=told.time_us, action=told.action, mode=told.mode)
        else:
            yield WorkOrder(
                plant=plant, asset=asset, order=told.number, kind=told.kind, mode=told.mode,
                reported_us=told.reported_us, started_us=told.started_us, finished_us=told.finished_us,
            )  # fmt: skip
