"""Noise of what leaves a plant: OpenDP's, of the scale that the epsilon asks for, and none without a budget."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from connectors.privacy import PrivacyError, mechanism, released
from models.tuning.fleet import Account, Bound, Histogram, NoRelease, Release, Spend, Withheld

EMPTY = Histogram(
    kind="press", parameter="force_kn", edges=tuple(map(float, range(101))), parts=(500,) * 100, defects=(0,) * 100
)
SPEND = Spend(release="2026-11", epsilon=0.1, time_us=0)
ACCOUNT = Account(epsilon_total=0.15)


def test_a_release_states_its_epsilon_and_the_account_has_it():
    told, account = released((EMPTY,), Bound(), ACCOUNT, SPEND)
    assert isinstance(told, Release) and told.epsilon == 0.1 and told.scale == pytest.approx(20.0)
    assert account.spent == (SPEND,) and account.left == pytest.approx(0.05)


def test_without_budget_nothing_is_told():
    _, account = released((EMPTY,), Bound(), ACCOUNT, SPEND)
    found = released((EMPTY,), Bound(), account, Spend(release="2026-12", epsilon=0.1, time_us=1))
    assert isinstance(found, Withheld) and found.why is NoRelease.OVERSPENT


def test_the_same_counts_are_told_otherwise_each_time_and_none_below_zero():
    one, other = (released((EMPTY,), Bound(), ACCOUNT, SPEND)[0].histograms[0] for _ in range(2))
    assert one.parts != other.parts and one.defects != other.defects
    assert min(*one.defects, *other.defects) == 0 < max(one.defects)
    assert one.edges == EMPTY.edges and len(one.parts) == len(one.defects) == 100


@pytest.mark.parametrize(("sensitivity", "epsilon"), [(2, 1.0), (2, 0.1), (12, 0.3), (200, 3.0)])
def test_opendp_proves_the_epsilon_for_the_scale_and_not_for_less(sensitivity, epsilon):
    measure, scale = mechanism(sensitivity, epsilon)
    assert type(measure).__module__.startswith("opendp")
    assert measure.map(sensitivity) <= epsilon == pytest.approx(measure.map(sensitivity))
    assert measure.map(2 * sensitivity) == pytest.approx(2 * epsilon)
    assert scale == pytest.approx(sensitivity / epsilon)


@pytest.mark.parametrize(("sensitivity", "epsilon"), [(2, 1.0), (2, 0.1)])
def test_noise_is_discrete_laplace_of_that_scale(sensitivity, epsilon):
    """E|x| = 2 q / (1 - q^2), P(0) = (1 - q) / (1 + q), q = exp(-epsilon / sensitivity); within 7 standard errors."""
    measure, _ = mechanism(sensitivity, epsilon)
    noise = measure([1000] * 40_000)
    off = [one - 1000 for one in noise]
    q = math.exp(-epsilon / sensitivity)
    far = 2 * q / (1 - q * q)
    assert all(isinstance(one, int) for one in noise)
    assert sum(map(abs, off)) / len(off) == pytest.approx(far, rel=7 * 1.2 / 200)
    assert sum(off) / len(off) == pytest.approx(0.0, abs=7 * 1.5 * far / 200)
    nought = (1 - q) / (1 + q)
    assert off.count(0) / len(off) == pytest.approx(nought, abs=7 * math.sqrt(nought / 40_000))


def test_counts_that_are_none_raise():
    bad = Histogram(kind="press", parameter="force_kn", edges=(0.0, 1.0), parts=(-1,), defects=(0,))
    for histograms in ((), (bad,)):
        with pytest.raises(ValueError, match="count"):
            released(histograms, Bound(), ACCOUNT, SPEND)


def test_without_opendp_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "opendp.prelude", None)
    with pytest.raises(PrivacyError, match=r"\[privacy\]"):
        released((EMPTY,), Bound(), ACCOUNT, SPEND)


def test_importing_the_module_loads_no_opendp():
    code = "import sys, connectors.privacy; sys.exit('opendp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
