"""What a plant may tell the fleet: counts within a unit's bound, and a budget that is never overspent."""

from __future__ import annotations

import math
import random

import pytest

from models.tuning.fleet import Account, Bound, Made, NoRelease, Spend, Withheld, charged, counted

PRESS = ("press", "force_kn")
BINS = {PRESS: (0.0, 10.0, 20.0, 30.0), ("press", "temp_degc"): (100.0, 200.0)}


def made(unit: str, value: float, is_defect: bool = False, parameter: str = "force_kn") -> Made:
    return Made(unit, "press", parameter, value, is_defect)


def spend(epsilon: float, release: str = "2026-11") -> Spend:
    return Spend(release=release, epsilon=epsilon, time_us=0)


def test_parts_and_defects_are_counted_by_bin_and_each_bin_is_told():
    rows = [
        made("1", 0.0),
        made("2", 9.99, True),
        made("3", 10.0),
        made("4", 30.0),
        made("5", -1.0),
        made("6", math.nan),
    ]
    force, temp = counted(rows, BINS, Bound())
    assert (force.parts, force.defects) == ((2, 1, 0), (1, 0, 0))
    assert (temp.parts, temp.defects) == ((0,), (0,))


def test_a_unit_counts_no_more_than_its_bound_in_a_histogram_and_in_no_more_of_them():
    lot = [made("lot", 5.0)] * 5 + [made("lot", 150.0, parameter="temp_degc")] * 5
    assert [one.parts for one in counted(lot, BINS, Bound(parts=3, histograms=1))] == [(3, 0, 0), (0,)]
    assert [one.parts for one in counted(lot, BINS, Bound(parts=2, histograms=2))] == [(2, 0, 0), (2,)]


def test_what_is_not_in_the_bins_uses_up_no_bound():
    rows = [made("1", 99.0), made("1", 1.0, parameter="other"), made("1", 5.0)]
    assert counted(rows, BINS, Bound())[0].parts == (1, 0, 0)


def test_one_unit_more_or_less_changes_all_counts_by_no_more_than_the_sensitivity():
    source = random.Random(3)
    for _ in range(300):
        bound = Bound(parts=source.randint(1, 4), histograms=source.randint(1, 2))
        rows = [
            made(
                source.choice("abc"),
                source.uniform(-5, 250),
                source.random() < 0.5,
                source.choice(["force_kn", "temp_degc"]),
            )
            for _ in range(60)
        ]
        whole, less = (counted(of, BINS, bound) for of in (rows, [one for one in rows if one.unit != "a"]))
        far = sum(
            abs(x - y)
            for one, other in zip(whole, less, strict=True)
            for x, y in zip(one.parts + one.defects, other.parts + other.defects, strict=True)
        )
        assert far <= bound.sensitivity


def test_the_sensitivity_is_reached():
    lot = [made("lot", 5.0, True)] * 3 + [made("lot", 150.0, True, "temp_degc")] * 3
    whole = counted(lot, BINS, Bound(parts=3, histograms=2))
    assert sum(sum(one.parts + one.defects) for one in whole) == Bound(parts=3, histograms=2).sensitivity == 12


@pytest.mark.parametrize("edges", [(), (1.0,), (2.0, 1.0), (1.0, 1.0), (0.0, math.nan), (0.0, math.inf)])
def test_bins_that_are_none_raise(edges):
    with pytest.raises(ValueError, match="edges"):
        counted([], {PRESS: edges}, Bound())


def test_releases_add_up_and_the_last_of_the_budget_can_be_spent():
    account = Account(epsilon_total=1.0)
    for month in range(10):
        account = charged(account, spend(0.1, f"month {month}"))
        assert isinstance(account, Account)
    assert account.left == pytest.approx(0.0, abs=1e-12) and len(account.spent) == 10
    found = charged(account, spend(1e-9, "one more"))
    assert isinstance(found, Withheld) and found.why is NoRelease.OVERSPENT and found.detail


def test_what_is_more_than_is_left_is_withheld_and_the_account_stays():
    account = charged(Account(epsilon_total=1.0), spend(0.7))
    assert charged(account, spend(0.31, "next")).why is NoRelease.OVERSPENT
    assert account.left == pytest.approx(0.3)


def test_the_same_release_is_not_told_twice():
    account = charged(Account(epsilon_total=1.0), spend(0.1))
    assert charged(account, spend(0.1)).why is NoRelease.TWICE


@pytest.mark.parametrize("epsilon", [0.0, -1.0, math.nan, math.inf])
def test_an_epsilon_that_is_none_raises(epsilon):
    with pytest.raises(ValueError, match="epsilon"):
        spend(epsilon)
    with pytest.raises(ValueError, match="epsilon"):
        Account(epsilon_total=epsilon)


def test_a_bound_of_nothing_raises():
    with pytest.raises(ValueError, match="bound"):
        Bound(parts=0)
    with pytest.raises(ValueError, match="bound"):
        Bound(histograms=0)
