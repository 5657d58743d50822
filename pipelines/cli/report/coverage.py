"""Whether the intervals on time to failure that a run, or live, told held the failures that came.

As warnings opened it is judged, 72 and 24 h before failures it is counted alone: see `models.failure.coverage`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from models.failure.coverage import HOUR_US, LAST_US, Coverage, Outcome, Told, coverage, outcome
from models.failure.ends import End, repairs_of
from models.records import Alert, OperatingState, Remaining, Until

BEFORE_H = (72, 24)
"""Hours before a failure at which what was told is looked at."""
LATEST_US = 24 * HOUR_US
"""What was told longer before that than this, to a machine that stood since, is not looked at. Our choice."""
LEFT = ("low_h", "high_h")


@dataclass(frozen=True, kw_only=True)
class Covered:
    """What intervals of a type's model held: as warnings opened, and so many hours before failures."""

    model: str
    opened: Coverage
    before: dict[int, Coverage]


@dataclass(kw_only=True)
class Intervals:
    """Collects intervals and what became of them, by model; forecasts come some assets at a time, in any order."""

    ends: Sequence[End]
    from_us: int
    to_us: int
    _opened: dict[str, list[Outcome | None]] = field(default_factory=lambda: defaultdict(list))
    _before: dict[tuple[str, int], list[Outcome | None]] = field(default_factory=lambda: defaultdict(list))

    def take_alerts(self, alerts: Iterable[Alert]) -> None:
        """The first revision of each warning that tells a time to failure."""
        first: dict[str, Alert] = {}
        for alert in alerts:
            left = alert.remaining
            if left is None or left.until is not Until.FAILURE or alert.window_end_us <= self.from_us:
                continue
            if alert.id not in first or alert.revision < first[alert.id].revision:
                first[alert.id] = alert
        for alert in first.values():
            assert alert.remaining is not None
            told = Told(asset=alert.asset, time_us=alert.window_end_us, remaining=alert.remaining)
            self._opened[alert.model].append(self._became(told, self.to_us))

    def take_forecasts(self, forecasts: pl.DataFrame) -> None:
        """Of each failure of assets in the table what was told BEFORE_H, or last before that. Old tables tell none."""
        if not set(LEFT) <= set(forecasts.columns):
            return
        ran = pl.col("operating") == OperatingState.RUNNING.value
        said = forecasts.filter(ran, pl.col(LEFT[0]).is_not_null()).select("asset", "window_end_us", "model", *LEFT)
        of = {str(asset): rows for (asset,), rows in said.partition_by("asset", as_dict=True).items()}
        for end in self.ends:
            if end.failed and self.from_us < end.time_us <= self.to_us and end.asset in of:
                self._take_before(end, of[end.asset])

    def _take_before(self, end: End, said: pl.DataFrame) -> None:
        for hours in BEFORE_H:
            at_us = end.time_us - hours * HOUR_US
            near = said.filter(pl.col("window_end_us").is_between(at_us - LATEST_US, at_us)).sort("window_end_us")
            for row in near.tail(1).iter_rows(named=True):
                left = Remaining(low_h=row["low_h"], median_h=None, high_h=row["high_h"], until=Until.FAILURE)
                told = Told(asset=end.asset, time_us=row["window_end_us"], remaining=left)
                self._before[row["model"], hours].append(self._became(told, told.time_us + LAST_US))  # it came

    def _became(self, told: Told, to_us: int) -> Outcome | None:
        own = [end for end in self.ends if end.asset == told.asset]
        failures = [end.time_us for end in own if end.failed]
        repairs = [time_us for _, time_us in repairs_of(own)]
        return outcome(told, failures, repairs, to_us)

    @property
    def covered(self) -> tuple[Covered, ...]:
        """By model; empty where no interval was told."""
        models = sorted({*self._opened, *(model for model, _ in self._before)})
        return tuple(
            Covered(
                model=model,
                opened=coverage(self._opened[model]),
                before={hours: coverage(self._before[model, hours]) for hours in BEFORE_H},
            )
            for model in models
        )


def lines(found: Sequence[Covered]) -> tuple[str, ...]:
    """What is said of it; empty where no interval was told."""
    if not found:
        return ()
    return (
        *(line for of in found for line in _of_model(of)),
        "An interval counts once 168 h are over since it was told, and not where a repair came before a failure. "
        "What was told so many hours before a failure is chosen by the failure: 90 % is not to be expected of it.",
    )


def _of_model(of: Covered) -> Iterable[str]:
    yield f"{of.model}, as warnings opened: 90 % {of.opened.said}; {_share(of.opened)}."
    for hours, counted in of.before.items():
        yield f"{of.model}, {hours} h before failures: {_share(counted)}."


def _share(of: Coverage) -> str:
    if not of.known:
        return f"none whose outcome is known, {of.open} open"
    span = f"exact 95 % interval {of.low:.0%} to {of.high:.0%}"
    held = f"{of.held} of {of.known} held ({of.held / of.known:.0%}, {span})"
    return f"{held}, {of.events} with a failure, {of.open} open"
