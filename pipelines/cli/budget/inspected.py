"""The file of inspected warnings: `alert_id,found`, a line for each, with what was found."""

from __future__ import annotations

import csv
from enum import StrEnum
from pathlib import Path

from pipelines.cli.budget.asked import BudgetError

COLUMNS = ("alert_id", "found")


class Found(StrEnum):
    """What came of looking at a machine after its warning."""

    FOUNDED = "founded"
    NOTHING = "nothing"
    NOT_INSPECTED = "not-inspected"


def read(file: Path) -> dict[str, Found]:
    """What was found by the warning's id. Raises BudgetError with the line."""
    try:
        rows = list(csv.DictReader(file.read_text("utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as wrong:
        raise BudgetError(f"--inspected {file} cannot be read: {wrong}") from wrong
    found: dict[str, Found] = {}
    for line, row in enumerate(rows, 2):
        if not set(COLUMNS) <= row.keys():
            raise BudgetError(f"{file} has no columns {' and '.join(COLUMNS)}: name them in its first line")
        alert, said = (str(row[column] or "").strip() for column in COLUMNS)
        if said not in set(Found):
            raise BudgetError(f"{file}, line {line}: found is '{said}': use one of {', '.join(Found)}")
        if found.setdefault(alert, Found(said)) != said:
            raise BudgetError(f"{file}, line {line}: warning {alert} stands there before with another finding")
    return found
