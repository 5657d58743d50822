"""What is shown of a machine, a warning and the books at a glance: records in, small frozen views out. Pure.

They go to every browser again and again, so they are short; whole records are asked for one by one.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct

from models.alerting.lifecycle import is_active, is_waiting
from models.alerting.wording import headline
from models.failure.hazard import WARNING
from models.plant import Plant
from models.records import (
    Advice,
    Alert,
    AlertReason,
    AlertState,
    Confidence,
    Driver,
    Forecast,
    Health,
    Hold,
    Level,
    Notice,
    OperatingState,
    Outcome,
    Remaining,
    Rung,
)
from pipelines.ledger import Ledger

DRIVERS = 3
"""Signals named beside a chance: as many as a line has room for. Our choice."""


class AssetNow(Struct, frozen=True, kw_only=True):
    """A machine as it stands: where it is, what it does, its chances within HORIZONS_H, its health, its warnings.

    `rank` puts the worst first: by `severity`, the highest of its warnings that hold and are not held back, then by
    chance, then by health; it means nothing else. `worst` is the id of that warning.
    """

    asset: str
    type: str
    site: str
    area: str
    line: str
    description: str
    criticality: str
    operating: OperatingState
    window_end_us: int | None
    running_until_us: int | None
    chances: tuple[float, ...]
    drivers: tuple[Driver, ...]
    confidence: str
    basis: str
    rung: str
    model: str
    health: float | None
    health_us: int | None
    limiting: str
    remaining: Remaining | None
    warnings: int
    worst: str
    severity: int
    rank: float


class AlertNow(Struct, frozen=True, kw_only=True):
    """A warning in short; `is_waiting` says that its evidence ended and somebody is to say what became of it."""

    id: str
    revision: int
    asset: str
    type: str
    site: str
    mode: str
    state: AlertState
    reason: AlertReason
    advice: Advice
    act_before_us: int | None
    severity: int
    level: Level
    rung: Rung
    confidence: Confidence
    opened_us: int
    moved_us: int
    by: str
    why: str
    assigned: str
    held: tuple[Hold, ...]
    order: str
    outcome: Outcome | None
    chance_72h: float | None
    lead_h: int | None
    recurred: int
    headline: str
    is_active: bool
    is_waiting: bool


class LedgerNow(Struct, frozen=True, kw_only=True):
    """The books of all partitions as of their last snapshots: read = stored + rejected, or they are off."""

    balances: bool
    records_read: int
    rows_read: int
    rows_stored: int
    rows_late: int
    rows_rejected: int
    values_read: int
    values_stored: int
    values_rejected: int
    forecasts: int
    alerts: int
    notices: int


class Overview(Struct, frozen=True, kw_only=True):
    """The plant at a glance, the worst machine first. What changes comes as events after `event_id`.

    `now_us` is by the plant's clock, `as_of_us` the latest time that anything speaks of; `is_following` is false
    while Kafka does not answer. `silent_s` is for how long nothing came of the plant, by the clocks of the servers.
    """

    plant: str
    now_us: int
    as_of_us: int | None
    event_id: str
    is_following: bool
    silent_s: float | None
    assets: tuple[AssetNow, ...]
    warnings: tuple[AlertNow, ...]
    notices: tuple[Notice, ...]
    ledger: LedgerNow | None


def site_of(plant: Plant, asset: str) -> str:
    """Where an asset stands; empty where the file does not say, or does not know it."""
    return (plant.site_of(asset) or "") if asset in plant.assets else ""


def asset_now(
    plant: Plant, asset: str, forecast: Forecast | None, health: Health | None, cases: Collection[Alert]
) -> AssetNow:
    """Of what is known last of an asset of the plant, and its warnings."""
    known = plant.assets[asset]
    active = [one for one in cases if is_active(one)]
    worst = max((one for one in active if not one.held), key=lambda one: (one.severity, one.id), default=None)
    chances = forecast.chances if forecast else ()
    index = health.index if health else None
    return AssetNow(
        asset=asset, type=known.type, site=plant.site_of(asset) or "", area=known.area or "", line=known.line or "",
        description=known.description, criticality=str(known.criticality or ""),
        operating=forecast.operating if forecast else OperatingState.UNKNOWN,
        window_end_us=forecast.window_end_us if forecast else None,
        running_until_us=forecast.running_until_us if forecast else None,
        chances=chances, drivers=forecast.drivers[:DRIVERS] if forecast else (),
        confidence=str(forecast.confidence) if forecast else "", basis=forecast.basis if forecast else "",
        rung=str(forecast.rung) if forecast else "", model=forecast.model if forecast else "",
        health=index, health_us=health.window_end_us if health else None, limiting=health.limiting if health else "",
        remaining=(forecast.remaining if forecast else None) or (health.remaining if health else None),
        warnings=len(active), worst=worst.id if worst else "", severity=worst.severity if worst else 0,
        rank=_rank(worst, chances, index),
    )  # fmt: skip


def _rank(worst: Alert | None, chances: tuple[float, ...], health: float | None) -> float:
    """A severity is whole, a chance under 1: so each decides only where those before are equal."""
    chance = chances[WARNING] if chances else 0.0
    unwell = 0.0 if health is None else 100.0 - health
    return (worst.severity if worst else 0) + 0.9 * round(chance, 3) + unwell / 1e6


def alert_now(plant: Plant, case: Alert) -> AlertNow:
    """A warning as it stands."""
    return AlertNow(
        id=case.id, revision=case.revision, asset=case.asset, type=plant.type_of(case.asset) or "",
        site=site_of(plant, case.asset), mode=case.mode, state=case.state, reason=case.reason, advice=case.advice,
        act_before_us=case.act_before_us, severity=case.severity, level=case.level, rung=case.rung,
        confidence=case.confidence, opened_us=case.opened_us, moved_us=case.moved_us, by=case.by, why=case.why,
        assigned=case.assigned, held=case.held, order=case.order, outcome=case.outcome,
        chance_72h=case.chances[WARNING] if case.chances else None, lead_h=case.lead_h, recurred=case.recurred,
        headline=headline(case), is_active=is_active(case), is_waiting=is_waiting(case),
    )  # fmt: skip


def ledger_now(ledgers: Collection[Ledger]) -> LedgerNow | None:
    """The sum; None where no worker kept a snapshot yet."""
    if not ledgers:
        return None
    total = Ledger.total(list(ledgers))
    counts = {name: getattr(total, name) for name in LedgerNow.__struct_fields__ if name != "balances"}
    return LedgerNow(balances=total.balances, **counts)
