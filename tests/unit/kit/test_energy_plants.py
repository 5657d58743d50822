"""The plants that plans are measured on stay as they were before anything was measured."""

import pytest

from models.energy.planning import greedy
from models.energy.planning.problem import NOTHING
from tests.kit.energy_plants import SEEDS, fingerprint, large, small, week

FROZEN = {
    4101: ("2ab4cde30c68d6d8", "d6584fbdf84ccfad", "0f5a478dbc24cb33"),
    4102: ("1931f5f71a232e2d", "2f6e92b3b9f8d17c", "56e9a931ea293271"),
    4103: ("b9c65c123f2228f8", "269e1725fb15ccb1", "54b4a03c39de4fa5"),
    4104: ("1bb7fdeb3c25be4e", "5f812c930155c78e", "d918493629f7ef4d"),
    4105: ("867d0d15a637ed90", "a024b0c4bc0a5822", "4129b06515285fa3"),
    4106: ("101a96f84088c848", "5c971d5d81804f21", "969d5380a534e9da"),
    4107: ("e7e3a34c6240943a", "609d4a90a5560194", "b17ad87782d82b83"),
    4108: ("ea5a78c969c10844", "fb5e9b96cbc93792", "9c6f6c042eba35c2"),
    4109: ("0778062784d410e0", "05b8108d6c10dc1d", "aefcd01b18b98329"),
    4110: ("69009cb29b19e04f", "17c7f9a6d7f46c02", "81d3ac64224e30d1"),
    4111: ("a22f9fc10b9469fd", "fe46dacc43403fc2", "bdf0e354afc6e3dc"),
    4112: ("db75b07918427473", "1fc47cd0919aed38", "ddf051a604451803"),
}
"""Week, large and small (12 orders) by seed, as frozen on 2026-11-26, before the first measurement."""


@pytest.mark.parametrize("seed", SEEDS)
def test_plants_are_the_frozen_ones(seed):
    assert tuple(fingerprint(one) for one in (week(seed), large(seed), small(seed, 12))) == FROZEN[seed]


@pytest.mark.parametrize("seed", SEEDS)
def test_by_the_usual_rule_all_orders_of_a_plant_fit(seed):
    for problem in (week(seed), large(seed)):
        assert NOTHING not in greedy.build(problem, greedy.usual).option
