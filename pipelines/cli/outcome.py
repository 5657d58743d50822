"""What warnings were worth against the failures that happened: how long before, and which were unfounded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from models.records import HORIZONS_H, Alert, AlertReason

HOUR_US = 3_600_000_000


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A failure and the hours by which its warning came before it; None if no warning was open."""

    asset: str
    time_us: int
    mode: str
    lead_h: float | None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Failures with their leads, and the warnings that no failure followed within the longest horizon."""

    failures: tuple[Failure, ...]
    unfounded: int
    undecided: int  # opened so near the end that nobody can say
    machine_months: float

    @property
    def warned(self) -> list[float]:
        """Lead hours of the failures warned, shortest first."""
        return sorted(failure.lead_h for failure in self.failures if failure.lead_h is not None)


def judge(
    failures: Iterable[tuple[str, int, str]], alerts: Iterable[Alert], end_us: int, machine_hours: float
) -> Outcome:
    """Hold failures (asset, time, mode) against revisions of warnings, in any order."""
    spans = _spans(alerts)
    told = tuple(
        Failure(asset=asset, time_us=time_us, mode=mode, lead_h=_lead_h(spans[asset], time_us))
        for asset, time_us, mode in sorted(failures, key=lambda failure: (failure[1], failure[0]))
    )
    horizon_us = HORIZONS_H[-1] * HOUR_US
    unfounded = undecided = 0
    for asset, warnings in spans.items():
        for opened_us, _ in warnings:
            followed = any(f.asset == asset and 0 <= f.time_us - opened_us <= horizon_us for f in told)
            if not followed and end_us - opened_us < horizon_us:
                undecided += 1
            elif not followed:
                unfounded += 1
    return Outcome(failures=told, unfounded=unfounded, undecided=undecided, machine_months=machine_hours / 730.5)


def _spans(alerts: Iterable[Alert]) -> dict[str, list[tuple[int, int | None]]]:
    """Per asset, when each warning was opened and ended."""
    last: dict[str, Alert] = {}
    for alert in alerts:
        if alert.id not in last or alert.revision > last[alert.id].revision:
            last[alert.id] = alert
    spans: dict[str, list[tuple[int, int | None]]] = defaultdict(list)
    for alert in last.values():
        ended = alert.reason in (AlertReason.CLEARED, AlertReason.REPAIRED)
        spans[alert.asset].append((alert.opened_us, alert.window_end_us if ended else None))
    return spans


def _lead_h(spans: list[tuple[int, int | None]], failed_us: int) -> float | None:
    """Hours from the opening of the warning that was open at the failure."""
    opened = [start for start, end in spans if start <= failed_us and (end is None or end >= failed_us)]
    return (failed_us - min(opened)) / HOUR_US if opened else None
