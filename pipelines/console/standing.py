"""How the plant stands: its topics folded to the last of everything, and what each batch of records changes. Pure.

Of forecasts and healths a batch is parsed from its end, up to an asset's first that is news; those before it are seen
as points of a picture alone.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from models.alerting.lifecycle import is_active, is_waiting
from models.failure.hazard import WARNING
from models.plant import Plant
from models.records import (
    Alert,
    AlertReason,
    AlertState,
    Forecast,
    Health,
    Notice,
    NoticeState,
    Record,
    decode_of,
    key_of,
)
from pipelines.console.energy import Energy
from pipelines.console.feed import NOWHERE, Change, Kind
from pipelines.console.ports import Came
from pipelines.console.shown import AlertNow, AssetNow, LedgerNow, alert_now, asset_now, ledger_now, site_of
from pipelines.ledger import LEDGER_KEY, Ledger
from pipelines.topics import Topic

TRACK_STEP_US = 15 * 60_000_000
TRACK_POINTS = 30 * 24 * 4
"""An asset's chances are kept a quarter of an hour apart for 30 days: what a picture resolves. Our choice."""
BEHIND_US = 6 * 3_600_000_000
"""A plant whose last forecast is older than this is held to be replayed, or stands still altogether. Our choice."""
LAST_ONLY = frozenset({Topic.FORECASTS, Topic.HEALTH})


