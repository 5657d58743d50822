"""What warnings were worth against the failures that happened: how long before, and which were unfounded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from models.alerting.raised import Raised, raised
from models.alerting.wording import headline
from models.records import HORIZONS_H, Alert, AlertReason, Confidence, Driver, Evidence, Level, Rung

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

    `says` is in a sentence what it rested on then; `said_h` is None where no hazard spoke, or none of its horizons was
    over the limit.
    `act_h` is from its opening to the failure that followed while it was open, or within the longest horizon.
    `ended` says by what it ended, None while it is open; `repaired_us` is when a repair came before any failure, after
    which nobody can tell whether it would have failed.
    """

    asset: str
    opened_us: int
    ended_us: int | None
    mode: str
    rung: Rung
    level: Level
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    says: str
    said_h: int | None
    drivers: tuple[Driver, ...]
    verdict: Verdict
    act_h: float | None
    ended: AlertReason | None = None
    repaired_us: int | None = None


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


def leads(outcome: Outcome) -> str:
    """How many failures were warned, and how long before, in words."""
    leads_h = outcome.leads_h
    told = f"warned {len(leads_h)} of {len(outcome.failures)} failures"
    return told + (f", median lead {median(leads_h):.0f} h" if leads_h else "")


def became(warning: Warned) -> str:
    """What became of a warning, in words."""
    if warning.verdict is Verdict.FAILED:
        return f"{warning.act_h or 0:.0f} h to act, then it failed"
    if warning.verdict is Verdict.UNFOUNDED:
        return "unfounded" + (f": failed {warning.act_h:.0f} h later" if warning.act_h else "")
    return "undecided at the end" if warning.repaired_us is None else "undecided: repaired before it failed"


Failed = tuple[str, int, str]
"""Asset, time, mode."""


def judge(
    failures: Iterable[Failed],
    alerts: Iterable[Alert],
    end_us: int,
    machine_hours: float,
    repairs: Iterable[tuple[str, int]] = (),
) -> Outcome:
    """Hold failures (asset, time, mode) and repairs (asset, time) against revisions of warnings, in any order.

    A case that came back after it ended is a warning anew.

    A warning is unfounded when no failure of its asset follows within the longest horizon; undecided when `end_us`
    comes too early to tell, or a repair before a failure, after which failures are of another life.
    """
    failed = sorted(failures, key=lambda failure: (failure[1], failure[0]))
    failed_us, repaired_us = _times((asset, us) for asset, us, _ in failed), _times(repairs)
    warnings = tuple(
        _warned(one, failed_us[one.first.asset], repaired_us[one.first.asset], end_us) for one in raised(alerts)
    )
    by_asset = defaultdict(list)
    for warning in warnings:
        by_asset[warning.asset].append(warning)
    told = tuple(
        Failure(asset=asset, time_us=time_us, mode=mode, lead_h=_lead_h(by_asset[asset], time_us))
        for asset, time_us, mode in failed
    )
    return Outcome(failures=told, warnings=warnings, machine_months=machine_hours / MONTH_H)


def _times(events: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    """Times by asset, in order."""
    found: dict[str, list[int]] = defaultdict(list)
    for asset, time_us in sorted(events):
        found[asset].append(time_us)
    return found


def _warned(one: Raised, failed_us: list[int], repaired_us: list[int], end_us: int) -> Warned:
    """What became of a warning: by the next failure, if no repair came before it."""
    first, opened_us, ended_us = one.first, one.began_us, one.ended_us
    failure_us = next((us for us in failed_us if us >= opened_us), None)
    repair_us = next((us for us in repaired_us if us > opened_us), None)
    if repair_us is not None and failure_us is not None and failure_us > repair_us:
        failure_us = None
    censored = failure_us is None and repair_us is not None and repair_us <= max(opened_us + HORIZON_US, ended_us or 0)
    in_time = failure_us is not None and failure_us - opened_us <= HORIZON_US
    verdict = Verdict.FAILED if in_time else Verdict.UNFOUNDED
    if not in_time and (censored or end_us - opened_us < HORIZON_US):
        verdict = Verdict.UNDECIDED
    failed_open = failure_us is not None and (ended_us is None or ended_us >= failure_us)
    return Warned(
        asset=first.asset,
        opened_us=opened_us,
        ended_us=ended_us,
        mode=first.mode,
        rung=first.rung,
        level=first.level,
        confidence=first.confidence,
        evidence=first.evidence,
        says=headline(first),
        said_h=first.lead_h,
        drivers=first.drivers,
        verdict=verdict,
        act_h=(failure_us - opened_us) / HOUR_US if failure_us is not None and (in_time or failed_open) else None,
        ended=None if ended_us is None else one.last.reason,
        repaired_us=repair_us if censored else None,
    )


def _lead_h(warnings: list[Warned], failed_us: int) -> float | None:
    """Hours from the opening of the warning that was open at the failure."""
    opened = [w.opened_us for w in warnings if w.opened_us <= failed_us and (w.ended_us or failed_us) >= failed_us]
    return (failed_us - min(opened)) / HOUR_US if opened else None
