"""What energy performance was against a baseline: EnPI, CUSUM, savings with an interval, and how well a model fits.

A saving is claimed only against a baseline that may be used for that time; else it is said why not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from models.energy.baseline import Baseline, Validity, expected, standardised, usable
from models.energy.tails import t_quantile

INSIDE = 0.80
"""Share of savings that lie in the interval, as of all intervals of savings here."""


class Steps(StrEnum):
    """How long the periods of a model are that ASHRAE Guideline 14 has limits for."""

    MONTHLY = "monthly"
    HOURLY = "hourly"


MOST_CV_RMSE = {Steps.MONTHLY: 0.15, Steps.HOURLY: 0.30}
MOST_NMBE = {Steps.MONTHLY: 0.05, Steps.HOURLY: 0.10}
"""ASHRAE Guideline 14: limits of a calibrated model."""


class Calibration(StrEnum):
    """Whether a model keeps ASHRAE Guideline 14."""

    KEPT = "kept"
    CV_RMSE = "cv-rmse"
    NMBE = "nmbe"
    NOTHING_MEASURED = "nothing-measured"


class Fitness(NamedTuple):
    """How far what was expected is from what was measured, as shares of the mean measured; NaN of nothing.

    NMBE is positive where more was measured than expected.
    """

    cv_rmse: float
    nmbe: float


def fitness(measured: np.ndarray, expected_kwh: np.ndarray, fitted: int = 0) -> Fitness:
    """CV(RMSE) and NMBE of ASHRAE Guideline 14, of a model that so many coefficients were fitted for on these rows."""
    left, freedom = measured - expected_kwh, len(measured) - fitted
    mean = float(measured.mean()) if len(measured) else 0.0
    if freedom <= 0 or mean == 0.0:
        return Fitness(math.nan, math.nan)
    return Fitness(math.sqrt(float(np.square(left).sum()) / freedom) / abs(mean), float(left.sum()) / (freedom * mean))


def calibration(found: Fitness, steps: Steps) -> Calibration:
    """The first limit of ASHRAE Guideline 14 that is not kept."""
    if math.isnan(found.cv_rmse):
        return Calibration.NOTHING_MEASURED
    if found.cv_rmse > MOST_CV_RMSE[steps]:
        return Calibration.CV_RMSE
    return Calibration.NMBE if abs(found.nmbe) > MOST_NMBE[steps] else Calibration.KEPT


def cusum(measured_kwh: np.ndarray, expected_kwh: np.ndarray) -> np.ndarray:
    """kWh over what was expected, added up, float64 [rows]: a slope that bends down is a saving that began there."""
    return np.cumsum(measured_kwh - expected_kwh)


class Enpi(NamedTuple):
    """An energy performance indicator: kWh for one unit, Nm3 or m3 (`per`).

    `normalised` is what one would have taken under the reference drivers, None where the baseline may not be used for
    either time; `ratio` is measured over expected.
    """

    per: str
    kwh_per: float | None
    normalised: float | None
    ratio: float | None
    validity: Validity
    why: str


def enpi(
    measured_kwh: np.ndarray,
    output: np.ndarray,
    per: str,
    baseline: Baseline | None = None,
    drivers: Mapping[str, np.ndarray] | None = None,
    reference: Mapping[str, np.ndarray] | None = None,
) -> Enpi:
    """Energy for one of the output, and normalised by the baseline to a reference time (ISO 50006).

    Without a reference the drivers' means of the baseline's own rows are taken; `output` is not normalised.
    """
    made, took = float(output.sum()), float(measured_kwh.sum())
    plain = took / made if made > 0 else None
    if baseline is None or drivers is None:
        return Enpi(per, plain, None, None, Validity.UNKNOWN_DRIVER, "no baseline, no normalisation")
    against = reference or {one.driver: np.array([one.mean]) for one in baseline.terms}
    for rows in (drivers, against):
        validity, why = usable(baseline, rows)
        if validity is not Validity.VALID:
            return Enpi(per, plain, None, None, validity, why)
    should = float(expected(baseline, drivers).kwh.sum())
    if should <= 0 or plain is None:
        return Enpi(per, plain, None, None, Validity.NOTHING_EXPECTED, "no energy is expected, or nothing was made")
    rows_ratio = float(expected(baseline, against).kwh.mean()) / (should / len(measured_kwh))
    return Enpi(per, plain, plain * rows_ratio, took / should, Validity.VALID, "")


class Saving(NamedTuple):
    """Energy saved over a time as a share of the baseline's, with an interval of 80 %; negative is a loss.

    All shares are 0 where the baseline may not be used: `validity` and `why` say so, and nothing is claimed.
    """

    begin_us: int
    end_us: int
    measured_kwh: float
    baseline_kwh: float
    share: float
    low: float
    high: float
    validity: Validity
    why: str

    @property
    def is_valid(self) -> bool:
        """Whether it may be claimed."""
        return self.validity is Validity.VALID


def saving(
    baseline: Baseline, measured_kwh: np.ndarray, drivers: Mapping[str, np.ndarray], begin_us: int, end_us: int
) -> Saving:
    """What was saved against the baseline in all the rows together, if it may be used for them."""
    took = float(measured_kwh.sum())
    validity, why = usable(baseline, drivers)
    if validity is Validity.VALID and not (len(measured_kwh) and math.isfinite(took)):
        validity, why = Validity.NOTHING_EXPECTED, "no energy was measured for the whole time"
    if validity is not Validity.VALID:
        return Saving(begin_us, end_us, took if math.isfinite(took) else 0.0, 0.0, 0.0, 0.0, 0.0, validity, why)
    should, half = total(baseline, drivers)
    if should - half <= 0:
        why = f"{should:.4g} kWh, give or take {half:.4g}, are expected: no share can be told of them"
        return Saving(begin_us, end_us, took, should, 0.0, 0.0, 0.0, Validity.NOTHING_EXPECTED, why)
    share, low, high = (1.0 - took / kwh for kwh in (should, should - half, should + half))
    return Saving(begin_us, end_us, took, should, share, low, high, Validity.VALID, "")


def total(baseline: Baseline, drivers: Mapping[str, np.ndarray]) -> tuple[float, float]:
    """What all rows together should take, and half the width of its interval of 80 %, in kWh.

    Errors of coefficients add up over rows and those of rows do not; neighbouring rows that say the same again make
    both wider, by the rows that are worth as much, n (1 - r) / (1 + r) (ASHRAE Guideline 14).
    """
    standard = standardised(baseline, drivers)
    rows, along = len(standard), standard.sum(axis=0)
    shared = rows**2 / baseline.rows + float(along @ np.array(baseline.inverse) @ along)
    r = baseline.autocorrelation
    repeats = (1.0 + r) / (1.0 - r)
    freedom = max(baseline.rows / repeats - len(baseline.terms) - 1.0, 1.0)
    error = baseline.residual_sd * math.sqrt((shared + rows) * repeats)
    return float(expected(baseline, drivers).kwh.sum()), t_quantile(INSIDE, freedom) * error
