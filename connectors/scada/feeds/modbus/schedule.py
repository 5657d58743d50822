"""When to poll and when to ask: pure, times in and times out."""

from __future__ import annotations


class Schedule:
    """Polls are due at multiples of a period since 1970 UTC, so nothing drifts; a late one is skipped, and counted."""

    def __init__(self, period_us: int) -> None:
        self._period_us, self._last_us = period_us, 0
        self.skipped = 0
        """Polls that were due while another was under way, or the PLC was away."""

    def after(self, now_us: int) -> int:
        """When the next poll is due, in microseconds: the first multiple after now. Asked once for each poll.

        A clock that is set back does not stop the polls: the next is due at most a period from now.
        """
        due_us = (now_us // self._period_us + 1) * self._period_us
        if self._last_us and due_us > self._last_us:
            self.skipped += (due_us - self._last_us) // self._period_us - 1
        self._last_us = due_us
        return due_us


class Pace:
    """A cap: requests are at least 1/most seconds apart. Times are seconds of a clock that only goes forward."""

    def __init__(self, most_requests_s: float) -> None:
        self._apart_s, self._next_s = 1.0 / most_requests_s, 0.0

    def wait_s(self, now_s: float) -> float:
        """Seconds until the next request may go, 0 for now."""
        return max(0.0, self._next_s - now_s)

    def sent(self, now_s: float) -> None:
        """A request goes now."""
        self._next_s = now_s + self._apart_s
