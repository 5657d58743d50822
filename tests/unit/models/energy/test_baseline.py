"""The energy baseline: certified regressions, the rules of EnPI Lite, ranges of drivers, errors of prediction."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.energy.baseline import Baseline, Unfit, Validity, expected, fit, usable

LONGLEY = np.array([
    [60323, 83.0, 234289, 2356, 1590, 107608, 1947], [61122, 88.5, 259426, 2325, 1456, 108632, 1948],
    [60171, 88.2, 258054, 3682, 1616, 109773, 1949], [61187, 89.5, 284599, 3351, 1650, 110929, 1950],
    [63221, 96.2, 328975, 2099, 3099, 112075, 1951], [63639, 98.1, 346999, 1932, 3594, 113270, 1952],
    [64989, 99.0, 365385, 1870, 3547, 115094, 1953], [63761, 100.0, 363112, 3578, 3350, 116219, 1954],
    [66019, 101.2, 397469, 2904, 3048, 117388, 1955], [67857, 104.6, 419180, 2822, 2857, 118734, 1956],
    [68169, 108.4, 442769, 2936, 2798, 120445, 1957], [66513, 110.8, 444546, 4681, 2637, 121950, 1958],
    [68655, 112.6, 482704, 3813, 2552, 123366, 1959], [69564, 114.2, 502601, 3931, 2514, 125368, 1960],
    [69331, 115.7, 518173, 4806, 2572, 127852, 1961], [70551, 116.9, 554894, 4007, 2827, 130081, 1962],
])  # fmt: skip
"""NIST StRD, linear least squares, Longley (higher difficulty), and below the values that NIST certifies."""
INTERCEPT, INTERCEPT_SD = -3482258.63459582, 890420.383607373
SLOPES = (15.0618722713733, -0.0358191792925910, -2.02022980381683, -1.03322686717359, -0.0511041056535807,
          1829.15146461355)  # fmt: skip
SLOPES_SD = (84.9149257747669, 0.0334910077722432, 0.488399681651699, 0.214274163161675, 0.226073200069370,
             455.478499142212)  # fmt: skip
RESIDUAL_SD, R2, F = 304.854073561965, 0.995479004577296, 330.285339234588


def longley() -> Baseline:
    found = fit(LONGLEY[:, 0], {f"x{at}": LONGLEY[:, at] for at in range(1, 7)})
    assert isinstance(found, Baseline)
    return found


def plant_rows(rows: int = 60, noise: float = 20.0, seed: int = 1) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    random = np.random.default_rng(seed)
    made, warm = random.uniform(100, 300, rows), random.uniform(-5, 25, rows)
    return 500 + 2.5 * made + 8 * warm + noise * random.standard_normal(rows), {"made": made, "warm_degc": warm}


def fitted(energy: np.ndarray, drivers: dict[str, np.ndarray]) -> Baseline:
    found = fit(energy, drivers)
    assert isinstance(found, Baseline), found
    return found


def test_coefficients_of_longley_are_those_that_nist_certifies():
    found = longley()
    assert [found.intercept_kwh, *(one.kwh_per_one for one in found.terms)] == pytest.approx(
        [INTERCEPT, *SLOPES], rel=1e-8
    )


def test_standard_errors_of_longley_are_those_that_nist_certifies():
    found = longley()
    assert [found.intercept_error, *(one.error for one in found.terms)] == pytest.approx(
        [INTERCEPT_SD, *SLOPES_SD], rel=1e-8
    )


def test_residual_sd_r2_and_f_of_longley_are_those_that_nist_certifies():
    found = longley()
    assert (found.residual_sd, found.r2, found.f) == pytest.approx((RESIDUAL_SD, R2, F), rel=1e-9)


def test_p_values_of_longley_are_those_that_r_prints():
    """R, summary(lm(Employed ~ ., longley)), of its own example; in NIST's order of columns."""
    found = longley()
    assert [one.p for one in found.terms] == pytest.approx(
        [0.863141, 0.312681, 0.002535, 0.000944, 0.826212, 0.003037], rel=1e-3
    )
    assert found.f_p == pytest.approx(4.984e-10, rel=1e-3)


