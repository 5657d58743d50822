"""A worker process that ticks twice a second by a clock that is put back while it runs.

`python -m tests.kit.stepping SECONDS AFTER`: back by so many seconds, once so many have passed.
"""

from __future__ import annotations

import asyncio
import sys

import pipelines.main
from pipelines.cli.logs import to_stderr
from pipelines.main import WallClock, work
from pipelines.settings import Settings

TICK_S = 0.5


class Stepping(WallClock):
    """The machine's time, until it is put back."""

    back_s, after_s = (float(given) for given in sys.argv[1:3]) if len(sys.argv) > 2 else (0.0, 0.0)

    def __init__(self) -> None:
        self._began_s = self.monotonic_s()

    def now_us(self) -> int:
        """Behind by `back_s` from some moment on."""
        is_back = self.monotonic_s() - self._began_s > self.after_s
        return super().now_us() - is_back * round(self.back_s * 1e6)


if __name__ == "__main__":
    to_stderr(loud=False)
    pipelines.main.WallClock = Stepping  # type: ignore[misc] # the composition root makes the clock
    sys.exit(asyncio.run(work(Settings().model_copy(update={"tick_s": TICK_S}))))
