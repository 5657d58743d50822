"""Server processes: started in a session of their own, recognised again later, waited for, and ended.

A process id alone is not enough to end something, since the system uses ids again: each is kept with the moment the
process began, and only a process that matches both is ours.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from infra.bin.layout import ServicesError

_children: dict[int, subprocess.Popen[bytes]] = {}


def start(command: Sequence[str], log: Path, environ: Mapping[str, str]) -> tuple[int, str]:
    """Start a server that outlives us; return its id and the mark of when it began."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environ),
            cwd=log.parent,
            start_new_session=True,
        )
    _children[child.pid] = child
    return child.pid, began(child.pid) or "gone"


def began(pid: int) -> str | None:
    """Tell when the process began, as a mark to compare; None if there is no such process (or only its remains)."""
    _reap(pid)
    stat = Path(f"/proc/{pid}/stat")
    if not Path("/proc/self/stat").exists():
        return _began_by_ps(pid)
    try:
        state, *rest = stat.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    ticks_since_boot = rest[18]  # field 22 of proc(5): starttime
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return None if state in "ZX" else f"{boot}/{ticks_since_boot}"


def _began_by_ps(pid: int) -> str | None:
    found = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def _reap(pid: int) -> None:
    child = _children.get(pid)
    if child and child.poll() is not None:
        del _children[pid]


def alive(pid: int | None, started: str | None) -> bool:
    """Tell whether the very process we started still runs."""
    return pid is not None and started is not None and began(pid) == started


def stop(pid: int | None, started: str | None, patience_s: float = 20.0) -> bool:
    """Ask the process to end, end it after `patience_s`; return whether there was anything to end."""
    if not alive(pid, started):
        return False
    assert pid is not None
    for ask, wait_s in ((signal.SIGTERM, patience_s), (signal.SIGKILL, 10.0)):
        _signal(pid, ask)
        if _wait_until(lambda: not alive(pid, started), wait_s):
            return True
    raise ServicesError(f"process {pid} does not end, not even on SIGKILL: see `ps -o stat,wchan,cmd -p {pid}`")


def _signal(pid: int, what: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it ended by itself meanwhile, which is what we want
        os.kill(pid, what)


def _wait_until(holds: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def wait_ready(name: str, ready: Callable[[], bool], running: Callable[[], bool], log: Path, seconds: float) -> None:
    """Return once the server answers; raise with the end of its log when it has ended or takes too long."""
    deadline = time.monotonic() + seconds
    while not ready():
        if not running():
            raise ServicesError(f"{name} ended while starting. {last_lines(log)}")
        if time.monotonic() > deadline:
            raise ServicesError(f"{name} gave no answer within {seconds:.0f} s of starting. {last_lines(log)}")
        time.sleep(0.05)


def last_lines(log: Path, count: int = 12) -> str:
    """Quote the end of a log and say where the rest is, to be put into an error."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    tail = "\n".join(f"    {line}" for line in lines[-count:]) or "    (it is empty)"
    return f"The end of its log, {log}:\n{tail}"
