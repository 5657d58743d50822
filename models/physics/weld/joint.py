"""What happens in one resistance spot weld: resistance, heat, nugget diameter and the diameter that throws metal out.

Two hot-dip galvanised low-carbon sheets of 1.0 mm, medium-frequency direct current. Arrays in, arrays out: nothing is
drawn here, and nothing is measured. "Our choice" marks every number for which no source was found.
"""

import math
from typing import NamedTuple

import numpy as np

from models.physics.pump import Array

SHEET_MM = 1.0
"""Thickness of either sheet."""
FACE_MM = 6.35
"""Face of a dressed tip; the RWMA schedule for SAE 1010 of 1.02 mm gives 1/4 inch."""
GROWTH_UM = 0.38
"""Growth of the face in um per weld.

Seedorff's linear stepper for galvanised steel adds 0.6 kA in 500 welds: with a constant I / d^2 that is 0.19 mm from
6.35 mm and 10 kA on.
"""
UNDERSIZE = 4.0
"""A nugget below this times the root of the sheet in mm is too small: usual body shop practice for a general weld."""
MFDC_PER_AC = math.sqrt(0.241 / 0.37)
"""Medium-frequency DC current over AC current for the same heat; factors of the shop heat balance. 0.807."""
STEEL_J_MM3 = 9.7
"""Heat of a nugget of steel, J/mm3; shop heat balance."""

BULK_UOHM = 70.0
"""Two dressed faces with 2 x 1.0 mm of hot steel between: 1.1 uohm m (steel near 1000 degC) x 2 mm / 31.7 mm2."""
FILM_UOHM = 30.0
"""Mean of the contacts over the weld at FILM_KN; our choice, so that the sum is the shop heat balance's 100 uohm."""
FILM_KN = 2.5
FILM_POWER = 0.5
"""Contact resistance falls with this power of force; our choice (a spot yields: between 0.5 and 1)."""
LEAK_MS = 68.0
"""Time in which heat leaves the sheet for the tips: 4 s^2 / (pi^2 a), s 1.0 mm, a 6 mm2/s of hot low-carbon steel."""
LEAK_POWER = 0.25
"""A tip pressed harder takes heat away sooner, by this power of force; our choice."""
ZINC_MS = 50.0
"""Time that goes by until the zinc is pressed away: TWI's 2 to 3 cycles of 50 Hz (40 to 60 ms)."""
SPREAD = 1.3
"""Where the heated disc ends, over the face's diameter; our choice, for a lobe of 1 to 2 kA (SEP 1220-2 practice)."""
ANCHOR = (1.2 * MFDC_PER_AC * 8.8, 1.15 * 1.83, 167.0 + ZINC_MS)
"""kA, kN, ms that give ANCHOR_MM: the RWMA row of 1.02 mm, as DC, with what zinc asks for.

That is 20 % of current ('Steels: Metallurgy and Applications', 3rd ed., p. 104), 10 to 20 % of force and the time above
(TWI).
"""
ANCHOR_MM = 4.6
"""Nugget of the RWMA row of 1.02 mm."""

GAP_KN_MM = 1.0
"""Force that closing a gap takes, kN/mm; our choice, no figure found."""
LEAST_KN = 0.3
"""What is left of the force at a gap that eats it all."""
HELD_MM, HELD_KN, HELD_POWER = 5.62, 2.6, 0.25
"""Nugget that a force just holds and the power of force it grows by; our choice, only the direction is known."""
FACE_SHARE = 0.90
"""A nugget wider than this share of the face is not held, whatever the force; our choice."""


class Joint(NamedTuple):
    """Arrays of one shape: what truly acts on each weld, no setting and no reading."""

    current_ka: Array
    force_kn: Array
    """At the tips; a gap is still to be closed with it."""
    weld_ms: Array
    face_mm: Array
    gap_mm: Array
    film: Array
    """Contact resistance over the usual one."""
    zinc: Array
    """Time to press the zinc away over the usual one."""
    sheet_mm: Array


def pressing_kn(joint: Joint) -> Array:
    """Force left between the sheets once the gap is closed."""
    return np.maximum(joint.force_kn - GAP_KN_MM * joint.gap_mm, LEAST_KN)


def resistance_uohm(joint: Joint) -> Array:
    """Mean dynamic resistance from tip to tip."""
    bulk = BULK_UOHM * (joint.sheet_mm / SHEET_MM) * (FACE_MM / joint.face_mm) ** 2
    return bulk + FILM_UOHM * joint.film * (FILM_KN / pressing_kn(joint)) ** FILM_POWER


def electric_j(joint: Joint) -> Array:
    """Heat made between the tips, I^2 R t."""
    return joint.current_ka**2 * resistance_uohm(joint) * joint.weld_ms * 1e-3


def kept_j(joint: Joint) -> Array:
    """Heat in the disc at the end of the weld, for a dressed face and sheets of 1.0 mm: Q' = P - Q / leak, from 0.

    Made heat spreads over a volume that grows with the face: with the bulk's resistance, heat per volume goes with the
    square of the current density I / d^2.
    """
    size = (joint.face_mm / FACE_MM) ** 2 * (joint.sheet_mm / SHEET_MM)
    power_w = joint.current_ka**2 * resistance_uohm(joint) / size
    leak_ms = LEAK_MS * (joint.sheet_mm / SHEET_MM) ** 2 * (FILM_KN / pressing_kn(joint)) ** LEAK_POWER
    heated_ms = np.maximum(joint.weld_ms - ZINC_MS * joint.zinc, 0.0)
    return power_w * leak_ms * 1e-3 * -np.expm1(-heated_ms / leak_ms)


def anchor_melt_j() -> float:
    """Heat in the disc at which its middle just melts: what gives ANCHOR_MM at ANCHOR."""
    one = np.ones(1)
    current_ka, force_kn, weld_ms = (x * one for x in ANCHOR)
    joint = Joint(current_ka, force_kn, weld_ms, FACE_MM * one, 0.0 * one, one, one, SHEET_MM * one)
    return float(kept_j(joint)[0]) * (1.0 - (ANCHOR_MM / (SPREAD * FACE_MM)) ** 2)


MELT_J = anchor_melt_j()


def nugget_mm(joint: Joint) -> Array:
    """Diameter of what melts.

    It is the isotherm of a temperature that falls as a parabola from the middle to SPREAD faces.
    """
    molten = 1.0 - MELT_J / np.maximum(kept_j(joint), MELT_J)
    return SPREAD * joint.face_mm * np.sqrt(molten)


def expulsion_mm(joint: Joint) -> Array:
    """Diameter at which metal flies: the liquid pushes harder than the sheets are pressed, or nears the face's rim."""
    held = HELD_MM * (pressing_kn(joint) / HELD_KN) ** HELD_POWER
    return np.minimum(held, FACE_SHARE * joint.face_mm)


def undersize_mm(joint: Joint) -> Array:
    """Diameter below which a nugget is too small."""
    return UNDERSIZE * np.sqrt(joint.sheet_mm)
