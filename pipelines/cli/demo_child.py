"""Processes of the demo: `forewarn` commands as children, each with its log in build/."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.cli import environment
from pipelines.settings import Settings

INSTANCE = "demo"
BUILD = Path("build")


@contextmanager
def child(settings: Settings, name: str, *arguments: str, keep: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """A `forewarn` command as a child process with its log in build/; ended at the end, by SIGTERM."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / f"demo-{name}.log").open("wb") as log:
        command = [sys.executable, "-m", "pipelines.cli", *arguments]
        started = subprocess.Popen(
            command, env=environment(settings), stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=keep
        )
    try:
        yield started
    except BaseException:
        started.kill()
        raise
    finally:
        if not keep and started.poll() is None:
            started.send_signal(signal.SIGTERM)
            started.wait(timeout=20)
