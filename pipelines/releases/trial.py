"""A release is loaded and run in a process of its own, with limits, before a worker loads it: `python -m ... FOLDER`.

Native code reads the file: whatever that breaks is a refusal with a signal's name, and no worker. What is not foreseen
is CRASHED, with its text.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sys
import traceback
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from models.release import Part, Refusal, Refused
from pipelines.releases.measure import BATCH_MS, Tried, measured

NAMES = {Part.ONNX: "model.onnx", Part.CARD: "model.json", Part.CASES: "model.cases.json"}
TIMEOUT_S = 60.0
MOST_MEMORY = 4 * 2**30
"""Of address space: the starter's trial maps 0.2 GiB, the largest file's weights are 32 MiB. Our choice."""
STACK = 2 * 2**20
"""A worker loads in a thread, which may have as little (glibc's own for x86-64, where none is set)."""
NICE = 10
"""A trial waits where the processor has work for the worker. Our choice."""
MOST_SAID = 64 * 1024
KEPT_VARIABLES = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")
"""Of the environment: a model has no use for passwords."""


class Failed(Struct, frozen=True, tag=True):
    """What a trial refused, as it says it."""

    reason: Refusal
    detail: str


def lay(folder: Path, files: Mapping[Part, bytes]) -> None:
    """Put a release's files where a trial looks for them."""
    for part, content in files.items():
        (folder / NAMES[part]).write_bytes(content)


async def tried(
    folder: Path, python: str = sys.executable, timeout_s: float = TIMEOUT_S, batch_ms: float = BATCH_MS
) -> Tried:
    """Try the files in a folder; the process is gone when this returns, fails or is cancelled. Raises Refused."""
    starting = asyncio.ensure_future(_started(folder, python, timeout_s, batch_ms))
    try:
        process = await asyncio.shield(starting)
    except asyncio.CancelledError:  # uvloop would leave a process that it is just starting
        await _end(await starting)
        raise
    try:
        async with asyncio.timeout(timeout_s):
            said, complained = await asyncio.gather(_beginning(process.stdout), _beginning(process.stderr))
            code = await process.wait()
    except TimeoutError:
        raise Refused(Refusal.TOO_SLOW, f"the trial was not done in {timeout_s:g} s: export a smaller model") from None
    finally:
        await _end(process)
    return _heard(code, said, complained, timeout_s)


async def _started(folder: Path, python: str, timeout_s: float, batch_ms: float) -> Process:
    """With nothing of this process open but two pipes, in a session of its own."""
    return await asyncio.create_subprocess_exec(
        *(python, "-B", "-P", "-m", "pipelines.releases.trial", str(folder), str(timeout_s), str(batch_ms)),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        close_fds=True,
        start_new_session=True,
        env=_environment(),
    )


async def _end(process: Process) -> None:
    """With all that it started: whoever holds its pipes would be waited for."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.gather(_beginning(process.stdout), _beginning(process.stderr))  # a pipe closes at its end
        await process.wait()


def _environment() -> dict[str, str]:
    """So much of the environment that this very code is found."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    ours = str(Path(__file__).resolve().parents[2])
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, (ours, kept.get("PYTHONPATH"))))}


async def _beginning(stream: asyncio.StreamReader | None) -> bytes:
    """The first MOST_SAID bytes of what a process says, to its end."""
    kept = bytearray()
    while stream and (piece := await stream.read(MOST_SAID)):
        kept += piece[: MOST_SAID - len(kept)]
    return bytes(kept)


def _heard(code: int, said: bytes, complained: bytes, timeout_s: float) -> Tried:
    """What an ended process means."""
    if code == -signal.SIGXCPU:
        raise Refused(Refusal.TOO_SLOW, f"the trial took {timeout_s:g} s of processor time: export a smaller model")
    last = complained.decode(errors="replace").strip()[-300:] or "it said nothing"
    if code < 0:
        raise Refused(Refusal.CRASHED, f"the trial was ended by {_signal(-code)}: {last}: export the model anew")
    try:
        found = msgspec.json.decode(said.strip().rpartition(b"\n")[2], type=Tried | Failed)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise Refused(Refusal.CRASHED, f"the trial ended with code {code} and no result: {last}") from wrong
    if isinstance(found, Failed):
        raise Refused(found.reason, found.detail)
    if code:
        raise Refused(Refusal.CRASHED, f"the trial ended with code {code} behind its result: {last}")
    return found


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def main(folder: str, cpu_s: str, batch_ms: str) -> None:
    """The process: one line of JSON, a Tried or a Failed."""
    os.nice(NICE)
    _limit(float(cpu_s))
    try:
        found: Tried | Failed = measured(_files(Path(folder)), float(batch_ms))
        found = msgspec.structs.replace(found, memory_bytes=_memory())
    except Refused as refused:
        found = Failed(refused.reason, refused.detail)
    except Exception as wrong:  # not foreseen, so it is said as it is
        traceback.print_exc()
        found = Failed(Refusal.CRASHED, f"{type(wrong).__name__}: {wrong}")
    sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    sys.stdout.flush()


def _memory() -> int:
    """The most that this program had, in bytes. `ru_maxrss` would count what the worker had when it was forked."""
    status = Path("/proc/self/status")
    if not status.is_file():  # not Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(found.split()[1]) * 1024


def _limit(cpu_s: float) -> None:
    """Processor time, memory and stack; no file is written, no core dumped."""
    for what, most in (
        (resource.RLIMIT_CPU, max(1, round(cpu_s))),
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_STACK, STACK),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _files(folder: Path) -> dict[Part, bytes]:
    return {part: (folder / name).read_bytes() for part, name in NAMES.items() if (folder / name).is_file()}


if __name__ == "__main__":
    main(*sys.argv[1:])
