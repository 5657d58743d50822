"""`forewarn backfill` as a process: run to its end, or so that its lanes are slow or end themselves as by kill -9.

`python -m tests.kit.backfilling SPEC ARGUMENTS`: the command line, of which each lane keeps a point after every step.
SPEC is `NAME:n`, to kill the process group the n-th time a lane passes that step, or `slow`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from models.records import encode
from pipelines.backfill.results import GAPS, PLAN, Results

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 120


class Ran(NamedTuple):
    """What a run said, and its folder's results."""

    status: int
    said: str
    out: Path

    @property
    def results(self) -> Results:
        """Of the only run in its folder."""
        (plan,) = self.out.glob(f"*/{PLAN}")
        return Results(plan.parent)


def started(environ: Mapping[str, str], out: Path, *arguments: str, spec: str = "") -> subprocess.Popen[str]:
    """The command in a process group of its own."""
    program = ("tests.kit.backfilling", spec) if spec else ("pipelines.cli",)
    command = [sys.executable, "-m", *program, "backfill", *arguments, "--out", str(out), "--processes", "2"]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=ROOT, env=dict(environ), stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )


def ended(process: subprocess.Popen[str], out: Path) -> Ran:
    """Once it has."""
    try:
        texts = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return Ran(process.returncode, "".join(texts), out)


def backfill(environ: Mapping[str, str], out: Path, *arguments: str, spec: str = "") -> Ran:
    """Run it to its end."""
    return ended(started(environ, out, *arguments, spec=spec), out)


def killed(environ: Mapping[str, str], out: Path, crash: str | float, *arguments: str) -> bool:
    """Run it until all its processes are killed: at a step of a lane, or some seconds after one has a new point.

    Whether they were, before they came to the end.
    """
    if isinstance(crash, str):
        ran = backfill(environ, out, *arguments, spec=crash)
        assert ran.status in (-signal.SIGKILL, 0), ran.said
        return ran.status != 0
    began_s = time.time()
    process = started(environ, out, *arguments, spec="slow")
    while process.poll() is None and _newest_s(out) < began_s:
        time.sleep(0.05)
    time.sleep(crash)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return process.returncode != 0


def _newest_s(out: Path) -> float:
    """When the last point was kept."""
    with contextlib.suppress(FileNotFoundError):  # a run that begins anew forgets those of the one before
        return max((point.stat().st_mtime for point in out.glob("*/lane-*/point")), default=0.0)
    return 0.0


def left_by(ran: Ran) -> tuple[Any, ...]:
    """All that a run leaves: forecasts, records, gaps, ledger, whatever the order of lanes' parts."""
    results = ran.results
    lines = sorted(encode(record) for record in results.records())
    gaps = results.table("gaps", GAPS).sort("asset", "from_us")
    return results.forecasts().rows(), lines, gaps.rows(), results.ledger()


def checkpoint_of(spec: str) -> Callable[[str], None]:
    """Sleeps at each step, or kills this process and those it was started with."""
    name, _, count = spec.partition(":")
    left = int(count or 1)

    def checkpoint(passed: str) -> None:
        nonlocal left
        if name == "slow":
            time.sleep(0.5)
        elif passed == name:
            left -= 1
            if left == 0:
                os.killpg(0, signal.SIGKILL)

    return checkpoint


def lane(spec: str, *given: Any) -> None:
    """The body of a lane's process."""
    from connectors.kafka import history
    from pipelines.cli.backfill.work import work_lane

    history.RECORDS = 200  # so that there are many steps
    work_lane(*given, checkpoint=checkpoint_of(spec), keep_s=0)


if __name__ == "__main__":
    from pipelines.cli import run
    from pipelines.cli.backfill import run as backfills

    backfills.work_lane = partial(lane, sys.argv.pop(1))
    run()
