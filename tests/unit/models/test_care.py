"""What a plant file says of people's part: care by failure mode, owners, planned stops."""

from __future__ import annotations

import pytest

from models.plant import Care, PlantError, parse
from models.plant.care import care_of
from tests.kit import tiny

CARE = """
[types.pump.care.any]
first_check = "walk round it"
tools = ["lamp"]
spare = "seal kit"
spare_lead = "2d"
[types.pump.care.VIB]
first_check = "measure both ends"
[types.pump.care.ELP]
spare = "gasket"
"""
TEXT = 'stops = [2026-03-14, 2026-02-01]\ntimezone = "Europe/Brussels"\n' + tiny.PLANT_TOML + CARE
PLANT = parse(TEXT)
KNOWN = PLANT.types["pump"].care
FEBRUARY_US = 1_769_900_400_000_000  # 2026-01-31 23:00 UTC, which is the first of February in Brussels


def test_what_a_mode_leaves_out_is_what_is_said_of_any():
    assert care_of(KNOWN, "VIB") == Care(
        first_check="measure both ends", tools=("lamp",), spare="seal kit", spare_lead="2d"
    )
    assert care_of(KNOWN, "unheard of") == KNOWN["any"]
    assert care_of({}, "VIB") == Care()


def test_the_lead_of_another_spare_is_not_said_of_a_modes_own():
    assert (care_of(KNOWN, "ELP").spare, care_of(KNOWN, "ELP").spare_lead) == ("gasket", None)


def test_the_next_planned_stop_is_by_the_plants_calendar_and_todays_counts():
    assert str(PLANT.next_stop(FEBRUARY_US)) == "2026-02-01"
    assert str(PLANT.next_stop(FEBRUARY_US + 86_400_000_000)) == "2026-03-14"
    assert PLANT.next_stop(FEBRUARY_US + 60 * 86_400_000_000) is None


def test_a_file_without_any_of_it_is_what_it_was():
    assert parse(tiny.PLANT_TOML).version == tiny.plant().version
    assert tiny.plant().types["pump"].care == {}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[types.fan.care.any]\nspare = "x"\nspare_lead = "soon"\n', "fan.care.any.spare_lead: 'soon' is no"),
        ('[types.fan.care.any]\nspare_lead = "2d"\n', "types.fan.care.any.spare_lead is of no spare"),
        ('[types.fan.care.any]\ntools = [" "]\n', "types.fan.care.any.tools has an empty name"),
        ('[types.fan.care.any]\ncolour = "red"\n', "types.fan.care.any"),
        ('[assets.fan-09]\ntype = "fan"\nfailure_downtime_h = 0\n', "assets.fan-09.failure_downtime_h must be over 0"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(more, said):
    with pytest.raises(PlantError, match=said):
        parse(TEXT + more)


def test_a_stop_that_stands_twice_is_told():
    with pytest.raises(PlantError, match="line 1: stops has a date twice"):
        parse(TEXT.replace("2026-02-01", "2026-03-14"))
