"""Folders of backfills as a run leaves them, made by hand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
import polars as pl

from models.records import (
    Alert,
    AlertReason,
    AlertState,
    AnyRecord,
    Confidence,
    Driver,
    Evidence,
    Level,
    Maintenance,
    MaintenanceAction,
    Remaining,
    Rung,
    Whose,
)
from pipelines.backfill.plan import Into, Plan, What
from pipelines.backfill.results import CHANCES, FORECASTS, GAPS, LEDGER, PLAN, Results, lines_of
from pipelines.backfill.stretch import Found
from pipelines.cli.report.figures import Report
from pipelines.cli.report.sections import sections
from pipelines.ledger import Ledger, Source

START_US = 1_767_225_600_000_000  # 2026-01-01 00:00 UTC
MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
MODEL = "pump@b59ef32e2636"


def at(hours: float) -> int:
    """A time so many hours into the span."""
    return START_US + round(hours * HOUR_US)


def plan(days: float = 28, assets: tuple[str, ...] = ("a", "b"), **changes) -> Plan:
    """Two assets over four weeks, read from a day before."""
    made = Plan(
        plant="plant", plant_version="v1", source="files", where="history/*.parquet", read_from_us=START_US - DAY_US,
        from_us=START_US, to_us=at(24 * days), assets=assets, models={"pump": MODEL},
        what=(What.INGEST, What.FORECASTS, What.ALERTS), into=(Into.PARQUET,), lateness_s=120, lanes=1,
        found=Found(1000, 5000, START_US - DAY_US, at(24 * days), 3),
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def ledger(rows: int = 1000, rejected: int = 0, lost: int = 0) -> Ledger:
    """One that read rows of one value each; it balances but for those lost."""
    stored = rows - rejected - lost
    made = Ledger(
        rows_read=rows, rows_stored=stored, rows_rejected=rejected, values_read=rows, values_stored=stored,
        values_rejected=rejected, rejected_by_reason={"out-of-range": rejected} if rejected else {},
    )  # fmt: skip
    made.sources["files"] = Source(rows_read=rows, rows_stored=stored, values_read=rows, values_stored=stored)
    return made


def forecasts(
    asset: str,
    hours: Iterable[float],
    operating: str = "running",
    chance: float | None = 0.1,
    revision: int = 0,
    model: str = MODEL,
    remaining: Remaining | None = None,
) -> pl.DataFrame:
    """Forecasts of an asset that all say the same."""
    chances = (chance,) * len(CHANCES)
    left = None if remaining is None else remaining.low_h, None, None if remaining is None else remaining.high_h
    said = (*chances, "temp_degc", 1.0, model, None, *left, Whose.NOBODY.value, None)
    rows = [(asset, at(h), revision, operating, at(h), *said) for h in hours]
    return pl.DataFrame(rows, FORECASTS, orient="row")


def hazard(basis: str = "simulated pumps", confidence: Confidence = Confidence.LOW) -> Evidence:
    """What a model says."""
    return Evidence(
        rung=Rung.HAZARD, name="pump", level=Level.WARNING, since_us=START_US, mode="any", signals=("oil_temp_degc",),
        value=0.5, limit=0.12, unit="chance in 72 h", basis=basis, confidence=confidence,
    )  # fmt: skip


def rule(name: str = "bearing-hot", level: Level = Level.WARNING) -> Evidence:
    """What a rule says, since the beginning of the span."""
    return Evidence(
        rung=Rung.RULES, name=name, level=level, since_us=START_US, mode="OHE", signals=("bearing_temp_degc",),
        value=84.2, limit=80.0, unit="degC", basis="a manual", confidence=Confidence.MEDIUM,
    )  # fmt: skip


def by_rules(asset: str, opened_h: float, ended_h: float | None = None, level: Level = Level.WARNING) -> list[Alert]:
    """All revisions of a warning that rests on a rule alone."""
    return [
        msgspec.structs.replace(
            one, id=f"{asset}@{opened_h} by rules", mode="OHE", level=level, evidence=(rule(level=level),), chances=(),
            lead_h=None, drivers=(), model="", basis=rule().basis, rung=Rung.RULES, confidence=Confidence.MEDIUM,
        )
        for one in warning(asset, opened_h, ended_h)
    ]  # fmt: skip


def mixed(asset: str, opened_h: float, ended_h: float | None = None) -> list[Alert]:
    """All revisions of a warning that rests on a model and a rule."""
    return [msgspec.structs.replace(one, evidence=(rule(), hazard())) for one in warning(asset, opened_h, ended_h)]


def warning(
    asset: str,
    opened_h: float,
    ended_h: float | None = None,
    reason: AlertReason = AlertReason.CLEARED,
    basis: str = "simulated pumps",
) -> list[Alert]:
    """All revisions of a warning."""
    opened = Alert(
        id=f"{asset}@{opened_h}", revision=0, plant="plant", asset=asset, mode="any",
        state=AlertState.UNACKNOWLEDGED, reason=AlertReason.OPENED, opened_us=at(opened_h),
        window_end_us=at(opened_h), chances=(0.5,) * 6, lead_h=72,
        drivers=(Driver(signal="oil_temp_degc", drop=0.2, change=4.5, per_day=0.5),),
        model=MODEL, basis=basis, rung=Rung.HAZARD, level=Level.WARNING, evidence=(hazard(basis),),
        remaining=None, confidence=Confidence.LOW, completeness=1.0,
    )  # fmt: skip
    if ended_h is None:
        return [opened]
    ended = {"revision": 1, "state": AlertState.RETURNED, "reason": reason, "window_end_us": at(ended_h)}
    return [opened, msgspec.structs.replace(opened, **ended)]


def run(
    folder: Path,
    *,
    of: Plan | None = None,
    tables: Iterable[pl.DataFrame] = (),
    records: Iterable[AnyRecord] = (),
    gaps: Iterable[tuple[str, float, float]] = (),
    counted: Ledger | None = None,
) -> Results:
    """A run of one lane; gaps are in hours of the span."""
    lane = folder / "lane-0"
    lane.mkdir(parents=True)
    (folder / PLAN).write_bytes(msgspec.json.encode(of or plan()))
    (lane / LEDGER).write_bytes(msgspec.json.encode(counted or ledger()))
    for number, table in enumerate(tables):
        table.write_parquet(lane / f"forecasts-{number:05}.parquet")
    (lane / "records-00000.jsonl").write_bytes(lines_of(records))
    rows = [(asset, at(from_h), at(to_h)) for asset, from_h, to_h in gaps]
    pl.DataFrame(rows, GAPS, orient="row").write_parquet(lane / "gaps-00000.parquet")
    return Results(folder)


def failed(asset: str, hours: float, mode: str = "bearing-wear") -> Maintenance:
    return Maintenance(plant="plant", asset=asset, time_us=at(hours), action=MaintenanceAction.FAILED, mode=mode)


def repaired(asset: str, hours: float) -> Maintenance:
    return Maintenance(plant="plant", asset=asset, time_us=at(hours), action=MaintenanceAction.REPAIRED)


def minutes(first: int, last: int):
    """Hours of minutes, both ends in."""
    return [minute / 60 for minute in range(first, last + 1)]


def said(report: Report, title: str) -> str:
    """All that a section says."""
    (section,) = [one for one in sections(report) if one.title == title]
    cells = [cell for grid in section.grids for row in grid.rows for cell in row]
    return "\n".join((*section.lines, *(grid.title for grid in section.grids), *cells))
