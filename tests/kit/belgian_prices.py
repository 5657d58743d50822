"""Belgian day-ahead prices of 2023 by the week, from the public file of `energy_prices` (ENTSO-E), and CO2 a kWh."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from tests.kit.public import public

FILE = ("energy_prices", "DAM_prices_BE_2022_2024.csv")
CO2_KG_KWH = 0.16749
"""Belgium's residual mix of 2023 (AIB, by way of VREG). No curve is in the data: CO2 follows energy."""
FIRST_MONDAY = date(2023, 1, 2)
WEEKS = 52
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def path() -> Path:
    """Of the file, which may not be there."""
    return public(*FILE)


def weeks(days: int, steps_an_hour: int) -> list[np.ndarray]:
    """EUR a kWh by step of the first days of each week of 2023, from Monday, midnight, on.

    The hours are the file's, local ones; clocks change on Sundays, which are in no week here.
    """
    hourly = _hourly()
    out = []
    for week in range(WEEKS):
        monday = FIRST_MONDAY + timedelta(weeks=week)
        hours = [hourly[monday + timedelta(days=day), hour] for day in range(days) for hour in range(24)]
        out.append(np.repeat(np.array(hours), steps_an_hour))
    return out


def _hourly() -> dict[tuple[date, int], float]:
    found: dict[tuple[date, int], float] = {}
    with path().open(newline="") as file:
        for row in csv.DictReader(file):
            day, clock = row["time"].split()
            if row["DAM_price"]:
                when = date(int(day[5:]), MONTHS.index(day[2:5]) + 1, int(day[:2]))
                found.setdefault((when, int(clock[:2])), float(row["DAM_price"]))
    return found
