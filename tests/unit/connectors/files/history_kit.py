"""A small plant whose history is in files, and what a history gives as plain rows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from connectors.files.history import FileHistory
from connectors.files.shape import Shape
from models.plant import Plant, parse
from pipelines.backfill.stretch import Stretch

MINUTE_US = 60_000_000
BEGIN_US = 1_767_225_600_000_000
"""2026-01-01 00:00 UTC."""
END_US = BEGIN_US + 86_400_000_000

PLANT = """
plant = "p"
[types.pump.signals.pressure_bar]
kind = "gauge"
[types.pump.signals.temp_degc]
kind = "gauge"
[types.pump.signals.is_running]
kind = "boolean"
[types.pump.signals.mode]
kind = "text"
[types.fan.signals.temp_degc]
kind = "gauge"
[assets.pump-1]
type = "pump"
[assets.pump-2]
type = "pump"
[assets.fan-1]
type = "fan"
"""
ASSETS = ("fan-1", "pump-1", "pump-2")


def at(minutes: float) -> int:
    """Microseconds of a time so many minutes after the beginning."""
    return BEGIN_US + round(minutes * MINUTE_US)


def iso(minutes: float) -> str:
    """The same as text."""
    return f"2026-01-01T{int(minutes) // 60:02d}:{int(minutes) % 60:02d}:{round(minutes % 1 * 60):02d}Z"


def plant(tags: str = "") -> Plant:
    return parse(PLANT + tags)


def history(folder: Path, *globs: str, tags: str = "", shape: Shape | None = None, **said: Any) -> FileHistory:
    files = [str(folder / each) for each in globs or ("*.csv",)]
    return FileHistory(plant(tags), files, folder / "work", shape, **said)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def stretches(
    of: FileHistory, rows: int = 1000, assets: Iterable[str] = ASSETS, from_us: int = 0, to_us: int = END_US
) -> list[Stretch]:
    """All of them; the last one has what was told of the files, too."""
    *found, last = of.stretches(from_us, to_us, list(assets), rows)
    return [*found, last._replace(letters=(*last.letters, *of.letters(from_us, to_us)))]


def rows_of(found: Iterable[Stretch]) -> list[dict[str, Any]]:
    """All rows as they came, without what was not said; minutes after the beginning stand for times."""
    rows = [row for each in found for table in each.tables.values() for row in table.to_dicts()]
    for row in rows:
        row["minute"] = (row.pop("time_us") - BEGIN_US) / MINUTE_US
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def letters_of(found: Iterable[Stretch]) -> list[str]:
    return [letter.detail for each in found for letter in each.letters]


def table(**columns: Any) -> pl.DataFrame:
    return pl.DataFrame(columns)
