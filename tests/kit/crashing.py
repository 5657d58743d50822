"""A worker process that ends itself, as by kill -9, at a step of carrying effects out.

`python -m tests.kit.crashing NAME:n`: the n-th time that step is passed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

import uvloop

from pipelines.cli.logs import to_stderr
from pipelines.main import work
from pipelines.settings import Settings


def crash_at(spec: str) -> Callable[[str], None]:
    """A checkpoint that ends this process the n-th time step `NAME:n` is passed."""
    name, _, count = spec.partition(":")
    left = int(count or 1)

    def checkpoint(passed: str) -> None:
        nonlocal left
        if passed == name:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return checkpoint


if __name__ == "__main__":
    to_stderr(loud=False)
    sys.exit(uvloop.run(work(Settings(), crash_at(sys.argv[1]))))
