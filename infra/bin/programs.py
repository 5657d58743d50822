"""Programs the servers are made of: asked for by name, fetched or built once, kept in the cache.

A build happens in a folder of its own that gets its final name when it is complete, under a lock: a killed build leaves
nothing that looks finished, and two builds do not meet.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from infra.bin.layout import Options, ServicesError
from infra.bin.processes import last_lines

_steps: set[subprocess.Popen[bytes]] = set()


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold the lock file; a second process waits here. The system lets go of it when we end, however that happens."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def cached_or_built(options: Options, name: str, build: Callable[[Path], None]) -> tuple[Path, str]:
    """Return the program's folder, and 'cache' or 'built'. `build` is given an empty folder to fill."""
    home = options.programs / name
    if home.is_dir():
        return home, "cache"
    with only_one(options.programs / f".{name}.lock"):
        if home.is_dir():
            return home, "cache"
        for leftover in options.programs.glob(f".{name}.part-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        part = Path(tempfile.mkdtemp(prefix=f".{name}.part-", dir=options.programs))
        try:
            build(part)
            part.chmod(0o755)
            part.rename(home)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return home, "built"


def find(program: str, why: str, package: str, environ: Mapping[str, str]) -> str:
    """Return the program's path. `why` and `package` end up in the error when it is not there."""
    path = shutil.which(program, path=environ.get("PATH", os.defpath))
    if path is None:
        raise ServicesError(f"{program} is missing: it is needed to {why}. On Debian: apt install {package}")
    return path


def find_java(environ: Mapping[str, str]) -> str:
    """Java 17 or newer, from JAVA_HOME if that is set."""
    home = environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else None
    java = java or find("java", "run Kafka (version 17 or newer)", "openjdk-17-jre-headless", environ)
    said = output([java, "-version"], environ)
    version = re.search(r'version "(?:1\.)?(\d+)', said)
    if not version or int(version[1]) < 17:
        found = version[1] if version else said.strip()[:80]
        raise ServicesError(
            f"{java} is Java {found}: Kafka 4 needs 17 or newer. On Debian: apt install openjdk-17-jre-headless"
        )
    return java


def find_go(oldest: tuple[int, int], why: str, environ: Mapping[str, str]) -> str:
    """Go of at least version `oldest`, or any that may fetch a newer one by itself (GOTOOLCHAIN, from 1.21 on)."""
    go = find("go", why, "golang-go", environ)
    said = output([go, "env", "GOVERSION", "GOTOOLCHAIN"], environ)
    version = re.search(r"go(\d+)\.(\d+)", said)
    found = (int(version[1]), int(version[2])) if version else (0, 0)
    fetches = found >= (1, 21) and "local" not in said
    if found < oldest and not fetches:
        wanted = ".".join(map(str, oldest))
        raise ServicesError(
            f"{go} is {said.split()[0] if said.split() else 'unknown'}: go {wanted} or newer is needed to {why}. "
            "On Debian: apt install golang-go from backports"
        )
    return go


def output(command: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return all that a short command says."""
    found = subprocess.run(command, capture_output=True, text=True, env=dict(environ), check=False)
    return found.stdout + found.stderr


def run_logged(what: str, command: Sequence[str], log: Path, environ: Mapping[str, str], cwd: Path) -> None:
    """Run one step of a build at low priority; its output goes to `log`, whose end is in the error."""
    log.parent.mkdir(parents=True, exist_ok=True)
    nice = shutil.which("nice")
    full = [*([nice, "-n", "10"] if nice else []), *command]
    with log.open("ab") as output:
        output.write(f"$ {' '.join(command)}\n".encode())
        output.flush()
        with subprocess.Popen(
            full, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=dict(environ), cwd=cwd
        ) as step:
            _steps.add(step)
            code = step.wait()
            _steps.discard(step)
    if code != 0:
        raise ServicesError(f"{what} failed ({Path(command[0]).name} ended with {code}). {last_lines(log)}")


def end_builds() -> None:
    """End the build steps that still run, when what they build is no longer wanted."""
    for step in list(_steps):
        step.terminate()
