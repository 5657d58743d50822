"""Runs one program from Kafka to InfluxDB and measures it from outside, the same way whichever it is.

The clock runs from the first moment InfluxDB has counted rows of the program to the moment it has counted the last, and
counts the rows stored between the two. So starting up and joining a group cost nobody anything.
"""

from __future__ import annotations

import math
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.influx import admin
from connectors.influx.target import Target
from infra.bin.processes import last_lines
from tests.kit.gauges import cpu_s, peak_mib, points_stored, rows_in
from tests.kit.loads import SIGNALS

POLL_S, PATIENCE_S = 0.25, 90.0
LONGEST_S = 300.0
"""Most that one run may take; who is slower has no figures."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A program: how it is started, how many rows of the topic it is to store until it is stopped, in which fields."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    target: Target
    rows: int
    fields: Sequence[str] = SIGNALS


@dataclass(frozen=True, kw_only=True)
class Measured:
    """`cpu_s` is processor seconds a million rows, `peak_mib` the highest resident size of one process tree."""

    rate: float
    cpu_s: float
    peak_mib: float
    seconds: float


NOTHING = Measured(rate=math.nan, cpu_s=math.nan, peak_mib=math.nan, seconds=math.nan)
"""Of a program that failed: no bar holds that rests on it."""


def _nothing() -> None:
    """Nothing is looked at."""


def measure(contender: Contender, log: Path, look: Callable[[], None] = _nothing) -> Measured:
    """Run it in a bucket of its own, which is dropped. Raises AssertionError where rows are missing, with its log.

    `look` is called while the bucket is whole.
    """
    admin.ensure(contender.target)
    try:
        with log.open("wb") as output:
            before = points_stored(contender.target)
            process = subprocess.Popen(
                contender.command, cwd=log.parent, env={**os.environ, **contender.environ}, stdout=output, stderr=output
            )
            try:
                measured = watch([process], contender.target, before, contender.rows, log)
            finally:
                process.kill()
                process.wait()
        for name in contender.fields:
            stored = rows_in(contender.target, "pump", name)
            assert stored >= contender.rows, f"{contender.name}: {stored} rows have {name}, not {contender.rows}"
        look()
    finally:
        admin.drop(contender.target)
    return measured


def watch(processes: Sequence[subprocess.Popen[bytes]], target: Target, before: int, rows: int, log: Path) -> Measured:
    """Some processes together, from the first of `rows` stored to the last; `before` is what InfluxDB had counted."""
    first: tuple[float, float, int] | None = None
    began = moved = time.monotonic()
    last = 0
    peak, spent = 0.0, 0.0
    while True:
        ended = any(process.poll() is not None for process in processes)
        if not ended:
            spent = sum(cpu_s(process.pid) for process in processes)
            peak = max(peak, *(peak_mib(process.pid) for process in processes))
        stored, now = points_stored(target) - before, time.monotonic()
        if stored and first is None:
            first = (now, spent, stored)
        if stored > last:
            moved, last = now, stored
        if first and stored >= rows:
            seconds, counted = now - first[0], stored - first[2]
            assert counted, f"all of {rows} rows were stored between two looks: too few to measure"
            cpu = (spent - first[1]) / counted * 1e6
            return Measured(rate=counted / seconds, cpu_s=cpu, peak_mib=peak, seconds=seconds)
        too_long = now - moved > PATIENCE_S or now - began > LONGEST_S
        assert not ended and not too_long, (
            f"{stored} of {rows} rows were stored when it {'ended' if ended else 'took too long'}. {last_lines(log)}"
        )
        time.sleep(POLL_S)
