"""A plant's budget, shared out to its assets."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from models.alerting.allocation import allocated, warned_assets, weights
from models.plant import Asset, Criticality, parse
from tests.kit import tiny

PLANT = tiny.plant()
NONE, A, B, C = None, Criticality.A, Criticality.B, Criticality.C
IMPORTANCE = {A: 3, B: 2, NONE: 2, C: 1}


def plant_of(*assets: tuple[Criticality | None, float | None]):
    """Pumps a, b, c ... with a criticality and a cost each."""
    named = {
        name: Asset(type="pump", criticality=criticality, downtime_cost_per_h=cost)
        for name, (criticality, cost) in zip(string.ascii_letters, assets, strict=False)
    }
    return replace(PLANT, assets=named, currency="EUR")


fleets = st.lists(
    st.tuples(st.sampled_from([A, B, C, NONE]), st.none() | st.floats(0, 1e9)), min_size=1, max_size=30
)  # fmt: skip


@settings(deadline=None)
@given(fleets, st.floats(0.01, 100))
def test_the_shares_are_the_budget(fleet, per_week):
    assert sum(allocated(plant_of(*fleet), per_week).values()) == pytest.approx(per_week)


@settings(deadline=None)
@given(fleets)
def test_a_more_critical_asset_never_gets_less_whatever_the_costs(fleet):
    plant = plant_of(*fleet)
    shares = allocated(plant, 2)
    for one, of_one in plant.assets.items():
        for other, of_other in plant.assets.items():
            if IMPORTANCE[of_one.criticality] > IMPORTANCE[of_other.criticality]:
                assert shares[one] >= shares[other] * (1 - 1e-12)


@settings(deadline=None)
@given(fleets)
def test_of_two_assets_of_one_criticality_the_dearer_never_gets_less(fleet):
    plant = plant_of(*fleet)
    shares = allocated(plant, 2)
    for one, of_one in plant.assets.items():
        for other, of_other in plant.assets.items():
            costs = of_one.downtime_cost_per_h, of_other.downtime_cost_per_h
            if of_one.criticality is of_other.criticality and None not in costs and costs[0] > costs[1]:
                assert shares[one] >= shares[other]


def test_assets_that_say_nothing_get_the_middle_weight():
    assert weights(plant_of((A, None), (NONE, None), (C, None))) == {"a": 4, "b": 2, "c": 1}


def test_cost_counts_by_its_square_root_over_the_median_and_by_a_factor_of_two_at_most():
    of = weights(plant_of((B, 100), (B, 150), (B, 50), (B, 1e6), (B, 0)))
    assert of["a"] == pytest.approx(2 * (100 / 125) ** 0.5)  # the median of what costs: 50, 100, 150, a million
    assert of["d"] / of["e"] == pytest.approx(2)


WARNED = """plant = "p"
[types.scored]
model = "m"
signals = {}
[types.ruled.signals.x]
kind = "gauge"
[[types.ruled.rules]]
name = "high"
signals = ["x"]
warning_high = 1
[types.plain.signals.x]
kind = "gauge"
[assets]
a = { type = "scored" }
b = { type = "ruled" }
c = { type = "plain" }
d = { type = "plain", limits = [{ signal = "x", alarm_high = 3 }] }
"""


def test_assets_with_a_model_with_rules_or_with_limits_share_the_budget_and_others_get_nothing():
    assert warned_assets(parse(WARNED)) == ("a", "b", "d")
    assert allocated(parse(WARNED), 3) == {"a": 1, "b": 1, "d": 1}
