"""Chances and intervals held to what came: failures that are known, counted once each however many rows saw them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from models.failure.coverage import Outcome, coverage
from models.failure.coverage import Verdict as Held
from models.failure.interval import COVERED
from models.records import WARNING_HORIZON_H, DriftKind
from onnx_export.drift.findings import Bars, Finding, Verdict
from onnx_export.drift.rows import Rows
from onnx_export.history import HOUR_US

CHANCE = f"chance within {WARNING_HORIZON_H} h"
INTERVAL = "interval on time to failure"
LEAST_EXPECTED = 1e-6
"""Rows that fail, where chances said none: a record holds no infinity. Our choice."""
VERDICTS = {Held.HOLDS: Verdict.STAYS, Held.DOES_NOT_HOLD: Verdict.MOVED, Held.INSUFFICIENT: Verdict.INSUFFICIENT}


def calibrated(rows: Rows, names: Sequence[str], bars: Bars) -> Finding:
    """Whether as many failures came as chances said.

    The value is failures that came over those expected, the bar how far from 1 it may be, up or down, by chance of so
    few failures and by `Bars.off`. Of a sample each row counts for as many as it stands for.
    """
    fails = (rows.hours > 0) & (rows.hours <= np.minimum(WARNING_HORIZON_H, rows.known_h))
    known = fails | (rows.known_h > WARNING_HORIZON_H) & (rows.hours > 0)
    failed_us = np.round(rows.window_end_us[fails] + rows.hours[fails] * HOUR_US).astype(np.int64)
    came = set(zip(rows.asset[fails].tolist(), failed_us.tolist(), strict=True))
    expected = float((rows.weight * rows.chance)[known].sum())
    value = float(rows.weight[fails].sum()) / max(expected, LEAST_EXPECTED)
    low, high = by_chance(len(came), bars.sure)
    off = abs(math.log(value)) if value else math.inf
    bar = max(bars.off, 1.0 / low if value >= 1.0 else high)
    moved = Verdict.MOVED if off > math.log(bar) else Verdict.STAYS
    return Finding(
        kind=DriftKind.CALIBRATION,
        what=CHANCE,
        verdict=Verdict.INSUFFICIENT if len(came) < bars.failures else moved,
        assets=tuple(sorted({names[asset] for asset, _ in came})),
        since_us=int(rows.window_end_us.min()) if len(rows.asset) else 0,
        value=value,
        bar=bar,
        events=len(came),
    )


def by_chance(events: int, sure: float) -> tuple[float, float]:
    """Ends of the interval of a Poisson mean, as shares of the count seen; 0 and infinite where none was.

    Byar's approximation of the exact one. Source: N. Breslow, N. Day, Statistical Methods in Cancer Research II,
    IARC 1987, p. 69.
    """
    if not events:
        return math.nextafter(0.0, 1.0), math.inf
    more = events + 1
    low = events * (1 - 1 / (9 * events) - sure / (3 * math.sqrt(events))) ** 3
    high = more * (1 - 1 / (9 * more) + sure / (3 * math.sqrt(more))) ** 3
    return max(low, math.ulp(1.0)) / events, high / events


def covered(outcomes: Sequence[Outcome | None], since_us: int) -> Finding:
    """Whether intervals on time to failure held what came, as `models.failure.coverage` judges them."""
    found = coverage(outcomes)
    return Finding(
        kind=DriftKind.COVERAGE,
        what=INTERVAL,
        verdict=VERDICTS[found.verdict],
        since_us=since_us,
        value=found.held / found.known if found.known else float("nan"),
        bar=COVERED,
        events=found.events,
    )
