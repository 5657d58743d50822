"""Durations as a plant file writes them, such as `5min`. No points in time: those are in shifts and tags."""

from __future__ import annotations

import re

from models.plant.errors import PlantError

_DURATION = re.compile(r"(\d+)\s*(s|min|h|d)")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
LONGEST_S = 3650 * 86_400
"""Ten years: whatever is longer is a slip of the pen."""


def seconds(duration: str) -> int:
    """Seconds of a duration such as `90s`, `5min`, `2h`, `1d`; raises PlantError on anything else."""
    found = _DURATION.fullmatch(duration.strip())
    if not found:
        raise PlantError(f"'{duration}' is no duration: write a whole number and s, min, h or d, such as 5min")
    told_s = int(found[1]) * _SECONDS[found[2]]
    if told_s > LONGEST_S:
        raise PlantError(f"'{duration}' is longer than {LONGEST_S // 86_400} days")
    return told_s


def check_duration(where: str, duration: str | None, least_s: int = 0) -> None:
    """Raise PlantError with the place for what is no duration, or a shorter one than makes sense."""
    if duration is None:
        return
    try:
        told_s = seconds(duration)
    except PlantError as wrong:
        raise PlantError(f"{where}: {wrong}") from wrong
    if told_s < least_s:
        raise PlantError(f"{where} is {duration}: give at least {least_s}s, or leave it out")
