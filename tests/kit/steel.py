"""A real plant's meter of 2018, `steel_energy` of the public data: its load by 15 min, its calendar, its tariff.

Source: UCI set 851, DAEWOO Steel, Gwangyang (V E, Shin and Cho 2021, Building Research and Information 49). A row is of
the 15 min that end at its time; the one of 00:00 carries the date of the day that ends then, so rows are in order.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from models.energy.wall import DAY_STEPS, Calendar
from models.plant.shifts import Date
from onnx_export.load_rows import Known, Series
from tests.kit.public import public

FILE = ("steel_energy", "Steel_industry_data.csv")
BEGIN_US = 1_514_732_400_000_000
"""2018-01-01 00:00 in Seoul."""
DAYS = 365
HOLIDAYS = tuple(
    Date(2018, month, day)
    for month, day in (
        (1, 1), (2, 15), (2, 16), (2, 17), (3, 1), (5, 1), (5, 5), (5, 7), (5, 22), (6, 6), (6, 13), (8, 15), (9, 24),
        (9, 25), (9, 26), (10, 3), (10, 9), (12, 25),
    )
)  # fmt: skip
"""Public holidays of the Republic of Korea in 2018, with Labour Day and the election of 13 June, all announced before:
not the plant's own days off, of which the set has no list."""
TARIFF = {"Light_Load": 0.0, "Medium_Load": 1.0, "Maximum_Load": 2.0}


def path() -> Path:
    """Of the file, which may not be there."""
    return public(*FILE)


def series() -> Series:
    """Means over 15 min in kW, of the whole year."""
    return Series(_columns()["Usage_kWh"].to_numpy() * 4.0, BEGIN_US, Calendar(zone="Asia/Seoul", holidays=HOLIDAYS))


def with_tariff() -> Series:
    """The same with the period of the tariff known ahead.

    It is no function of the calendar: its 62 days that are light throughout are 35 Sundays, 14 Saturdays and 13 other
    days, those on which the plant did not work. A plant knows its days off ahead; what it may know is shown, no more.
    """
    told = _columns()["Load_Type"].replace_strict(TARIFF, return_dtype=pl.Float64).to_numpy()
    return series()._replace(ahead={"tariff": Known("1", told)})


def _columns() -> pl.DataFrame:
    table = pl.read_csv(path(), infer_schema_length=None)
    seconds = table["NSM"].to_numpy()
    ends = (np.arange(DAYS * DAY_STEPS) + 1) % DAY_STEPS * 900
    if not np.array_equal(seconds, ends):
        raise ValueError(f"{path()}: its rows are not a year of 15 min in order")
    return table
