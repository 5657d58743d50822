"""What a benchmark prints and writes: a table, and build/bench/NAME.json with the machine it ran on.

`tests.kit.results` folds those documents into the file that BENCHMARKS.md is made of; a quick run's stays out.
"""

from __future__ import annotations

import json
import math
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "numpy", "polars", "msgspec", "onnxruntime", "faust-streaming", "aiokafka", "influxdb-client", "lightgbm", "sktime",
    "scikit-learn", "ortools", "highspy", "statsmodels",
)  # fmt: skip
FOLDER = ROOT / "build" / "bench"
WRITTEN = ("infra/benchmarks", "infra/pictures", "models/sizing.json", "*.md")
"""What a run of benchmarks writes into the tree itself, and prose: those make no other tree of it."""
_BEGAN_S = time.monotonic()


@dataclass(frozen=True, kw_only=True)
class Row:
    """A figure. `bar` is the least it may be, or the most where it is `at_most`; None where none is stated.

    `low` and `high` are the least and the most of `runs` rounds, of which `value` is the median unless its name says
    otherwise. `peer` names what it is compared with: where the figure is the peer's, `ours` is ours in the same unit;
    where it is ours, `theirs` is the peer's. The smaller one is better where it is `at_most`. A figure that could not
    be measured is NaN, and no bar holds that rests on it.
    """

    name: str
    value: float
    unit: str
    bar: float | None = None
    peer: str | None = None
    at_most: bool = False
    low: float | None = None
    high: float | None = None
    runs: int | None = None
    ours: float | None = None
    theirs: float | None = None

    def __post_init__(self) -> None:
        """Raises ValueError where the spread or the comparison is not one."""
        if len({self.low is None, self.high is None, self.runs is None}) > 1:
            raise ValueError(f"{self.name}: low, high and runs go together")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"{self.name}: low {self.low} is over high {self.high}")
        if self.ours is not None and self.theirs is not None:
            raise ValueError(f"{self.name}: it is either the peer's or ours")
        if (self.ours is not None or self.theirs is not None) and self.peer is None:
            raise ValueError(f"{self.name}: compared with no peer")

    @classmethod
    def of(cls, values: Sequence[float], **told: Any) -> Row:
        """The median of rounds with its spread; NaN without one if any round has no figure."""
        if any(math.isnan(value) for value in values):
            return cls(value=math.nan, **told)
        return cls(value=statistics.median(values), low=min(values), high=max(values), runs=len(values), **told)

    @property
    def holds(self) -> bool:
        """Whether the bar is reached."""
        if self.bar is None:
            return True
        return self.value <= self.bar if self.at_most else self.value >= self.bar


def report(name: str, rows: Sequence[Row], unprinted: Sequence[Row] = (), *, quick: bool = False) -> None:
    """Print and write the rows, write `unprinted` too; ends the process with 1 if a bar does not hold.

    A `quick` run is for trying, as all are under BENCH_QUICK: it writes build/bench/NAME-quick.json, which is never
    folded into results.
    """
    quick = quick or bool(os.environ.get("BENCH_QUICK"))
    Console().print(table(f"{name}, for trying" if quick else name, rows))
    FOLDER.mkdir(parents=True, exist_ok=True)
    document = {
        "name": name,
        "quick": quick,
        "when": datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
        "took_s": round(time.monotonic() - _BEGAN_S, 1),
        "machine": machine(),
        "versions": {package: version(package) for package in PACKAGES},
        "peers": peers_used(),
        **tree(),
        "rows": [asdict(row) | {"holds": row.holds} for row in rows],
        "parts": [asdict(row) | {"holds": row.holds} for row in unprinted],
    }
    (FOLDER / f"{name}{'-quick' * quick}.json").write_text(json.dumps(document, indent=2) + "\n")
    sys.exit(not all(row.holds for row in rows))


def table(title: str, rows: Sequence[Row]) -> Table:
    """A line a figure."""
    out = Table("figure", "value", "rounds", "unit", "bar", "holds", title=title, title_justify="left")
    for row in rows:
        bar = "" if row.bar is None else f"{'at most ' * row.at_most}{row.bar:,.10g}"
        spread = "" if row.runs is None else f"{row.low:,.2f} to {row.high:,.2f} ({row.runs})"
        holds = "" if row.bar is None else str(row.holds)
        out.add_row(row.name, f"{row.value:,.2f}", spread, row.unit, bar, holds)
    return out


def machine() -> str:
    """Processor, cores, memory and Python."""
    told = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    name = f"{platform.machine()} ({told[1]})" if told else platform.machine()
    return f"{name}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"


def peers_used() -> dict[str, str]:
    """Versions of the programs of tests/bench/peers, where this bench has them as peers."""
    used = sys.modules.get("tests.kit.peers")
    return used.versions() if used else {}


def tree() -> dict[str, Any]:
    """The commit that runs, and whether files differ from it, but for those that benchmarks write."""
    commit, changed = (
        subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
        for words in (
            ("rev-parse", "HEAD"),
            ("status", "--porcelain", "--untracked-files=no", "--", ".", *(f":!{path}" for path in WRITTEN)),
        )
    )
    return {"commit": commit, "changed": bool(changed)}
