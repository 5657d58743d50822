"""Warnings, a plant and a log in memory for tests of delivery, in event time from Thursday 2026-01-01 00:00 UTC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from models.delivery.dispatch import Answer, Dispatcher, Effects, Event
from models.delivery.outcomes import Delivered
from models.delivery.plan import Plan
from models.delivery.reading import parse
from models.delivery.state import Entry
from models.plant import Plant
from models.plant import parse as parse_plant
from models.records import (
    Advice,
    Alert,
    AlertReason,
    AlertState,
    Confidence,
    Evidence,
    HeldBack,
    Hold,
    Level,
    Notification,
    Rung,
    id_of,
)  # fmt: skip

BEGIN_US = 1_767_225_600_000_000
SECOND_US = 1_000_000
MIN_US = 60 * SECOND_US
HOUR_US = 60 * MIN_US

PLANT = """
plant = "north"
site = "quay"
timezone = "UTC"
[types.pump.signals.oil_temp_degc]
kind = "gauge"
[types.valve.signals.travel_mm]
kind = "gauge"
[assets.pump-01]
type = "pump"
area = "station"
[assets.pump-02]
type = "pump"
area = "station"
[assets.valve-01]
type = "valve"
area = "station"
parent = "pump-01"
[assets.seal-01]
type = "valve"
area = "station"
parent = "valve-01"
[assets.fan-01]
type = "pump"
site = "mill"
area = "roof"
[[shifts]]
name = "early"
days = ["mon", "tue", "wed", "thu", "fri"]
from = "06:00"
to = "14:00"
[[shifts]]
name = "late"
days = ["mon", "tue", "wed", "thu", "fri"]
from = "14:00"
to = "22:00"
"""

BOOK = """
[sinks.desk]
kind = "memory"
[sinks.boss]
kind = "memory"
"""


def plant(more: str = "") -> Plant:
    """The plant above, with more of its file."""
    return parse_plant(PLANT + more)


def at(hours: float) -> int:
    """Microseconds, so many hours after the beginning."""
    return BEGIN_US + round(hours * HOUR_US)


def alert(
    asset: str = "pump-01", opened_h: float = 0.0, mode: str = "bearing", severity: int = 400, **said: Any
) -> Alert:
    """The first revision of a warning, or another one with what is said."""
    opened_us = at(opened_h)
    found = Evidence(
        rung=Rung.RULES, name="hot", level=Level.WARNING, since_us=opened_us, mode=mode, signals=("oil_temp_degc",),
        value=81.0, limit=80.0, unit="degC", basis="", confidence=Confidence.HIGH,
    )  # fmt: skip
    whole: dict[str, Any] = {
        "id": id_of("alert", "north", asset, mode, opened_us), "revision": 0, "plant": "north", "asset": asset,
        "mode": mode, "state": AlertState.UNACKNOWLEDGED, "reason": AlertReason.OPENED, "opened_us": opened_us,
        "window_end_us": opened_us, "level": Level.WARNING, "evidence": (found,), "chances": (), "lead_h": None,
        "remaining": None, "drivers": (), "model": "", "basis": "", "rung": Rung.RULES,
        "confidence": Confidence.HIGH, "completeness": 1.0, "severity": severity, "moved_us": opened_us,
        "advice": Advice.PLAN,
    }  # fmt: skip
    return Alert(**whole | said)


def moved(before: Alert, reason: AlertReason, **said: Any) -> Alert:
    """Its next revision; what ends a case ends it."""
    states = {
        AlertReason.CLEARED: AlertState.RETURNED, AlertReason.REPAIRED: AlertState.RETURNED,
        AlertReason.CLOSED: AlertState.CLOSED, AlertReason.ACKNOWLEDGED: AlertState.ACKNOWLEDGED,
        AlertReason.RECURRED: AlertState.UNACKNOWLEDGED,
    }  # fmt: skip
    state = states.get(reason, before.state)
    return replace(before, **{"revision": before.revision + 1, "reason": reason, "state": state} | said)


def hold(until_us: int | None = None) -> Hold:
    """Somebody shelved it."""
    return Hold(kind=HeldBack.SHELVED, since_us=BEGIN_US, until_us=until_us, by="an operator", why="a trial")


class Timeline:
    """A dispatcher with a log and sinks that take what they are given, unless they are named in `down`."""

    def __init__(self, subscriptions: str, more: str = "", down: Iterable[str] = ()) -> None:
        self.plant = plant(more)
        self.book = parse(BOOK + subscriptions)
        self.plan, self.down = Plan(self.plant, self.book.subscriptions), set(down)
        self.log: dict[str, Entry] = {}
        self.sent: list[tuple[float, Notification]] = []
        """Hours and what was sent then."""
        self.restart(0.0)

    def restart(self, hours: float) -> None:
        """Begin anew from the log."""
        self.dispatcher = Dispatcher(self.plan, self.book.sinks, self.log.values(), at(hours))

    def step(self, hours: float, *events: Event) -> list[Notification]:
        """One step: what it wants kept is kept, what it wants sent is sent, and answered in the next step."""
        effects = self.dispatcher.step(events, at(hours))
        self.keep(effects)
        self.sent += [(hours, one) for one in effects.sends]
        answers = [Answer(one.id, Delivered()) for one in effects.sends if one.sink not in self.down]
        if answers:
            self.keep(self.dispatcher.step(answers, at(hours)))
        return list(effects.sends)

    def keep(self, effects: Effects) -> None:
        """Put what a step made into the log."""
        for key, entry in effects.kept.items():
            if entry is None:
                self.log.pop(key)
            else:
                self.log[key] = entry

    def run(self, events: Mapping[float, Event | list[Event]], until_h: float, every_h: float = 1 / 60) -> list[str]:
        """Step through time; what was sent since, each as `hours sink: asset reason, ...`."""
        before, times = len(self.sent), sorted(events)
        for tick in range(round(until_h / every_h) + 1):
            hours = tick * every_h
            came: list[Event] = []
            while times and times[0] <= hours + 1e-9:
                one = events[times.pop(0)]
                came += one if isinstance(one, list) else [one]
            self.step(hours, *came)
        return [line(hours, one) for hours, one in self.sent[before:]]


def line(hours: float, one: Notification) -> str:
    """A notification in a line."""
    told = ", ".join(f"{each.asset} {each.reason}" for each in one.mentions)
    extra = "" if one.number == 0 else f" {one.reason} {one.number}"
    return f"{hours:.2f} {one.sink}{extra}: {told}"
