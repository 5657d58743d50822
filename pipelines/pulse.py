"""Whether the worker's loop lives. It says so itself a few times a second, and others ask from their own threads.

A step holds the loop while it works, and is no death, unless it takes longer than any step can.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from pipelines.ports import Clock

BEAT_S = 0.5
SILENT_S = 30.0
"""Longest silence of a loop that lives: a large state is restored or encoded in less. Our choice."""
STEP_S = 600.0
"""Longest step: a fetch of 20,000 records takes seconds. Our choice."""


class Pulse:
    """The last sign of life of a loop. `steps` tells since when each step that is at work now is."""

    def __init__(self, clock: Clock, steps: Callable[[], Iterable[float | None]] = tuple) -> None:
        self._clock, self._steps = clock, steps
        self._beat_s = clock.monotonic_s()

    async def beat(self) -> None:
        """Say that the loop lives, for ever."""
        while True:
            self._beat_s = self._clock.monotonic_s()
            await asyncio.sleep(BEAT_S)

    def wrong(self) -> str | None:
        """Why the loop counts as dead; None while it lives. From any thread."""
        now_s = self._clock.monotonic_s()
        silent_s = now_s - self._beat_s
        if silent_s < SILENT_S:
            return None
        working_s = max((now_s - since_s for since_s in self._steps() if since_s is not None), default=None)
        if working_s is None:
            return f"the loop has not answered for {silent_s:.0f} s, and no step is at work"
        return None if working_s < STEP_S else f"a step is at work for {working_s:.0f} s"
