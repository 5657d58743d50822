"""Says what is being done and for how long: one line that is rewritten on a terminal, plain lines elsewhere.

Kafka and InfluxDB start side by side, so a line holds one entry for each. Only printing happens here.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from types import TracebackType
from typing import TextIO


class Progress:
    """Used as a context; `doing` and `done` may be called from any thread."""

    def __init__(self, stream: TextIO | None = None, quiet: bool = False) -> None:
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._live = not quiet and self._stream.isatty()
        self._tasks: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()

    def __enter__(self) -> Progress:
        if self._live:
            threading.Thread(target=self._redraw_often, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        with self._lock:
            self._wipe()

    def doing(self, who: str, what: str) -> None:
        """Show what `who` is at from now on."""
        with self._lock:
            self._tasks[who] = (what, time.monotonic())
            if not self._live:
                self._print(f"{who}: {what}")

    def say(self, who: str, what: str) -> None:
        """Print a line that stays."""
        with self._lock:
            self._wipe()
            self._print(f"{who}: {what}")

    def done(self, who: str, what: str) -> None:
        """Print a line that stays, and show no more of `who`."""
        with self._lock:
            self._tasks.pop(who, None)
        self.say(who, what)

    def _print(self, line: str) -> None:
        if not self._quiet:
            print(line, file=self._stream, flush=True)

    def _wipe(self) -> None:
        if self._live:
            self._stream.write("\r\033[K")
            self._stream.flush()

    def _redraw_often(self) -> None:
        while not self._over.wait(0.2):
            with self._lock:
                now = time.monotonic()
                entries = [f"{who}: {what} {now - since:.0f} s" for who, (what, since) in self._tasks.items()]
                width = shutil.get_terminal_size().columns - 1
                if not self._over.is_set():
                    self._stream.write("\r\033[K" + " | ".join(entries)[:width])
                    self._stream.flush()
