"""What is known of production: topics folded to the last of everything, and why it has to be planned anew. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from models.alerting.lifecycle import is_active
from models.energy.planning.posing import Situation
from models.plant import Plant, Producer
from models.records import (
    Advice,
    Alert,
    DemandWarning,
    EnergyProfile,
    HeldBack,
    LoadForecast,
    Order,
    OrderState,
    Plan,
    PlanReason,
    Record,
    Suggestion,
    SuggestionAnswer,
    SuggestionState,
    Tariff,
    Verdict,
    decode_of,
)
from pipelines.console.ports import Came
from pipelines.replayed import plant_time_us

QUARTER_US = 900 * 1_000_000
DAY_US = 86_400 * 1_000_000
BY_PEOPLE = frozenset({HeldBack.SHELVED, HeldBack.OUT_OF_SERVICE})
"""What people hold back, no work is planned for."""
OWN = Plan | LoadForecast | Suggestion | SuggestionAnswer | DemandWarning
"""What says nothing of the plant's time: the role's own words, and people's answers to them."""


class Board:
    """Of one plant. `until_us` leaves out what was said later, for plans as of a time; None: nothing is left out."""

    def __init__(self, plant: Plant, until_us: int | None = None) -> None:
        self.plant = plant
        self.odd = 0
        self._until_us = until_us
        self._orders: dict[str, Order] = {}
        self._tariffs: dict[int, Tariff] = {}
        self._alerts: dict[str, Alert] = {}
        self._profiles: dict[str, EnergyProfile] = {}
        self._loads: dict[str, LoadForecast] = {}
        self._down: frozenset[str] = frozenset()
        self._as_of_us: int | None = None
        self._suggestions: dict[str, Suggestion] = {}
        self._answers: dict[str, SuggestionAnswer] = {}
        self.demand: DemandWarning | None = None
        self.plan: Plan | None = None

    @property
    def producers(self) -> Mapping[str, Producer]:
        """Machines that are planned."""
        return {} if self.plant.production is None else self.plant.production.machines

    def take(self, records: Iterable[Came]) -> set[PlanReason]:
        """Fold records; why production is to be planned anew, empty where nothing that matters changed."""
        return {why for one in records if (why := self._take(self._read(one.value))) is not None}

    def change_plant(self, plant: Plant) -> PlanReason | None:
        """Go over to an edited plant file; a reason to plan anew where its production is another."""
        same = plant.production == self.plant.production and plant.shifts == self.plant.shifts
        self.plant = plant
        return None if same else PlanReason.PLANT

    def change_down(self, down: frozenset[str]) -> PlanReason | None:
        """Machines that are broken now."""
        down &= self.producers.keys()
        same, self._down = down == self._down, down
        return None if same else PlanReason.BREAKDOWN

    def now_us(self, clock_us: int) -> int:
        """The time by the plant's clock: a plant that is replayed, such as a simulated one, lives in its past."""
        if self._until_us is not None:
            return self._until_us
        return plant_time_us(clock_us, self._as_of_us)

    def situation(self, now_us: int) -> Situation:
        """How things stand, from the begin of this quarter-hour on."""
        begin_us = now_us // QUARTER_US * QUARTER_US
        running = self.plan if self.plan is not None and self.plan.begin_us <= begin_us else None
        return Situation(
            plant=self.plant,
            begin_us=begin_us,
            orders={name: one for name, one in self._orders.items() if one.state is OrderState.OPEN},
            tariffs=tuple(self._tariffs.values()),
            profiles=self._profiles,
            warnings=self._warnings(),
            load=self.load,
            running=running,
            down=self._down,
        )

    @property
    def has_orders(self) -> bool:
        """Whether anything is to be made."""
        return any(one.state is OrderState.OPEN for one in self._orders.values())

    @property
    def load(self) -> LoadForecast | None:
        """The newest forecast of the meter."""
        production = self.plant.production
        return self._loads.get(production.meter.asset) if production and production.meter else None

    @property
    def down(self) -> frozenset[str]:
        """Machines that are broken."""
        return self._down

    def suggested(self, asset: str, now_us: int) -> tuple[frozenset[tuple[str, str]], tuple[int, ...]]:
        """An asset's parameters of which a suggestion is open, and when suggestions of it were accepted."""
        of = [one for one in self._suggestions.values() if one.asset == asset]
        answers = self._answers
        open_ = [one for one in of if one.state is SuggestionState.OPEN and one.valid_until_us > now_us]
        waiting = {(one.asset, one.parameter) for one in open_ if one.id not in answers}
        said = [answers[one.id] for one in of if one.id in answers]
        return frozenset(waiting), tuple(one.time_us for one in said if one.answer is Verdict.ACCEPTED)

    def _warnings(self) -> tuple[Alert, ...]:
        """Those of planned machines that ask for work, one a machine: the one to be dealt with first."""
        found: dict[str, Alert] = {}
        for alert in sorted(self._alerts.values(), key=lambda one: (one.act_before_us or one.window_end_us, one.id)):
            if asks(alert) and alert.asset in self.producers:
                found.setdefault(alert.asset, alert)
        return tuple(found.values())

    def _read(self, value: bytes | None) -> Record | None:
        """The record; None for one of another plant, a tombstone, and what cannot be read, which is counted."""
        try:
            return decode_of(self.plant.plant, value)
        except msgspec.DecodeError:
            self.odd += 1
            return None

    def _take(self, record: Record | None) -> PlanReason | None:
        if record is None:
            return None
        said_us = said_at(record)
        if said_us is None or (self._until_us is not None and said_us > self._until_us):
            return None
        if not isinstance(record, OWN):
            self._as_of_us = said_us if self._as_of_us is None else max(self._as_of_us, said_us)
        match record:
            case Order():
                return self._newer(self._orders, record.order, record, PlanReason.ORDERS)
            case Tariff():
                return self._newer(self._tariffs, record.begin_us, record, PlanReason.PRICES)
            case EnergyProfile():
                return self._newer(self._profiles, record.asset, record, PlanReason.PROFILES)
            case Alert():
                return self._take_alert(record)
            case LoadForecast():
                self._loads[record.asset] = record
            case DemandWarning():
                if self.demand is None or _order(record) > _order(self.demand):
                    self.demand = record
            case Suggestion():
                self._suggestions[record.id] = record
            case SuggestionAnswer():
                self._answers.setdefault(record.suggestion, record)
            case Plan():
                if self.plan is None or (record.made_us, record.revision) > (self.plan.made_us, self.plan.revision):
                    self.plan = record
        return None

    def _newer(self, known: dict[Any, Any], key: object, record: Any, why: PlanReason) -> PlanReason | None:
        """Keep a record that was said later than the one before; a repeat is none."""
        before = known.get(key)
        if before is not None and record.time_us <= before.time_us:
            return None
        known[key] = record
        return why

    def _take_alert(self, alert: Alert) -> PlanReason | None:
        """A warning matters where it begins or ceases to ask for work."""
        before = self._alerts.get(alert.id)
        if alert.historical or (before is not None and alert.revision <= before.revision):
            return None
        self._alerts[alert.id] = alert
        moved = asks(alert) != (before is not None and asks(before))
        return PlanReason.WARNING if moved and alert.asset in self.producers else None


def asks(alert: Alert) -> bool:
    """Whether a warning asks for work on its machine; what ended, is only watched, or held back by people, does not.

    That the machine is off holds it back from people, not from plans: it is the time to do it.
    """
    by_people = any(one.kind in BY_PEOPLE for one in alert.held)
    return is_active(alert) and alert.advice is not Advice.WATCH and not by_people


def said_at(record: Record) -> int | None:
    """When something was said, by the plant's time; None for records that are of no interest here."""
    match record:
        case Order() | Tariff() | EnergyProfile() | SuggestionAnswer() | DemandWarning():
            return record.time_us
        case Alert():
            return max(record.moved_us, record.window_end_us)
        case Plan() | LoadForecast() | Suggestion():
            return record.made_us
    return None


def _order(warning: DemandWarning) -> tuple[int, int]:
    return warning.quarter_us, warning.revision
