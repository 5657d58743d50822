"""What a benchmark prints and writes: a table, and build/bench/NAME.json with the machine it ran on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
PACKAGES = ("numpy", "polars", "msgspec", "onnxruntime", "faust-streaming", "aiokafka", "influxdb-client")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A figure. `bar` is the least it may be, or the most where it is `at_most`; None where none is stated.

    `peer` names what it is compared with.
    """

    name: str
    value: float
    unit: str
    bar: float | None = None
    peer: str | None = None
    at_most: bool = False

    @property
    def holds(self) -> bool:
        """Whether the bar is reached."""
        if self.bar is None:
            return True
        return self.value <= self.bar if self.at_most else self.value >= self.bar


def report(name: str, rows: Sequence[Row], unprinted: Sequence[Row] = ()) -> None:
    """Print and write the rows, write `unprinted` too; ends the process with 1 if a bar does not hold."""
    table = Table("figure", "value", "unit", "bar", "holds", title=name, title_justify="left")
    for row in rows:
        bar = "" if row.bar is None else f"{'at most ' * row.at_most}{row.bar:,.10g}"
        table.add_row(row.name, f"{row.value:,.2f}", row.unit, bar, "" if row.bar is None else str(row.holds))
    Console().print(table)
    folder = ROOT / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    document = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "versions": {package: version(package) for package in PACKAGES},
        "commit": commit.stdout.strip(),
        "rows": [asdict(row) | {"holds": row.holds} for row in (*rows, *unprinted)],
    }
    (folder / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")
    sys.exit(not all(row.holds for row in rows))
