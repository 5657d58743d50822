"""Runs `forewarn backfill` and measures it from outside, or one lane of it in this process.

The clock of the command runs from its start to the moment the last lane is through; labels and report come after that
and are in `whole_s`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from infra.bin.processes import last_lines
from pipelines.backfill.results import LEDGER
from pipelines.cli import environment
from pipelines.cli.backfill.asked import Asked
from pipelines.cli.backfill.models import present
from pipelines.cli.backfill.run import planned
from pipelines.cli.backfill.sources import open_source
from pipelines.cli.backfill.work import Job, run
from pipelines.ledger import Ledger
from pipelines.main import read_plant
from pipelines.settings import Settings
from tests.kit.gauges import peaks_mib

POLL_S = 0.1
LONGEST_S = 900.0
"""Most that one command may take."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """`cpu_s` is processor seconds a million rows, all of the command; `peak_mib` the sum of what its processes had at
    their highest, `lane_mib` the largest of its lanes.
    """

    rows: int
    seconds: float
    whole_s: float
    cpu_s: float
    peak_mib: float
    lane_mib: float

    @property
    def rate(self) -> float:
        """Rows a second until the last lane is through."""
        return self.rows / self.seconds


def command(settings: Settings, words: Sequence[str], rows: int, out: Path) -> Ran:
    """Run it with two processes. Raises AssertionError where it fails or reads other than so many rows."""
    log = out.with_suffix(".log")
    line = [sys.executable, "-m", "pipelines.cli", "backfill", *words, "--processes", "2", "--out", str(out)]
    began, peaks = time.time(), dict[int, float]()
    with log.open("wb") as output:
        process = subprocess.Popen(line, env=environment(settings), cwd=log.parent, stdout=output, stderr=output)
        try:
            while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
                peaks |= peaks_mib(process.pid)
                assert time.time() - began < LONGEST_S, f"it takes longer than {LONGEST_S:g} s. {last_lines(log)}"
                time.sleep(POLL_S)
            process.returncode = os.waitstatus_to_exitcode(ended[1])
        finally:
            process.kill()
            process.wait()
    whole_s, usage = time.time() - began, ended[2]
    assert process.returncode == 0, f"it ended with {process.returncode}. {last_lines(log)}"
    ledgers = list(out.glob(f"*/lane-*/{LEDGER}"))
    read = sum(msgspec.json.decode(ledger.read_bytes(), type=Ledger).rows_read for ledger in ledgers)
    assert read == rows, f"{read} rows were read, not {rows}. {last_lines(log)}"
    return Ran(
        rows=rows,
        seconds=max(ledger.stat().st_mtime for ledger in ledgers) - began,
        whole_s=whole_s,
        cpu_s=(usage.ru_utime + usage.ru_stime) / rows * 1e6,
        peak_mib=sum(peaks.values()),
        lane_mib=max(mib for pid, mib in peaks.items() if pid != process.pid),
    )


def lane(settings: Settings, asked: Asked) -> tuple[int, float]:
    """Plan what is asked and work off its first lane in this process: its rows and the seconds that all took."""
    began_s, rows = time.perf_counter(), 0
    plant = read_plant(settings.plant, settings.site)
    turns = (present(plant, settings.models),)
    source = open_source(settings, asked, plant)
    plan = planned(settings, asked, source, turns)
    source.prepare(lambda _done, _of: None)

    def told(so_far: int, _until_us: int) -> None:
        nonlocal rows
        rows = so_far

    assert run(Job(settings, asked, plan, turns, 0, asked.out / plan.name), told, lambda: False)
    return rows, time.perf_counter() - began_s
