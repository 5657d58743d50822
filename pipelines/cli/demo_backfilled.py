"""The demo's backfill: a pump's last weeks from InfluxDB through the path that live ran; what would have fired."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import NamedTuple

from pipelines.cli import environment
from pipelines.cli.demo_child import BUILD
from pipelines.settings import Settings

DAYS = 14
DAY_US = 86_400_000_000
PATIENCE_S = 90.0


class Backfilled(NamedTuple):
    """Warnings of the span by both, forecasts that both gave, and how many of those are the same; or why there is none.

    A late row may have moved a live forecast before `rebuild` would put it right, so not all have to be.
    """

    asset: str = ""
    here: int = 0
    live: int = 0
    both: int = 0
    compared: int = 0
    equal: int = 0
    why: str = ""

    @property
    def problem(self) -> str:
        """Why it is none; empty where it is."""
        if self.why:
            return f"no backfill: {self.why}"
        if not self.compared or self.here != self.live or self.both != self.live:
            return f"the backfill of {self.asset} gives {self.here} warnings where {self.live} were live"
        return ""


class Backfill:
    """Begun beside what else the demo does."""

    def __init__(self, settings: Settings, asset: str, end_us: int) -> None:
        self._asset = asset
        span = ("--from", _written(end_us - DAYS * DAY_US), "--to", _written(end_us))
        command = [sys.executable, "-m", "pipelines.cli", "backfill", *span, "--source", "influx", "--asset", asset]
        more = ("--out", str(BUILD / "backfill"), "--processes", "1", "--json")
        self._process = subprocess.Popen(
            [*command, *more], env=environment(settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def wait(self) -> Backfilled:
        """What came of it."""
        try:
            said, wrong = self._process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return Backfilled(self._asset, why=f"it took over {PATIENCE_S:g} s")
        if self._process.returncode:
            return Backfilled(self._asset, why=wrong.decode(errors="replace").strip()[-500:])
        return _read(self._asset, json.loads(said))


def _read(asset: str, report: dict[str, object]) -> Backfilled:
    """Of the command's document."""
    found = report["difference"]
    if not isinstance(found, dict):
        return Backfilled(asset, why=str(found))
    both, only_here, only_live = (len(found[name]) for name in ("both", "only_here", "only_live"))
    pairs = found["forecasts"]
    compared, equal = (sum(one[name] for one in pairs) for name in ("compared", "equal"))
    return Backfilled(asset, both + only_here, both + only_live, both, compared, equal)


def line(found: Backfilled) -> str:
    """In words."""
    if found.why:
        return f"[red]no backfill:[/] {found.why}"
    return (
        f"backfill of {found.asset}'s last {DAYS} days from InfluxDB: {found.here} warnings would have fired, "
        f"{found.both} of them as live; {found.equal:,} of {found.compared:,} forecasts are the same to the last bit"
    )


def _written(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1e6, UTC).isoformat()
