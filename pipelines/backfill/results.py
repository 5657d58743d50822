"""What a backfill leaves in its folder, and how it is read again: tables as Parquet, records as lines of JSON.

Each lane has a folder of its own with numbered parts; a part is whole or not there. A reader puts them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import polars as pl

from models.records import HORIZONS_H, AnyRecord, Forecast, Health, Maintenance, Remaining, decode, encode
from pipelines.backfill.plan import Plan
from pipelines.ledger import Ledger

PLAN, LEDGER, WHOLE = "plan.json", "ledger.json", "whole"
"""Files: of a run, of a lane once it is through, and the one that is written last of a run."""
CHANCES = tuple(f"chance_{h}h" for h in HORIZONS_H)
REMAINING = ("low_h", "median_h", "high_h")
FORECASTS: dict[str, type[pl.DataType]] = {
    "asset": pl.String,
    "window_end_us": pl.Int64,
    "revision": pl.Int64,
    "operating": pl.String,
    "running_until_us": pl.Int64,
    **dict.fromkeys(CHANCES, pl.Float64),
    "driver": pl.String,  # the signal that drives it most
    "completeness": pl.Float64,
    "model": pl.String,
    "mode": pl.String,  # the failure mode that is most likely
    **dict.fromkeys(REMAINING, pl.Float64),  # until failure, where that is told; a high end of none is open
    "baseline": pl.String,  # whose usual its signals are held against
    "missing": pl.String,  # what its window has nothing of, with commas between
}
SAID = {
    kind: tuple(name for name, of in FORECASTS.items() if of is kind and name != "asset")
    for kind in (pl.Float64, pl.String)
}
"""What a forecast says, numbers and words: a store has a field of each."""
HEALTH: dict[str, type[pl.DataType]] = {
    "asset": pl.String,
    "window_end_us": pl.Int64,
    **dict.fromkeys(("index", "t2", "spe"), pl.Float64),
    "driver": pl.String,  # the signal with the largest share
    "limiting": pl.String,
    **dict.fromkeys(REMAINING, pl.Float64),  # until the limit is reached
    "baseline": pl.String,
    "confidence": pl.String,
    "completeness": pl.Float64,
    "model": pl.String,
}
EVENTS: dict[str, type[pl.DataType]] = {"asset": pl.String, "time": pl.Int64, "action": pl.String, "mode": pl.String}
GAPS: dict[str, type[pl.DataType]] = {"asset": pl.String, "from_us": pl.Int64, "to_us": pl.Int64}
"""Stretches of time in which an asset said nothing for longer than it may."""


def forecasts_table(forecasts: Sequence[Forecast]) -> pl.DataFrame:
    """The last revision of each forecast, by asset and time."""
    none = (None,) * len(CHANCES)
    rows = [
        (
            f.asset, f.window_end_us, f.revision, f.operating.value, f.running_until_us, *(f.chances or none),
            f.drivers[0].signal if f.drivers else None, f.completeness, f.model,
            f.modes[0].mode if f.modes else None, *_left(f.remaining), f.baseline.value, ", ".join(f.missing) or None,
        )
        for f in forecasts
    ]  # fmt: skip
    return last_of_each(pl.DataFrame(rows, FORECASTS, orient="row"))


def health_table(healths: Sequence[Health]) -> pl.DataFrame:
    """A row a health, in their order."""
    rows = [
        (
            h.asset, h.window_end_us, h.index, h.t2, h.spe, h.drivers[0].signal if h.drivers else None, h.limiting,
            *_left(h.remaining),
            h.baseline, h.confidence.value, h.completeness, h.model,
        )
        for h in healths
    ]  # fmt: skip
    return pl.DataFrame(rows, HEALTH, orient="row")


def _left(left: Remaining | None) -> tuple[float | None, ...]:
    return (left.low_h, left.median_h, left.high_h) if left else (None,) * len(REMAINING)


def last_of_each(table: pl.DataFrame) -> pl.DataFrame:
    """The last revision of each forecast."""
    return table.sort("asset", "window_end_us", "revision").unique(
        ["asset", "window_end_us"], keep="last", maintain_order=True
    )


class Results:
    """A run's folder, to be read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def plan(self) -> Plan:
        """What was done."""
        return msgspec.json.decode((self.folder / PLAN).read_bytes(), type=Plan)

    def table(self, kind: str, schema: dict[str, type[pl.DataType]]) -> pl.DataFrame:
        """All parts of `forecasts`, `gaps` or another kind of table; null where a part is of before a column was."""
        parts = [pl.read_parquet(part) for part in self._parts(kind, "parquet")]
        return pl.concat(parts, how="diagonal") if parts else pl.DataFrame(schema=schema)

    def forecasts(self) -> pl.DataFrame:
        """The last revision of each forecast, by asset and time."""
        return last_of_each(self.table("forecasts", FORECASTS))

    def forecasts_by_assets(self, rows: int = 1_000_000) -> Iterator[pl.DataFrame]:
        """The same, of some assets at a time, so that memory holds about so many rows and one asset's more.

        Of parts with other columns, as of a run that a newer program went on with, those of the first part.
        """
        if not (parts := self._parts("forecasts", "parquet")):
            return
        table = pl.scan_parquet(parts, missing_columns="insert", extra_columns="ignore")
        counts = table.group_by("asset").len().sort("asset").collect(engine="streaming")
        for _, some in counts.group_by(pl.col("len").cum_sum() // rows, maintain_order=True):
            yield last_of_each(table.filter(pl.col("asset").is_in(some["asset"].to_list())).collect(engine="streaming"))

    def records(self) -> Iterator[AnyRecord]:
        """Alerts, notices, baselines, dead letters, failures and repairs, as they came in each lane."""
        for part in self._parts("records", "jsonl"):
            yield from map(decode, part.read_bytes().splitlines())

    def events(self) -> pl.DataFrame:
        """Failures and repairs in the form that files of history have them: `asset`, `time`, `action`, `mode`."""
        events = [record for record in self.records() if isinstance(record, Maintenance)]
        rows = sorted((event.asset, event.time_us, event.action.value, event.mode) for event in events)
        return pl.DataFrame(rows, EVENTS, orient="row")

    def ledger(self) -> Ledger:
        """The sum of the lanes' ledgers."""
        return Ledger.total(
            msgspec.json.decode(file.read_bytes(), type=Ledger) for file in sorted(self.folder.glob(f"lane-*/{LEDGER}"))
        )

    def _parts(self, kind: str, ending: str) -> list[Path]:
        return sorted(self.folder.glob(f"lane-*/{kind}-*.{ending}"))


def lines_of(records: Iterable[AnyRecord]) -> bytes:
    """Records as lines of JSON."""
    return b"".join(encode(record) + b"\n" for record in records)
