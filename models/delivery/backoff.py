"""When a notification that was not taken is tried again: later each time, and not all at one moment.

The share that is drawn is a function of the notification and the attempt, so that a restart comes to the same time.
"""

from __future__ import annotations

import hashlib

FIRST_S = 2.0
LONGEST_S = 600.0
"""From 2 s, doubled, to 10 min. Our choice: a receiver that is restarted has its warnings within seconds, and one that
is away for a night is asked six times an hour."""
LONGEST_ASKED_S = 86_400.0
"""A receiver that asks for more by Retry-After is asked again after a day."""
_HALF = 0.5
_WHOLE = 2**32


def next_try_us(notification: str, attempts: int, now_us: int, retry_after_s: float | None = None) -> int:
    """When to try again after so many attempts: half to all of the doubled span, or as the receiver said."""
    span_s = min(LONGEST_S, FIRST_S * 2 ** min(attempts - 1, 30))
    digest = hashlib.blake2b(f"{notification}/{attempts}".encode(), digest_size=4).digest()
    span_s *= _HALF + _HALF * int.from_bytes(digest, "big") / _WHOLE
    asked_s = min(max(retry_after_s or 0.0, 0.0), LONGEST_ASKED_S)
    return now_us + round(max(span_s, asked_s) * 1_000_000)
