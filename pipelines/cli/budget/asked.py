"""What the user asked of `forewarn budget`, and what is said where it cannot be done."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

BUDGETS = (0.5, 1.0, 2.0, 4.0)
"""Unfounded warnings per engineer and week that are compared where nothing else is asked for."""


class BudgetError(Exception):
    """What was asked cannot be done; the message says what to do."""


class Asked(Struct, frozen=True, kw_only=True):
    """A command line. `engineers`, `per_week` and `missed_to_unfounded` are the plant's where None.

    `failure_rate` is per machine-year.

    Of the file of `labels` those count that a person confirmed.
    """

    folder: Path
    engineers: float | None = None
    per_week: float | None = None
    missed_to_unfounded: float | None = None
    compare: tuple[float, ...] = BUDGETS
    inspected: Path | None = None
    labels: Path | None = None
    failure_rate: float | None = None
    write: Path | None = None


def budgets(text: str) -> tuple[float, ...]:
    """Numbers with commas between, each once, in order. Raises BudgetError."""
    try:
        found = {float(word) for word in text.split(",") if word.strip()}
    except ValueError:
        found = set()
    if not found or not all(0 < one < float("inf") for one in found):
        raise BudgetError(f"--compare {text}: give numbers over 0 with commas between, as 0.5,1,2,4")
    return tuple(sorted(found))