def test_longley_is_refused_since_three_drivers_say_nothing_beyond_the_others():
    assert longley().validity is Validity.DRIVER_P


def test_energy_that_its_drivers_explain_makes_a_valid_baseline():
    assert fitted(*plant_rows()).validity is Validity.VALID


def test_energy_that_nothing_explains_breaks_every_rule_but_none_is_hidden():
    energy, drivers = plant_rows()
    found = fitted(np.random.default_rng(6).standard_normal(len(energy)) + 1000, drivers)
    assert found.broken == (Validity.F_TEST, Validity.DRIVER_P, Validity.NO_DRIVER, Validity.R2)


def test_a_driver_that_follows_from_another_makes_no_baseline():
    energy, drivers = plant_rows()
    found = fit(energy, drivers | {"made_again": drivers["made"] * 3.0 + 1.0})
    assert isinstance(found, Unfit) and found.why is Validity.ALIKE


def test_a_constant_driver_makes_no_baseline_and_is_named():
    energy, drivers = plant_rows()
    assert fit(energy, drivers | {"crew": np.full(len(energy), 4.0)}) == Unfit(Validity.ALIKE, "constant: crew")


def test_five_rows_are_too_few_for_two_drivers():
    found = fit(*plant_rows(rows=5))
    assert isinstance(found, Unfit) and found.why is Validity.TOO_FEW


def test_columns_of_unlike_length_are_the_callers_fault():
    with pytest.raises(ValueError, match="3 rows each"):
        fit(np.zeros(3), {"made": np.zeros(2)})


def test_a_row_with_something_unknown_is_left_out():
    energy, drivers = plant_rows()
    more = {name: np.append(column, np.nan) for name, column in drivers.items()}
    assert fit(np.append(energy, 1e9), more) == fit(energy, drivers)


def test_a_baseline_comes_back_from_json_as_it_was():
    found = fitted(*plant_rows())
    assert msgspec.json.decode(msgspec.json.encode(found), type=Baseline) == found


def test_a_fit_without_any_error_still_comes_back_from_json():
    found = fitted(*plant_rows(noise=0.0))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Baseline) == found


def test_four_in_five_new_periods_lie_within_their_error_of_prediction():
    inside = []
    for seed in range(200):
        new, drivers = plant_rows(rows=50, seed=1000 + seed)
        told = expected(fitted(*plant_rows(rows=30, seed=seed)), drivers)
        inside.append((np.abs(new - told.kwh) < 1.314 * told.error_kwh).mean())  # t of 27 degrees of freedom
    assert np.mean(inside) == pytest.approx(0.80, abs=0.015)


def test_drivers_far_from_those_seen_make_a_valid_baseline_unusable():
    energy, drivers = plant_rows()
    validity, why = usable(fitted(energy, drivers), drivers | {"warm_degc": np.full(60, 60.0)})
    assert validity is Validity.OUT_OF_RANGE and "warm_degc" in why


def test_a_driver_that_is_not_known_makes_a_valid_baseline_unusable():
    energy, drivers = plant_rows()
    assert usable(fitted(energy, drivers), {"made": drivers["made"]})[0] is Validity.UNKNOWN_DRIVER


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.integers(0, 50))
def test_other_units_change_coefficients_by_their_factor_and_nothing_else(energy_by, made_by, seed):
    energy, drivers = plant_rows(seed=seed)
    one, other = fitted(energy, drivers), fitted(energy * energy_by, drivers | {"made": drivers["made"] * made_by})
    assert other.terms[0].kwh_per_one == pytest.approx(one.terms[0].kwh_per_one * energy_by / made_by, rel=1e-8)
    assert other.intercept_kwh == pytest.approx(one.intercept_kwh * energy_by, rel=1e-7)
    assert (other.r2, other.f, other.cv_rmse) == pytest.approx((one.r2, one.f, one.cv_rmse), rel=1e-7)
