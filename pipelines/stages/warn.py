"""What final minutes say: a minute is final when no sample can reach it within the lateness.

Where the machine ran, its forecast moves its hazard. Where it stands, the forecast is its last one of running, which
says until when it ran, and the hazard stays as it is. What holds of rules, health, trend and hazard is the evidence of
the machine's cases; a repair closes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace

from models.alerting.cases import RUNGS, Cases, Said, expired, moved, repaired, stood, worst
from models.alerting.life import Watch, step
from models.alerting.thresholds import threshold_of
from models.bins import MINUTE_US
from models.failure.hazard import WARNING, Hazard, founded
from models.failure.learned import Learned
from models.failure.rules import Fired
from models.operating import RUNNING, STATES
from models.plant import ANY_MODE, Plant
from models.records import Alert, AlertReason, Evidence, Forecast, Health, Level, Rung, Whose, id_of
from pipelines.hours import Hour, evidence_of, health_of
from pipelines.stages.order import Rises
from pipelines.state import Block, Entry, Kept, Stood

Finals = list[tuple[int, Forecast | Health | Alert]]
"""Records to publish, each with the place of the record that made its minute final."""
HEALTH, TREND, HAZARD = (str(rung) for rung in (Rung.HEALTH, Rung.TREND, Rung.HAZARD))
"""What says so, among an asset's evidence: one of these, or the column of a rule."""
LEARNT = (Rung.RULES, Rung.HAZARD)
"""What opens cases of a type that has learnt from failures. One learned rung keeps the budget, the highest; health and
trend say more of its cases."""


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
        machine = _Machine(block, learned, asset, end_us, plant)
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
            machine = _Machine(block, learned, asset, max(int(block.watermark_us[asset]), floor_us), plant)
            machine.forget(gone)
            out += machine.cases()
    return out


class _Machine:
    """A machine at the end of a final minute, of which something became known."""

    def __init__(self, block: Block, learned: Learned, asset: int, end_us: int, plant: Plant) -> None:
        self._block, self._small, self._learned, self._asset = block, block.small, learned, asset
        opening = LEARNT if learned.hazard else RUNGS
        name = block.names[asset]
        self._said = Said(
            plant=plant.plant, asset=name, window_end_us=end_us, open=opening,
            since_us=self._small.warned_life_us.get(asset, 0), stands=self._small.stands.get(asset, ""),
            plant_version=block.plant_version,
            criticality=known.criticality if (known := plant.assets.get(name)) else None,
        )  # fmt: skip
        self._plant = plant
        self._is_new = False

    def repair(self, since_us: int) -> Iterable[Alert]:
        """Begin another life: what held of the old one holds no more."""
        for known in (self._small.watches, self._small.evidence, self._small.remaining):
            known.pop(self._asset, None)
        self._small.warned_life_us[self._asset] = since_us
        self._said = replace(self._said, since_us=since_us)
        return self._kept(repaired(self._cases, self._said.window_end_us))

    def stand(self, why: str) -> Iterable[Alert]:
        """It stands, and why, or runs again, for an empty one."""
        _keep(self._small.stands, self._asset, why)
        self._said = replace(self._said, stands=why)
        return self._kept(stood(self._cases, why, self._said.window_end_us))

    def expire(self) -> Iterable[Alert]:
        """What was shelved until now is so no more."""
        left = [us for us in self._small.shelved_us.get(self._asset, []) if us >= self._said.window_end_us]
        _keep(self._small.shelved_us, self._asset, left)
        return self._kept(expired(self._cases, self._said.window_end_us))

    def fire(self, fired: Fired) -> None:
        """A level of a rule begins to hold or ceases to."""
        rules = self._block.rules
        assert rules is not None
        name = rules.keys.columns[fired.column]
        self._hold(name, rules.evidence(self._said.asset, fired) if fired.holds else None)

    def health(self, hour: Hour) -> Health:
        """What an hour says of its health; holds it unhealthy, or near a limit, as the hour says."""
        model = self._learned.health
        assert model is not None
        _keep(self._small.remaining, self._asset, hour.remaining)
        held = self._small.evidence.get(self._asset, {})
        near = hour.is_near and (TREND in held or bool(hour.limiting))  # of what, is not known of another model's trend
        for name, holds in ((HEALTH, hour.is_unhealthy), (TREND, near)):
            if holds != (name in held):
                self._hold(name, evidence_of(Rung(name), model, hour, self._said.window_end_us) if holds else None)
        return health_of(model, hour, self._said)

    def forecast(self, since_us: int, forecast: Forecast, features: bytes) -> None:
        """Take the final forecast of a minute of running, and what it was made of."""
        hazard = self._learned.hazard
        assert hazard is not None
        small, asset, card = self._small, self._asset, hazard.card
        small.kept[asset] = Kept(since_us, forecast, features)
        threshold = threshold_of(self._plant, self._said.asset, card.warning_limit)
        watch, reason = step(small.watches.get(asset, Watch()), forecast.chances, threshold)
        small.watches[asset] = watch
        if reason is AlertReason.CLEARED:
            self._hold(HAZARD, None)
        elif reason is not None:
            similar = hazard.similar(features) if reason is AlertReason.OPENED else ()
            self._said = replace(self._said, reason=reason, similar=similar)
            known = small.evidence.get(asset, {}).get(HAZARD)
            self._hold(
                HAZARD,
                _of_hazard(hazard, threshold.limit, forecast, known.since_us if known else forecast.window_end_us),
            )

    def forget(self, names: Iterable[str]) -> None:
        """Hold no more what these said."""
        for name in names:
            self._hold(name, None)

    def cases(self) -> Iterable[Alert]:
        """Revisions of its cases, if anything changed that they rest on."""
        if not self._is_new:
            return ()
        evidence = worst(self._small.evidence.get(self._asset, {}).values())
        return self._kept(moved(self._cases, evidence, self._with_hazard()))

    @property
    def _cases(self) -> Cases:
        return self._small.cases.get(self._asset, ())

    def _kept(self, found: tuple[Cases, Cases]) -> Cases:
        """What is to be told of it, once what stands is kept."""
        _keep(self._small.cases, self._asset, found[0])
        return found[1]

    def _with_hazard(self) -> Said:
        """With what a hazard that holds said last, whatever brings the news."""
        said = replace(self._said, remaining=self._small.remaining.get(self._asset))
        kept, watch = self._small.kept.get(self._asset), self._small.watches.get(self._asset)
        if kept is None or watch is None or not watch.holds:
            return said
        return replace(said, forecast=kept.forecast, features=kept.features, lead_h=watch.told_h)

    def _hold(self, name: str, evidence: Evidence | None) -> None:
        held = dict(self._small.evidence.get(self._asset, {}))
        if evidence is None:
            held.pop(name, None)
        else:
            held[name] = evidence
        _keep(self._small.evidence, self._asset, held)
        self._is_new = True


def _keep(known: dict[int, Any], asset: int, value: Any) -> None:
    """Keep what is something."""
    if value:
        known[asset] = value
    else:
        known.pop(asset, None)


def _of_hazard(hazard: Hazard, limit: float, forecast: Forecast, since_us: int) -> Evidence:
    card = hazard.card
    return Evidence(
        rung=Rung.HAZARD,
        name=card.name,
        level=Level.WARNING,
        since_us=since_us,
        mode=ANY_MODE,
        signals=tuple(driver.signal for driver in forecast.drivers),
        value=forecast.chances[WARNING],
        limit=limit,
        unit="chance in 72 h",
        basis=card.basis,
        confidence=forecast.confidence,
    )


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
