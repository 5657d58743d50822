"""Precision of inspected warnings: its interval, and what it becomes at another rate of failures."""

from __future__ import annotations

import pytest

from models.alerting.precision import Precision, at_rate, precision


def test_without_an_inspected_case_there_is_no_number():
    assert precision(0, 0) is None


@pytest.mark.parametrize(
    ("founded", "inspected", "low", "high"),
    # R. G. Newcombe, Two-sided confidence intervals for the single proportion, Stat. Med. 17 (1998), table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_wilsons_as_newcombe_prints_it(founded, inspected, low, high):
    found = precision(founded, inspected)
    assert found.share == founded / inspected
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_a_few_founded_warnings_alone_do_not_prove_all_of_them():
    assert precision(3, 3).low < 0.5
    assert precision(3, 3).high == 1.0


def test_at_the_rate_of_the_history_nothing_changes():
    found = precision(6, 10)
    assert at_rate(found, 0.5, 0.5) == pytest.approx(found)


def test_at_a_lower_rate_it_is_what_counting_such_machines_gives():
    """1000 machine-years: 100 failures of which 80 are warned, and 20 unfounded; then 10 failures of which 8 are."""
    assert at_rate(Precision(80 / 100, 0.5, 0.9), 0.01, 0.1).share == pytest.approx(8 / (8 + 20))


def test_all_founded_stays_all_founded_and_none_none():
    assert at_rate(Precision(1.0, 0.0, 1.0), 0.01, 1.0) == (1.0, 0.0, 1.0)
