"""What final minutes say: a minute is final when no sample can reach it within the lateness.

Where the machine ran, its forecast moves its hazard. Where it stands, the forecast is its last one of running, which
says until when it ran, and the hazard stays as it is. What holds of rules, health, trend and hazard is the evidence of
the machine's cases; a repair closes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace

from models.bins import MINUTE_US
from models.failure.hazard import Hazard, founded
from models.failure.learned import Learned
from models.failure.rules import Fired
from models.operating import RUNNING, STATES
from models.plant import Plant
from models.records import Alert, Forecast, Health, Rung, Whose, id_of
from pipelines.hours import Hour
from pipelines.machine import HAZARD, HEALTH, TREND, Machine
from pipelines.small import Entry, Stood
from pipelines.stages.order import Rises
from pipelines.state import Block

Finals = list[tuple[int, Forecast | Health | Alert]]
"""Records to publish, each with the place of the record that made its minute final."""


class Repair(NamedTuple):
    """A machine's new life begins."""

    since_us: int


class Expired(NamedTuple):
    """The time for which a case was shelved is over."""


class Event(NamedTuple):
    """What a final minute of an asset brings.

    A repair first, then that it stands or what was shelved, then what rules say, its health, its forecast.
    """

    asset: int
    minute: int
    rank: int
    what: Repair | Stood | Expired | Fired | Hour | Entry


def warn(block: Block, learned: Learned, rises: Rises, lateness_us: int, plant: Plant) -> Finals:
    """Revisions of cases and forecasts of machines that stand; forgets what is final.

    Of a type that has no model any more, forecasts that wait are forgotten and say nothing.
    """
    out: Finals = []
    hazard = learned.hazard
    for (asset, minute), at, events in _final(block, rises, lateness_us):
        end_us = (minute + 1) * MINUTE_US
        machine = Machine(block, learned, asset, end_us, plant)
        for event in events:
            match event.what:
                case Repair() as repair:
                    out += ((at, alert) for alert in machine.repair(repair.since_us))
                case Stood() as stands:
                    out += ((at, alert) for alert in machine.stand(stands.why))
                case Expired():
                    out += ((at, alert) for alert in machine.expire())
                case Fired() as fired:
                    machine.fire(fired)
                case Hour() as hour:
                    out.append((at, machine.health(hour)))
                case Entry() as entry if hazard is not None:
                    if entry.state != RUNNING:
                        out.append((at, _standing(block, hazard, asset, minute, entry, plant.plant)))
                    elif entry.forecast is not None:
                        machine.forecast(entry.since_us, entry.forecast, entry.features)
        out += ((at, alert) for alert in machine.cases())
    return out


def _final(block: Block, rises: Rises, lateness_us: int) -> Iterator[tuple[tuple[int, int], int, list[Event]]]:
    """What became final, taken out of the block: asset and minute, place of the record that made it so, events.

    In the order in which it became known, which is that of records one by one.
    """
    fired, block.fired = block.fired, []
    told, block.told = block.told, []
    stood, block.stood = block.stood, []
    until = (block.watermark_us[rises.assets] - lateness_us) // MINUTE_US
    ends = dict(zip(rises.assets.tolist(), until.tolist(), strict=True))
    judged = [Event(each.asset, each.minute, 1, each) for each in stood]
    judged += [Event(each.asset, each.minute, 2, each) for each in fired]
    judged += [Event(each.asset, each.minute, 3, each) for each in told]
    placed = [*_placed(judged, rises, lateness_us, block.pauses)]
    waited = [*_repairs(block, ends), *_expiries(block, ends), *_entries(block, ends)]
    placed += _placed(waited, rises, lateness_us, {})
    placed.sort(key=lambda pair: (pair[1].asset, pair[0], *pair[1][1:3]))
    for (asset, at, minute), group in groupby(placed, key=lambda pair: (pair[1].asset, pair[0], pair[1].minute)):
        yield (asset, minute), at, [event for _, event in group]


def _placed(
    events: list[Event], rises: Rises, lateness_us: int, pauses: dict[tuple[int, int], int]
) -> Iterator[tuple[int, Event]]:
    """Each event with the place of the record by which it was known; what rules say of a pause waits for its end."""
    if events:
        asset, minute = np.array([event[:2] for event in events], np.int64).T
        yield from zip(rises.known_at(asset, minute, lateness_us, pauses).tolist(), events, strict=True)


def _entries(block: Block, ends: dict[int, int]) -> Iterator[Event]:
    for asset, end in ends.items():
        entries = block.small.entries.get(asset)
        if not entries:
            continue
        for minute in sorted(minute for minute in entries if minute < end):
            yield Event(asset, minute, 4, entries.pop(minute))
        if not entries:
            del block.small.entries[asset]


def _repairs(block: Block, ends: dict[int, int]) -> Iterator[Event]:
    for asset in block.small.repairs_us.keys() & ends.keys():
        known_us = block.small.warned_life_us.get(asset, 0)
        for since_us in block.small.repairs_us[asset]:
            if since_us > known_us and since_us // MINUTE_US < ends[asset]:
                yield Event(asset, since_us // MINUTE_US, 0, Repair(since_us))


def _expiries(block: Block, ends: dict[int, int]) -> Iterator[Event]:
    """Ends of shelving that came; each is told at the end of the minute that it lies in."""
    for asset in block.small.shelved_us.keys() & ends.keys():
        minutes = {until_us // MINUTE_US for until_us in block.small.shelved_us[asset]}
        for minute in sorted(minute for minute in minutes if minute < ends[asset]):
            yield Event(asset, minute, 1, Expired())


def let_go(block: Block, learned: Learned, floor_us: int, plant: Plant) -> list[Alert]:
    """Revisions of cases of which something is not asked any more.

    That is a rule that is no more, or was another type's; a level that the asset has no longer; a type without a model.
    """
    asked = {*((HAZARD,) if learned.hazard else ()), *((HEALTH, TREND) if learned.health else ())}
    keys, levels = np.array(block.keys.columns, object), block.levels_now()
    out: list[Alert] = []
    for asset, held in sorted(block.small.evidence.items()):
        if asset not in block.small.away:
            block.marks.forget(asset, np.isnan(levels[asset]))
        gone = held.keys() - asked - set(keys[block.marks.told[asset]])
        if gone:
            machine = Machine(block, learned, asset, max(int(block.watermark_us[asset]), floor_us), plant)
            machine.forget(gone)
            out += machine.cases()
    return out


def _standing(block: Block, hazard: Hazard, asset: int, minute: int, entry: Entry, plant: str) -> Forecast:
    """The last forecast of running in this life, for a minute in which the machine stands; before one, no chances."""
    end_us, kept = (minute + 1) * MINUTE_US, block.small.kept.get(asset)
    identity: dict[str, Any] = {
        "id": id_of("forecast", plant, block.names[asset], Rung.HAZARD, end_us),
        "revision": entry.forecast.revision + 1 if entry.forecast else 0,
        "window_end_us": end_us,
        "operating": STATES[entry.state],
    }
    if kept is not None and kept.since_us == entry.since_us:
        return replace(kept.forecast, **identity)
    return Forecast(
        plant=plant,
        asset=block.names[asset],
        running_until_us=None,
        chances=(),
        drivers=(),
        model=hazard.card.version,
        basis=hazard.card.basis,
        rung=Rung.HAZARD,
        confidence=founded(hazard, Whose.NOBODY),
        completeness=0.0,
        **identity,
    )
