"""The energy baseline of ISO 50006: energy against what drives it, by least squares, and whether it may be used.

It may be used where it keeps the rules of EnPI Lite (LBNL and US-DOE, "valid model requirements"), and for drivers
within the range that it was made of. Rows are periods of one length, in order of time.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from models.energy.tails import f_above, t_two_sided

MOST_P_OF_F = 0.10
MOST_P = 0.20
LEAST_OF_P = 0.10
LEAST_R2 = 0.5
"""EnPI Lite: the F-test's p under 0.10, each driver's under 0.20, one under 0.10, and R2 of 0.5 or more."""
RANGE_SD = 3.0
"""EnPI Lite: the mean of a driver lies in the range seen, or within three standard deviations of the model's mean."""
LEAST_FREEDOM = 3
"""Rows over what is fitted. EnPI Lite's 12 months with at most 5 drivers leave 6; three are the least that have a t."""
CONDITION = 1e-7
"""Drivers whose standardised singular values differ by more say the same. Our choice: half of the digits of a float."""
MOST_REPEATED = 0.9
"""Autocorrelation that is believed at most: what is left then is a twentieth of the rows. Our choice."""
_HUGE = 1e300


class Validity(StrEnum):
    """Why a baseline may be used, or not."""

    VALID = "valid"
    TOO_FEW = "too-few-rows"
    ALIKE = "drivers-constant-or-alike"
    F_TEST = "f-test"
    DRIVER_P = "driver-without-significance"
    NO_DRIVER = "no-significant-driver"
    R2 = "r2"
    UNKNOWN_DRIVER = "driver-missing"
    OUT_OF_RANGE = "driver-out-of-range"
    NOTHING_EXPECTED = "nothing-expected"


class Term(Struct, frozen=True, kw_only=True):
    """A driver: kWh for one more of it with its standard error, t and p, and where it lay in the rows."""

    driver: str
    kwh_per_one: float
    error: float
    t: float
    p: float
    least: float
    most: float
    mean: float
    sd: float


class Baseline(Struct, frozen=True, kw_only=True):
    """Energy in kWh a period: the intercept and a term a driver, how well they fit, and the rules that it breaks.

    `inverse` is that of the standardised drivers' products, [drivers, drivers]: with `residual_sd` it gives the error
    of what is expected. `autocorrelation` is that of neighbouring residuals.
    """

    intercept_kwh: float
    intercept_error: float
    terms: tuple[Term, ...]
    rows: int
    mean_kwh: float
    residual_sd: float
    r2: float
    r2_adjusted: float
    f: float
    f_p: float
    cv_rmse: float
    autocorrelation: float
    inverse: tuple[tuple[float, ...], ...]
    broken: tuple[Validity, ...]

    @property
    def validity(self) -> Validity:
        """The first rule that it breaks, VALID where it breaks none."""
        return self.broken[0] if self.broken else Validity.VALID

    @property
    def freedom(self) -> int:
        """Rows over what was fitted."""
        return self.rows - len(self.terms) - 1

    @property
    def drivers(self) -> tuple[str, ...]:
        """Names of what drives the energy."""
        return tuple(one.driver for one in self.terms)


class Unfit(NamedTuple):
    """No baseline can be made of these rows at all."""

    why: Validity
    detail: str


class Expectation(NamedTuple):
    """What is expected of each row, and the standard error of one new row there: float64 [rows] each."""

    kwh: np.ndarray
    error_kwh: np.ndarray


class _Solved(NamedTuple):
    """Coefficients of standardised drivers, the inverse of their products, and what is left of each row."""

    slopes: np.ndarray
    inverse: np.ndarray
    left: np.ndarray


def fit(energy_kwh: np.ndarray, drivers: Mapping[str, np.ndarray]) -> Baseline | Unfit:
    """The baseline of measured periods; rows in which anything is not finite are left out.

    Raises ValueError where columns differ in length or no driver is named.
    """
    energy, columns = _rows(energy_kwh, drivers)
    freedom = len(energy) - len(drivers) - 1
    if freedom < LEAST_FREEDOM:
        return Unfit(Validity.TOO_FEW, f"{len(energy)} rows for {len(drivers)} drivers")
    mean, sd = columns.mean(axis=0), columns.std(axis=0, ddof=1)
    constant = [name for name, one, of in zip(drivers, sd, mean, strict=True) if not one > abs(of) * 1e-12]
    if constant:
        return Unfit(Validity.ALIKE, f"constant: {', '.join(constant)}")
    solved = _solved(energy, (columns - mean) / sd)
    if solved is None:
        return Unfit(Validity.ALIKE, f"of {', '.join(drivers)} one follows from the others")
    return _baseline(energy, columns, tuple(drivers), solved)


