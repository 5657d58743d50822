"""Tails of t and F against published tables, and the laws of the incomplete beta function."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.energy.tails import beta_share, f_above, t_quantile, t_two_sided

SHAPES = st.floats(0.5, 200.0)


@pytest.mark.parametrize(
    ("t", "freedom", "p"),
    [(12.706, 1, 0.05), (2.571, 5, 0.05), (2.228, 10, 0.05), (1.812, 10, 0.10), (3.169, 10, 0.01), (1.984, 100, 0.05)],
)
def test_tails_of_t_are_those_of_the_nist_handbook(t, freedom, p):
    """NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, critical values of Student's t."""
    assert t_two_sided(t, freedom) == pytest.approx(p, rel=2e-3)


@pytest.mark.parametrize(("variables", "f"), [(1, 3.285), (2, 3.007), (3, 2.924), (4, 2.961), (5, 3.108)])
def test_tails_of_f_are_those_of_the_enpi_lite_table_for_twelve_months(variables, f):
    """LBNL and US-DOE EnPI Lite, valid model requirements: F that has p = 0.10 with 12 monthly points."""
    assert f_above(f, variables, 12 - variables - 1) == pytest.approx(0.10, abs=2e-4)


@pytest.mark.parametrize(("inside", "freedom", "t"), [(0.95, 10, 2.228), (0.80, 10, 1.372), (0.80, 1, 3.078)])
def test_quantiles_of_t_are_those_of_the_nist_handbook(inside, freedom, t):
    assert t_quantile(inside, freedom) == pytest.approx(t, abs=6e-4)


def test_one_degree_of_freedom_is_cauchys_distribution():
    assert t_two_sided(1.0, 1) == pytest.approx(0.5, rel=1e-13)


def test_half_and_half_is_the_arcsine_law():
    assert beta_share(0.3, 0.5, 0.5) == pytest.approx(2 / math.pi * math.asin(math.sqrt(0.3)), rel=1e-13)


@given(st.floats(0.0, 1.0), SHAPES, SHAPES)
def test_both_tails_of_beta_make_one(x, a, b):
    assert beta_share(x, a, b) + beta_share(1.0 - x, b, a) == pytest.approx(1.0, abs=1e-11)


@given(st.floats(0.01, 0.999), st.floats(1.0, 500.0))
def test_a_quantile_of_t_leaves_the_share_it_was_asked_for(inside, freedom):
    assert 1.0 - t_two_sided(t_quantile(inside, freedom), freedom) == pytest.approx(inside, abs=1e-9)
