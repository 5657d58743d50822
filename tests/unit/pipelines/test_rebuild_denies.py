"""Warnings that rows deny once all have come: withdrawn under their id, or commented on where somebody took note."""

from __future__ import annotations

from msgspec.structs import replace

from models.records import Action, Alert, AlertReason, AlertState, Frame, Move, Tick
from tests.kit import tiny
from tests.kit.late import World
from tests.kit.streams import MINUTE_US, START_US, time_of

ASSET = "pump-01"
SILENT = tiny.models(limit=0.99)
"""The rules of the plant speak alone."""


def pressed(minute: int, bar: float) -> Frame:
    signals = {"pressure_bar": [bar], "temp_degc": [60.0]}
    return Frame(plant="tiny", asset=ASSET, source="t", times_us=[START_US + minute * MINUTE_US + 1], signals=signals)


def hour(high: range) -> list:
    """A pump at 5 bar, at 7 in some minutes, a tick after each."""
    out: list = []
    for minute in range(120):
        out.append(pressed(minute, 7.0 if minute in high else 5.0))
        out.append(Tick(plant="tiny", time_us=START_US + (minute + 1) * MINUTE_US))
    return out


HIGH = range(60, 76, 2)
"""Every other minute: no three minutes in a row, so that no rule holds where all rows are there."""


def with_late_rows(records: list, *between: Action) -> World:
    """The rows between the high ones come at the end of the second hour, in which nobody missed them."""
    late = [one for one in records if isinstance(one, Frame) and 60 < (time_of(one) - START_US) // MINUTE_US < 76]
    late = [one for one in late if one.signals["pressure_bar"] == [5.0]]
    gone = set(map(id, late))
    world = World(delay=1, batch=1, hazards=SILENT).take(one for one in records if id(one) not in gone)
    for action in between:
        (case,) = {one.id for one in world.of(Alert)}
        world.take([replace(action, alert=case)])
    return world.take([*late, *ticks(121, 180)])


def ticks(first: int, last: int) -> list:
    return [Tick(plant="tiny", time_us=START_US + minute * MINUTE_US) for minute in range(first, last)]


def acknowledge() -> Action:
    return Action(
        plant="tiny", asset=ASSET, alert="?", move=Move.ACKNOWLEDGE, time_us=START_US + 119 * MINUTE_US, by="kim"
    )


def test_without_the_late_rows_it_warns_and_with_them_it_would_not_have():
    assert World(hazards=SILENT).take(hour(HIGH)).of(Alert) == []
    assert with_late_rows(hour(HIGH)).of(Alert)[0].reason is AlertReason.OPENED


def test_a_warning_that_late_rows_deny_is_withdrawn_under_its_id():
    world = with_late_rows(hour(HIGH))
    alerts = world.of(Alert)
    assert len({one.id for one in alerts}) == 1
    last = alerts[-1]
    assert (last.reason, last.state, last.by) == (AlertReason.WITHDRAWN, AlertState.CLOSED, "rebuild")
    assert "rows that came late deny it" in last.why


def test_one_that_somebody_took_note_of_is_commented_on_and_left_to_people():
    last = with_late_rows(hour(HIGH), acknowledge()).of(Alert)[-1]
    assert (last.reason, last.by) == (AlertReason.COMMENTED, "rebuild")
    assert last.state is not AlertState.CLOSED and "deny it" in last.comments[-1].text


def test_one_that_all_rows_bring_as_well_stays():
    rows = hour(range(60, 76))
    world = with_late_rows(rows)
    assert AlertReason.WITHDRAWN not in {one.reason for one in world.of(Alert)}
    assert world.of(Alert)