class Glance(msgspec.Struct, frozen=True, gc=False):
    """What a picture over time has of a forecast or a health."""

    asset: str
    window_end_us: int
    chances: tuple[float, ...] = ()
    index: float | None = None
    historical: bool = False


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A revision of a warning in short: what moved it, who and why."""

    revision: int
    moved_us: int
    reason: AlertReason
    state: AlertState
    by: str
    why: str


class Case(NamedTuple):
    """A warning: its last revision, and all that were seen, in short."""

    alert: Alert
    revisions: tuple[Moved, ...]


class Track:
    """A figure of an asset over time, in order, the oldest dropped."""

    def __init__(self) -> None:
        self.time_us, self.value = array("q"), array("d")

    def add(self, time_us: int, value: float) -> None:
        """Keep it if it is a step after the last."""
        if self.time_us and time_us < self.time_us[-1] + TRACK_STEP_US:
            return
        self.time_us.append(time_us)
        self.value.append(value)
        if len(self.time_us) > 2 * TRACK_POINTS:
            del self.time_us[:TRACK_POINTS], self.value[:TRACK_POINTS]


_glances = msgspec.json.Decoder(Glance)


class Standing:
    """Of one plant. Belongs to one event loop, but for `plant`, `as_of_us` and `now_us`, which any thread may ask.

    `energy` is what is planned and suggested. `odd` counts records that cannot be read, which another version may have
    written; `as_of_us` is the latest time that a forecast, a health or a warning speaks of, `heard_ms` when anything
    came last, by Kafka's clock.
    """

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.forecasts: dict[str, Forecast] = {}
        self.healths: dict[str, Health] = {}
        self.cases: dict[str, Case] = {}
        self.notices: dict[str, Notice] = {}
        self.ledgers: dict[int, Ledger] = {}
        self.chances: dict[str, Track] = defaultdict(Track)
        self.indices: dict[str, Track] = defaultdict(Track)
        self.energy = Energy()
        self.odd = 0
        self.as_of_us: int | None = None
        self.heard_ms = 0
        self._keys = key_of(plant.plant, "")
        self._of_asset: dict[str, set[str]] = defaultdict(set)

    def take(self, records: Sequence[Came]) -> Iterator[Change]:
        """What a batch changes: each move of a warning, and of the rest how it is in the end."""
        figures: dict[tuple[Topic, bytes], list[Came]] = defaultdict(list)
        moved, notices, has_books, has_models = [], {}, False, False
        planned: list[Change] = []
        self.heard_ms = max((self.heard_ms, *(one.arrived_ms for one in records)))
        for one in records:
            if one.topic in LAST_ONLY:
                figures[one.topic, one.key].append(one)
            elif one.topic is Topic.STATE:
                has_books |= self._take_ledger(one)
            elif one.topic is Topic.RELEASES:
                has_models = True
            else:
                record = self._read(one.value)
                if isinstance(record, Alert) and self._take_alert(record):
                    moved.append(record)
                elif isinstance(record, Notice) and self._take_notice(record):
                    notices[record.id] = record
                elif record is not None:
                    planned += self.energy.take(self.plant, record)
        touched = {one.asset for one in moved}.union(*map(self._take_last, figures.values()))
        yield from self._changes(moved, touched, notices.values())
        if has_books and (books := self.ledger()) is not None:
            yield Change(Kind.LEDGER, NOWHERE, books)
        if has_models:
            yield Change(Kind.MODELS, None, {})
        yield from planned

    def asset(self, name: str) -> AssetNow:
        """A machine. Raises KeyError for one that is not in the plant file."""
        cases = [self.cases[id_].alert for id_ in self._of_asset.get(name, ())]
        return asset_now(self.plant, name, self.forecasts.get(name), self.healths.get(name), cases)

    def assets(self, names: Iterable[str] | None = None) -> list[AssetNow]:
        """Machines, the worst first."""
        found = (self.asset(name) for name in (self.plant.assets if names is None else names))
        return sorted(found, key=lambda one: (-one.rank, one.asset))

    def warnings(self, fits: Callable[[Alert], bool]) -> list[Alert]:
        """Those that fit, the last opened first: whole, since there may be many more than anybody is shown."""
        found = [case.alert for case in self.cases.values() if fits(case.alert)]
        return sorted(found, key=lambda one: (-one.opened_us, one.id))

    def warnings_of(self, asset: str) -> list[AlertNow]:
        """An asset's, the last opened first."""
        found = sorted((self.cases[id_].alert for id_ in self._of_asset.get(asset, ())), key=lambda one: -one.opened_us)
        return [alert_now(self.plant, one) for one in found]

    def warning(self, case: Alert) -> AlertNow:
        """One of them."""
        return alert_now(self.plant, case)

    def ledger(self) -> LedgerNow | None:
        """The books, where a worker kept any."""
        return ledger_now(self.ledgers.values())

    def now_us(self, clock_us: int) -> int:
        """The time by the plant's clock: a plant that is replayed, such as a simulated one, lives in its past."""
        as_of_us = self.as_of_us
        return clock_us if as_of_us is None or abs(clock_us - as_of_us) < BEHIND_US else as_of_us

    def _changes(self, moved: list[Alert], touched: set[str], notices: Collection[Notice]) -> Iterator[Change]:
        for alert in moved:
            yield Change(Kind.WARNING, site_of(self.plant, alert.asset), alert_now(self.plant, alert))
        by_site: dict[str, list[AssetNow]] = defaultdict(list)
        for name in sorted(touched & self.plant.assets.keys()):
            by_site[site_of(self.plant, name)].append(self.asset(name))
        for site, assets in by_site.items():
            yield Change(Kind.ASSETS, site, {"assets": assets})
        for notice in notices:
            yield Change(Kind.NOTICE, site_of(self.plant, notice.asset) if notice.asset else None, notice)

    def _read(self, value: bytes | None) -> Record | None:
        """The record; None for one of another plant, a tombstone, and what cannot be read."""
        try:
            return decode_of(self.plant.plant, value)
        except msgspec.DecodeError:
            self.odd += 1
            return None

    def _take_last(self, of_asset: Sequence[Came]) -> set[str]:
        """Whose last is another now: one of history, which comes late, must not stand in for what came before it."""
        for at in reversed(range(len(of_asset))):
            record = self._read(of_asset[at].value)
            if isinstance(record, Forecast | Health) and self._is_news(record):
                for earlier in of_asset[:at]:
                    self._glance(earlier)
                self._track(record)
                self._heard(record.window_end_us)
                if isinstance(record, Forecast):
                    self.forecasts[record.asset] = record
                else:
                    self.healths[record.asset] = record
                return {record.asset}
        return set()

    def _is_news(self, record: Forecast | Health) -> bool:
        """History says nothing of now, and a replay repeats."""
        known = (self.forecasts if isinstance(record, Forecast) else self.healths).get(record.asset)
        key = (record.window_end_us, record.revision)
        return not record.historical and (known is None or key > (known.window_end_us, known.revision))

    def _glance(self, one: Came) -> None:
        """Of a record that a later one of the batch takes the place of, its point."""
        if one.value is None or not one.key.startswith(self._keys):
            return
        try:
            self._track(_glances.decode(one.value))
        except msgspec.DecodeError:
            self.odd += 1

    def _track(self, record: Forecast | Health | Glance) -> None:
        chances, index = getattr(record, "chances", ()), getattr(record, "index", None)
        if record.historical:
            return
        if chances:
            self.chances[record.asset].add(record.window_end_us, chances[WARNING])
        if index is not None:
            self.indices[record.asset].add(record.window_end_us, index)

    def _take_alert(self, alert: Alert) -> bool:
        known = self.cases.get(alert.id)
        if alert.historical or (known is not None and alert.revision <= known.alert.revision):
            return False
        moved = Moved(
            revision=alert.revision, moved_us=alert.moved_us, reason=alert.reason, state=alert.state, by=alert.by,
            why=alert.why,
        )  # fmt: skip
        self.cases[alert.id] = Case(alert, (*(known.revisions if known else ()), moved))
        self._of_asset[alert.asset].add(alert.id)
        self._heard(alert.window_end_us)
        return True

    def _heard(self, time_us: int) -> None:
        self.as_of_us = time_us if self.as_of_us is None else max(self.as_of_us, time_us)

    def _take_notice(self, notice: Notice) -> bool:
        known = self.notices.get(notice.id)
        if known is not None and notice.revision <= known.revision:
            return False
        if notice.state is NoticeState.OPEN:
            self.notices[notice.id] = notice
        else:
            self.notices.pop(notice.id, None)
        return True

    def _take_ledger(self, one: Came) -> bool:
        if one.value is None or not one.key.endswith(LEDGER_KEY):
            return False
        try:
            self.ledgers[one.partition] = msgspec.json.decode(one.value, type=Ledger)
        except msgspec.DecodeError:
            self.odd += 1
            return False
        return True


def is_open(alert: Alert) -> bool:
    """Whether it holds, or waits for somebody to say what became of it."""
    return is_active(alert) or is_waiting(alert)
