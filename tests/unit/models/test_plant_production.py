"""What a plant file may say of production, and what is wrong in one, with its place."""

from __future__ import annotations

import pytest

from models.plant import PlantError, parse
from tests.kit.production import FOLDER, plant

TEXT = (FOLDER / "plant.toml").read_text()


def test_the_example_can_be_read():
    production = plant().production
    assert production.groups == {
        "press": ["press-1", "press-2", "press-3"],
        "oven": ["oven"],
        "trim": ["trim-1", "trim-2"],
    }


def test_setups_are_by_families_and_none_within_one():
    production = plant().production
    assert production.setup_s("white", "black") == 600
    assert production.setup_s("black", "white") == 2400
    assert production.setup_s("white", "white") == 0


def test_what_is_billed_is_the_highest_of_this_month_and_the_ratchets_share():
    assert plant().production.demand.billed_kw == pytest.approx(208.0)


def test_a_file_without_production_has_none_and_workers_need_none():
    assert plant().for_workers().production is None


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('step = "5min"', 'step = "7min"', "production.step"),
        ('horizon = "72h"', 'horizon = "200h"', "production.horizon"),
        ('shifts = ["early", "late"]', 'shifts = ["night"]', "no shift 'night'"),
        ('route = ["press", "oven"]', 'route = ["mill"]', "no machine of group 'mill' makes it"),
        ("[production.machines.oven]", "[production.machines.kiln]", "no such asset"),
        ('"white>black" = "10min"', '"white>red" = "10min"', "two of"),
        ("off_kw = 1\n", "off_kw = 99\n", "off_kw is over idle_kw"),
        ('asset = "site"', 'asset = "roof"', "no asset 'roof'"),
        ('power = "power_kw"\nparts', 'power = "kw"\nparts', "has no signal 'kw'"),
        ("slower = [0.8]", "slower = [1.2]", "between 0 and 1"),
        ("ratchet = 0.8", "ratchet = 1.8", "ratchet is a share"),
        ("late_per_h = 40", "late_per_h = -1", "late_per_h must be 0 or more"),
        ('start = "25min"', 'start = "soon"', "no duration"),
        ("makes = { cover = { units_per_h = 150", "makes = { lid = { units_per_h = 150", "no such product"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(before, after, said):
    assert before in TEXT
    with pytest.raises(PlantError, match=said):
        parse(TEXT.replace(before, after, 1))