def _rows(energy_kwh: np.ndarray, drivers: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    lengths = {name: len(column) for name, column in drivers.items() if len(column) != len(energy_kwh)}
    if lengths or not drivers:
        raise ValueError(f"a baseline needs drivers of {len(energy_kwh)} rows each, but {lengths or 'none are named'}")
    table = np.column_stack([np.asarray(one, np.float64) for one in (energy_kwh, *drivers.values())])
    table = table[np.isfinite(table).all(axis=1)]
    return table[:, 0], table[:, 1:]


def _solved(energy: np.ndarray, standard: np.ndarray) -> _Solved | None:
    """Least squares by singular values; None where drivers say the same."""
    left_of, sizes, right = np.linalg.svd(standard, full_matrices=False)
    if sizes[-1] < CONDITION * sizes[0]:
        return None
    centred = energy - energy.mean()
    slopes = right.T @ (left_of.T @ centred / sizes)
    return _Solved(slopes, (right.T / sizes**2) @ right, centred - standard @ slopes)


def _baseline(energy: np.ndarray, columns: np.ndarray, names: tuple[str, ...], solved: _Solved) -> Baseline:
    rows, count = columns.shape
    freedom = rows - count - 1
    total = float(np.square(energy - energy.mean()).sum())
    rounding = rows * np.square(np.finfo(np.float64).eps * np.abs(energy).max())
    unexplained = max(float(np.square(solved.left).sum()), float(rounding))
    explained = max(total - unexplained, 0.0)
    variance = unexplained / freedom
    f = min(explained / count / variance, _HUGE) if variance > 0 else 0.0
    terms = _terms(columns, names, solved, variance, freedom)
    mean = np.array([one.mean for one in terms]) / np.array([one.sd for one in terms])
    r2 = explained / total if total > 0 else 0.0
    return Baseline(
        intercept_kwh=float(energy.mean() - sum(one.kwh_per_one * one.mean for one in terms)),
        intercept_error=float(np.sqrt(variance * (1.0 / rows + mean @ solved.inverse @ mean))),
        terms=terms,
        rows=rows,
        mean_kwh=float(energy.mean()),
        residual_sd=float(np.sqrt(variance)),
        r2=r2,
        r2_adjusted=1.0 - (1.0 - r2) * (rows - 1) / freedom,
        f=f,
        f_p=f_above(f, count, freedom),
        cv_rmse=_over(float(np.sqrt(variance)), float(energy.mean())),
        autocorrelation=_autocorrelation(solved.left),
        inverse=tuple(tuple(map(float, row)) for row in solved.inverse),
        broken=_broken(f_above(f, count, freedom), [one.p for one in terms], r2),
    )


def _terms(
    columns: np.ndarray, names: tuple[str, ...], solved: _Solved, variance: float, freedom: int
) -> tuple[Term, ...]:
    sd = columns.std(axis=0, ddof=1)
    slopes, errors = solved.slopes / sd, np.sqrt(variance * np.diag(solved.inverse)) / sd
    found = []
    for at, name in enumerate(names):
        t = float(np.clip(slopes[at] / errors[at], -(_HUGE**0.5), _HUGE**0.5)) if errors[at] > 0 else 0.0
        column = columns[:, at]
        found.append(
            Term(
                driver=name,
                kwh_per_one=float(slopes[at]),
                error=float(errors[at]),
                t=t,
                p=t_two_sided(t, freedom),
                least=float(column.min()),
                most=float(column.max()),
                mean=float(column.mean()),
                sd=float(sd[at]),
            )
        )
    return tuple(found)


def _autocorrelation(left: np.ndarray) -> float:
    total = float(np.square(left).sum())
    return min(max(float((left[1:] * left[:-1]).sum()) / total, 0.0), MOST_REPEATED) if total > 0 else 0.0


def _broken(f_p: float, p: list[float], r2: float) -> tuple[Validity, ...]:
    rules = (
        (Validity.F_TEST, f_p < MOST_P_OF_F),
        (Validity.DRIVER_P, max(p) < MOST_P),
        (Validity.NO_DRIVER, min(p) < LEAST_OF_P),
        (Validity.R2, r2 >= LEAST_R2),
    )
    return tuple(rule for rule, is_kept in rules if not is_kept)


def _over(part: float, whole: float) -> float:
    """A share of a mean; infinite ones cannot travel as JSON."""
    return min(part / abs(whole), _HUGE) if whole else _HUGE


def standardised(baseline: Baseline, drivers: Mapping[str, np.ndarray]) -> np.ndarray:
    """Drivers of rows in standard deviations from the baseline's means, float64 [rows, drivers].

    Raises KeyError where a driver is missing.
    """
    columns = [(np.asarray(drivers[one.driver], np.float64) - one.mean) / one.sd for one in baseline.terms]
    return np.column_stack(columns)


def expected(baseline: Baseline, drivers: Mapping[str, np.ndarray]) -> Expectation:
    """What the baseline expects of each row, with the standard error of prediction of a row."""
    standard = standardised(baseline, drivers)
    slopes = np.array([one.kwh_per_one * one.sd for one in baseline.terms])
    inverse = np.array(baseline.inverse)
    shares = 1.0 + 1.0 / baseline.rows + np.einsum("ij,jk,ik->i", standard, inverse, standard)
    return Expectation(baseline.mean_kwh + standard @ slopes, baseline.residual_sd * np.sqrt(shares))


def usable(baseline: Baseline, drivers: Mapping[str, np.ndarray]) -> tuple[Validity, str]:
    """Whether the baseline may be used for these rows, and what is wrong in words."""
    if baseline.broken:
        return baseline.validity, f"the baseline breaks: {', '.join(baseline.broken)}"
    for one in baseline.terms:
        if one.driver not in drivers or not np.isfinite(drivers[one.driver]).all() or not len(drivers[one.driver]):
            return Validity.UNKNOWN_DRIVER, f"{one.driver} is not known for the whole time"
        mean = float(np.mean(drivers[one.driver]))
        least, most = min(one.least, one.mean - RANGE_SD * one.sd), max(one.most, one.mean + RANGE_SD * one.sd)
        if not least <= mean <= most:
            return Validity.OUT_OF_RANGE, f"mean {one.driver} {mean:.4g} is not within {least:.4g} to {most:.4g}"
    return Validity.VALID, ""
