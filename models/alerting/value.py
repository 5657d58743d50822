"""What warnings were worth in a time: failures that nobody was warned of first, then what people found, and the money.

Only what a person confirmed counts as saved. Hours and costs come from the plant, or from whoever asks; where one of
them is not known there is a count and no amount. Pure: no clock, no file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from models.alerting.lifecycle import SELF
from models.alerting.raised import BEGINS, Raised, raised
from models.plant import Plant
from models.records import HORIZONS_H, Alert, AlertReason, CloseReason, Maintenance, MaintenanceAction

HORIZON_US = HORIZONS_H[-1] * 3_600_000_000
"""A warning that ended is still of a failure that comes within its longest horizon, as reports of backfills judge."""


class Kind(StrEnum):
    """What an entry is, in the order in which it is told: what went wrong first."""

    MISSED = "missed failure"
    IGNORED = "warning ignored, it failed"
    IN_VAIN = "warning acknowledged, it failed all the same"
    SAVED = "confirmed save"
    DEFERRED = "found, put off"
    UNFOUNDED = "unfounded visit"


SAYS = {
    CloseReason.REPAIRED: Kind.SAVED,
    CloseReason.DEFERRED: Kind.DEFERRED,
    CloseReason.NOTHING_FOUND: Kind.UNFOUNDED,
}
"""What an outcome is worth; others say neither that a failure was avoided nor that a visit was for nothing."""
NOTED = frozenset({AlertReason.ACKNOWLEDGED, AlertReason.ORDERED, AlertReason.CLOSED})
"""Moves of people by which somebody took note of a warning; comments and shelving are not acts upon it."""


ORDER = {kind: at for at, kind in enumerate(Kind)}


class Entry(Struct, frozen=True, kw_only=True):
    """A failure, or a warning that somebody closed, with what it saved, where that is known.

    `alert` is the warning's id, empty where there was none; `by` who closed it. `amount` is `hours` times
    `cost_per_h`, of saves alone; what of the two is known stands there all the same.
    """

    kind: Kind
    time_us: int
    asset: str
    asset_type: str
    mode: str
    alert: str = ""
    by: str = ""
    found: str = ""
    hours: float | None = None
    cost_per_h: float | None = None
    amount: float | None = None


class Value(Struct, frozen=True, kw_only=True):
    """What a time was worth. `amount` is of the saves that one is known of, `unpriced` counts the others."""

    from_us: int
    to_us: int
    currency: str
    entries: tuple[Entry, ...]
    counts: dict[Kind, int]
    amount: float | None
    unpriced: int


class _Failed(NamedTuple):
    """A failure, by a record of it or by who closed its warning."""

    asset: str
    time_us: int
    mode: str


def value(
    revisions: Iterable[Alert],
    maintenance: Iterable[Maintenance],
    plant: Plant,
    from_us: int,
    to_us: int,
    hours: float | None = None,
) -> Value:
    """What from_us <= time < to_us was worth.

    Revisions of warnings are in any order, some of them twice; what was withdrawn warned of nothing. `hours` of an
    avoided failure go before the plant's own.
    """
    told = [one for one in revisions if not one.historical]
    ends = {one.id: one for one in sorted(told, key=lambda one: one.revision)}
    latest = {id_: one for id_, one in ends.items() if one.reason is not AlertReason.WITHDRAWN}
    live = [one for one in told if one.id in latest]
    work = list(maintenance)
    failed = _failed(latest.values(), work)
    every = (
        *_failures(live, latest, failed, _repaired(latest.values(), work), plant),
        *_closed(latest, failed, plant, hours),
    )
    entries = tuple(
        sorted((one for one in every if from_us <= one.time_us < to_us), key=lambda one: (ORDER[one.kind], one.time_us))
    )
    saved = [one for one in entries if one.kind is Kind.SAVED]
    amounts = [one.amount for one in saved if one.amount is not None]
    return Value(
        from_us=from_us,
        to_us=to_us,
        currency=plant.currency or "",
        entries=entries,
        counts={kind: sum(one.kind is kind for one in entries) for kind in Kind},
        amount=sum(amounts) if amounts else None,
        unpriced=len(saved) - len(amounts),
    )


def _failed(latest: Iterable[Alert], work: Iterable[Maintenance]) -> list[_Failed]:
    """Failures on record, and those that only whoever closed a warning tells of."""
    found = [_Failed(one.asset, one.time_us, one.mode) for one in work if one.action is MaintenanceAction.FAILED]
    for case in latest:
        outcome = case.outcome
        if outcome is None or outcome.reason is not CloseReason.FAILED:
            continue
        if not any(one.asset == case.asset and case.opened_us <= one.time_us <= outcome.time_us for one in found):
            found.append(_Failed(case.asset, case.window_end_us, outcome.mode))
    return found


def _repaired(latest: Iterable[Alert], work: Iterable[Maintenance]) -> dict[str, list[int]]:
    """When a machine began another life, by asset: what was warned of before is of the old one."""
    out: dict[str, list[int]] = defaultdict(list)
    for one in work:
        if one.action is MaintenanceAction.REPAIRED:
            out[one.asset].append(one.time_us)
    for case in latest:
        if case.outcome and case.outcome.reason is CloseReason.REPAIRED:
            out[case.asset].append(case.outcome.time_us)
    return out


def _failures(
    live: Iterable[Alert], latest: Mapping[str, Alert], failed: Iterable[_Failed], repaired: Mapping[str, list[int]],
    plant: Plant,
) -> Iterator[Entry]:  # fmt: skip
    """Each failure by the warning that was raised before it, if one was."""
    warnings: dict[str, list[Raised]] = defaultdict(list)
    noted: dict[str, list[int]] = defaultdict(list)
    for one in raised(live):
        warnings[one.first.asset].append(one)
    for alert in live:
        if alert.reason in NOTED and alert.by not in ("", SELF):
            noted[alert.id].append(alert.moved_us)
    for failure in failed:
        before = [one.first.id for one in warnings[failure.asset] if _warns(one, failure, repaired)]
        seen = [id_ for id_ in before if any(us < failure.time_us for us in noted[id_])]
        told = latest[(seen or before)[-1]] if before else None
        outcome = told.outcome if told else None
        yield Entry(
            kind=Kind.IN_VAIN if seen else Kind.IGNORED if before else Kind.MISSED,
            time_us=failure.time_us, asset=failure.asset, asset_type=plant.type_of(failure.asset) or "",
            mode=failure.mode, alert=told.id if told else "", by=outcome.by if outcome else "",
            found=outcome.found if outcome else "", cost_per_h=_cost(failure.asset, plant),
        )  # fmt: skip


def _warns(one: Raised, failure: _Failed, repaired: Mapping[str, list[int]]) -> bool:
    """Whether it was raised before the failure, in the same life, and held within the longest horizon before.

    Of a case whose first revisions the topic has no more, it is known when it opened.
    """
    began_us = one.began_us if one.first.reason in BEGINS else one.first.opened_us
    if any(began_us < us < failure.time_us for us in repaired.get(failure.asset, ())):
        return False
    return began_us < failure.time_us and (one.ended_us is None or failure.time_us - one.ended_us <= HORIZON_US)


def _closed(
    latest: Mapping[str, Alert], failed: Iterable[_Failed], plant: Plant, hours: float | None
) -> Iterator[Entry]:
    """Each warning that a person closed and whose outcome is worth something."""
    for case in latest.values():
        outcome = case.outcome
        kind = SAYS.get(outcome.reason) if outcome else None
        if outcome is None or kind is None or outcome.by == SELF:
            continue
        if kind is not Kind.UNFOUNDED and any(
            one.asset == case.asset and case.opened_us <= one.time_us <= outcome.time_us for one in failed
        ):
            continue  # it failed before: that is told, and nothing was avoided
        own, cost = plant.assets.get(case.asset), _cost(case.asset, plant)
        known_h = (hours or (own.failure_downtime_h if own else None)) if kind is Kind.SAVED else None
        yield Entry(
            kind=kind, time_us=outcome.time_us, asset=case.asset, asset_type=own.type if own else "",
            mode=outcome.mode or case.mode, alert=case.id, by=outcome.by, found=outcome.found, hours=known_h,
            cost_per_h=cost, amount=known_h * cost if known_h is not None and cost is not None else None,
        )  # fmt: skip


def _cost(asset: str, plant: Plant) -> float | None:
    known = plant.assets.get(asset)
    return known.downtime_cost_per_h if known else None
