"""What warnings were worth against the failures that happened: how long before, and which were unfounded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from models.records import HORIZONS_H, Alert, AlertReason, Driver

HOUR_US = 3_600_000_000
MONTH_H = 720.0
"""Hours of a machine-month, 30 days."""
HORIZON_US = HORIZONS_H[-1] * HOUR_US


class Verdict(StrEnum):
    """What became of a warning."""

    FAILED = "failed"
    UNFOUNDED = "unfounded"
    UNDECIDED = "undecided"


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A failure and the hours by which its warning came before it; None if no warning was open."""

    asset: str
    time_us: int
    mode: str
    lead_h: float | None


@dataclass(frozen=True, kw_only=True)
class Warned:
    """A warning as it was when it opened, and what became of it.

    `act_h` is from its opening to the failure that followed while it was open, or within the longest horizon.
    """

    asset: str
    opened_us: int
    ended_us: int | None
    said_h: int | None
    drivers: tuple[Driver, ...]
    verdict: Verdict
    act_h: float | None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Failures with their leads, and every warning with what became of it."""

    failures: tuple[Failure, ...]
    warnings: tuple[Warned, ...]
    machine_months: float

    @property
    def leads_h(self) -> list[float]:
        """Lead hours of the failures warned, shortest first."""
        return sorted(failure.lead_h for failure in self.failures if failure.lead_h is not None)

    def count(self, verdict: Verdict) -> int:
        """Warnings of which this became."""
        return sum(warning.verdict is verdict for warning in self.warnings)


def judge(
    failures: Iterable[tuple[str, int, str]], alerts: Iterable[Alert], end_us: int, machine_hours: float
) -> Outcome:
    """Hold failures (asset, time, mode) against revisions of warnings, in any order.

    A warning is unfounded when no failure of its asset follows within the longest horizon, undecided when `end_us`
    comes too early to tell.
    """
    failed = sorted(failures, key=lambda failure: (failure[1], failure[0]))
    warnings = tuple(_warned(first, last, failed, end_us) for first, last in _revisions(alerts))
    by_asset = defaultdict(list)
    for warning in warnings:
        by_asset[warning.asset].append(warning)
    told = tuple(
        Failure(asset=asset, time_us=time_us, mode=mode, lead_h=_lead_h(by_asset[asset], time_us))
        for asset, time_us, mode in failed
    )
    return Outcome(failures=told, warnings=warnings, machine_months=machine_hours / MONTH_H)


def _revisions(alerts: Iterable[Alert]) -> list[tuple[Alert, Alert]]:
    """First and last revision of each warning, by the time it opened."""
    of: dict[str, dict[int, Alert]] = defaultdict(dict)
    for alert in alerts:
        of[alert.id][alert.revision] = alert
    found = [(revisions[min(revisions)], revisions[max(revisions)]) for revisions in of.values()]
    return sorted(found, key=lambda pair: (pair[0].opened_us, pair[0].asset))


def _warned(first: Alert, last: Alert, failed: list[tuple[str, int, str]], end_us: int) -> Warned:
    later = [us for asset, us, _ in failed if asset == first.asset and us >= first.opened_us]
    in_time = bool(later) and later[0] - first.opened_us <= HORIZON_US
    verdict = Verdict.FAILED if in_time else Verdict.UNFOUNDED
    if not in_time and end_us - first.opened_us < HORIZON_US:
        verdict = Verdict.UNDECIDED
    ended = last.reason in (AlertReason.CLEARED, AlertReason.REPAIRED)
    failed_open = bool(later) and (not ended or last.window_end_us >= later[0])
    return Warned(
        asset=first.asset,
        opened_us=first.opened_us,
        ended_us=last.window_end_us if ended else None,
        said_h=first.lead_h,
        drivers=first.drivers,
        verdict=verdict,
        act_h=(later[0] - first.opened_us) / HOUR_US if in_time or failed_open else None,
    )


def _lead_h(warnings: list[Warned], failed_us: int) -> float | None:
    """Hours from the opening of the warning that was open at the failure."""
    opened = [w.opened_us for w in warnings if w.opened_us <= failed_us and (w.ended_us or failed_us) >= failed_us]
    return (failed_us - min(opened)) / HOUR_US if opened else None
