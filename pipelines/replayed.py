"""The time of a plant whose records may be of the past: one that is replayed, such as a simulated one, lives there."""

from __future__ import annotations

BEHIND_US = 6 * 3600 * 1_000_000
"""A plant whose last word is older than this is held to be replayed. Our choice."""


def plant_time_us(clock_us: int, last_us: int | None) -> int:
    """The plant's time, by the clock and its last word; what claims to be of the future moves nothing."""
    return clock_us if last_us is None or last_us > clock_us - BEHIND_US else last_us
