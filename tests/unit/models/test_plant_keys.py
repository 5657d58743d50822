"""The newer keys of a plant file: what signals, limits and assets say, and what they may not say."""

from __future__ import annotations

import pytest

from models.plant import Criticality, PlantError, Sampling, parse
from tests.kit import tiny

HEAD = 'site = "north"\ncurrency = "EUR"\n'
MORE = """
[types.mill]
deadman = "2h"
[types.mill.operating]
signal = "mode"
states = { running = ["cut"], off = ["stop"] }
[types.mill.signals.mode]
kind = "state"
sampling = "compressed"
max_silence = "2d"
words = ["cut", "stop", "wait"]
[types.mill.signals.power_kw]
kind = "gauge"
sampling = "compressed"
range = [0, 50]
[types.mill.signals.energy_kwh]
kind = "counter"
sampling = "on-change"
range = [0, 9999]
rolls_over_at = 10000
[[types.mill.limits]]
signal = "power_kw"
warning_low = 1
warning_high = 30
alarm_high = 40
standard = "ISO 1"
edition = "2009"
[[types.mill.limits]]
signal = "energy_kwh"
alarm_high = 9000
[assets.mill-01]
type = "mill"
area = "hall"
line = "7"
criticality = "A"
downtime_cost_per_h = 900
[assets.mill-01.components.spindle]
description = "belt driven"
[[assets.mill-01.limits]]
signal = "power_kw"
alarm_high = 45
[assets.mill-02]
type = "mill"
site = "south"
[budget]
unfounded_per_engineer_week = 3
engineers = 1.5
[thresholds.mill-01]
hazard = 0.4
open_after = 10
[thresholds.mill-02]
clear_share = 0.5
clear_after = 90
[[tags]]
address = "n"
asset = "mill-01"
signal = "mode"
[[tags]]
address = "s"
asset = "mill-02"
signal = "mode"
"""
TEXT = HEAD + tiny.PLANT_TOML + MORE
PLANT = parse(TEXT)


def changed(old: str, new: str):
    assert old in TEXT
    return parse(TEXT.replace(old, new, 1))


def test_a_compressed_number_is_linear_and_all_else_holds_unless_the_file_says_so():
    signals = PLANT.types["mill"].signals
    assert signals["power_kw"].sampling is Sampling.COMPRESSED
    assert [signals[name].stepped for name in ("power_kw", "mode", "energy_kwh")] == [False, True, True]
    told = changed('sampling = "compressed"\nrange', 'sampling = "compressed"\nstepped = true\nrange')
    assert told.types["mill"].signals["power_kw"].stepped is True
    told = changed('sampling = "on-change"\nrange', 'sampling = "on-change"\nstepped = false\nrange')
    assert told.types["mill"].signals["energy_kwh"].stepped is False


def test_a_counter_says_where_it_rolls_over_and_a_state_its_words():
    assert PLANT.types["mill"].signals["energy_kwh"].rolls_over_at == 10000
    assert PLANT.types["mill"].signals["mode"].words == ("cut", "stop", "wait")


def test_the_deadman_is_what_is_said_or_three_of_the_longest_silences():
    assert PLANT.types["mill"].deadman_s == 7200
    assert changed('deadman = "2h"\n', "").types["mill"].deadman_s == 3 * 2 * 86400
    assert parse('plant = "x"\n[types.t.signals]\n[assets]\n').types["t"].deadman_s is None


def test_an_assets_limits_take_the_place_of_its_types_signal_by_signal():
    own, others = PLANT.limits_of("mill-01"), PLANT.limits_of("mill-02")
    assert own["power_kw"].levels == {"alarm_high": 45}
    assert own["energy_kwh"] == others["energy_kwh"]
    assert others["power_kw"].levels == {"warning_low": 1, "warning_high": 30, "alarm_high": 40}
    assert (others["power_kw"].standard, others["power_kw"].edition) == ("ISO 1", "2009")
    assert PLANT.limits_of("fan-01") == {}


def test_an_asset_says_where_it_stands_what_it_costs_and_what_it_is_made_of():
    asset = PLANT.assets["mill-01"]
    assert (PLANT.site_of("mill-01"), asset.area, asset.line) == ("north", "hall", "7")
    assert (asset.criticality, asset.downtime_cost_per_h) == (Criticality.A, 900)
    assert asset.components["spindle"].description == "belt driven"
    assert PLANT.site_of("mill-02") == "south"


def test_a_budget_is_of_all_engineers_together_and_two_a_week_where_nothing_is_said():
    assert PLANT.budget.per_week == 4.5
    assert parse(tiny.PLANT_TOML).budget.per_week == 2.0


def test_an_asset_has_thresholds_of_its_own_where_the_file_says_so():
    assert (PLANT.thresholds["mill-01"].hazard, PLANT.thresholds["mill-01"].clear_after) == (0.4, None)
    assert "fan-01" not in PLANT.thresholds


def test_the_plant_of_a_site_has_its_assets_tags_and_thresholds_alone_and_the_rest():
    south = PLANT.of_site("south")
    assert list(south.assets) == ["mill-02"]
    assert [tag.address for tag in south.tags] == ["s"]
    assert list(south.thresholds) == ["mill-02"]
    assert south.budget == PLANT.budget
    assert south.types == PLANT.types
    assert south.type_of("mill-01") is None
    assert set(PLANT.of_site("north").assets) | {"mill-02"} == set(PLANT.assets)


def test_a_site_where_nothing_stands_is_an_error_that_names_the_sites():
    with pytest.raises(PlantError, match=r"at site 'east': its sites are \['north', 'south'\]"):
        PLANT.of_site("east")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"EUR"', '"Euro"', "currency is 'Euro': write the three letters"),
        ('currency = "EUR"\n', "", "assets.mill-01.downtime_cost_per_h has no currency"),
        ("= 900\n", "= -1\n", "downtime_cost_per_h must be a number not under 0"),
        ("= 900\n", "= inf\n", "downtime_cost_per_h must be a number"),
        ('criticality = "A"', 'criticality = "D"', "assets.mill-01.criticality: Invalid enum value 'D'"),
        ("alarm_high = 45", "alarm_high = 50", r"assets.mill-01.limits\[0\].alarm_high is 50, which no sample passes"),
        ("warning_low = 1", "warning_low = 0", r"types.mill.limits\[0\].warning_low is 0, which no sample passes"),
        ("alarm_high = 9000", "alarm_high = nan", "alarm_high is nan, which no sample passes"),
        ("warning_high = 30", "warning_high = 40", "levels must rise"),
        ("warning_low = 1", "alarm_low = 35", "levels must rise .* but are alarm_low 35, warning_high 30"),
        ("alarm_high = 45", "", r"assets.mill-01.limits\[0\]: give warning_high"),
        ('"power_kw"\nalarm', '"mode"\nalarm', "'mode' is a state, which has no limits"),
        ('"power_kw"\nalarm', '"power"\nalarm', "'power' is no signal of type 'mill'"),
        (
            '"energy_kwh"\nalarm_high = 9000',
            '"power_kw"\nalarm_high = 9',
            r"types.mill.limits\[1\]: 'power_kw' has limits already",
        ),
        ('edition = "2009"\n', "", "give standard and edition, or neither"),
        ('standard = "ISO 1"\n', "", "give standard and edition, or neither"),
        ("rolls_over_at = 10000", "rolls_over_at = 0", "rolls_over_at must be over 0"),
        ("rolls_over_at = 10000", "rolls_over_at = inf", "rolls_over_at must be over 0"),
        ("rolls_over_at = 10000", "rolls_over_at = 9998", "range must lie in 0 to 9998"),
        ("range = [0, 9999]", "range = [-1, 9999]", "range must lie in 0 to 10000"),
        ("range = [0, 50]", "rolls_over_at = 9.0", "power_kw has rolls_over_at, but a gauge has none"),
        ("range = [0, 50]", 'words = ["a"]', "power_kw has words, but a gauge has none"),
        ('"stop", "wait"]', '"stop", "stop"]', "words has a word twice"),
        ('words = ["cut", ', 'words = ["CUT", ', "types.mill.operating.states: 'cut' is no word of 'mode'"),
        ('"2d"\n', '"2d"\nstepped = false\n', "between two words of a state is no line"),
        ('unit = "bar"', "stepped = true", "pressure_bar.stepped is of on-change and compressed signals"),
        ("range = [0, 50]", 'stuck_after = "2h"', "is sent compressed, so that silence is no fault"),
        ('deadman = "2h"', 'deadman = "soon"', "types.mill.deadman: 'soon' is no duration"),
        ('deadman = "2h"', 'deadman = "0s"', "types.mill.deadman is 0s: give at least 1s"),
        ("engineers = 1.5", "missed_to_unfounded = 0", "budget.missed_to_unfounded must be over 0, but is 0"),
        ("engineers = 1.5", "engineers = 0", "budget.engineers must be over 0, but is 0"),
        ("_week = 3", "_week = inf", "budget.unfounded_per_engineer_week must be over 0, but is inf"),
        ("engineers = 1.5", "people = 2", "budget.people: Object contains unknown field"),
        ("thresholds.mill-02", "thresholds.mill-03", "thresholds.mill-03: no such asset is in the plant: take it out"),
        ("hazard = 0.4", "hazard = 1.0", "thresholds.mill-01.hazard is a chance between 0 and 1, but is 1"),
        ("hazard = 0.4", "hazard = 40", "thresholds.mill-01.hazard is a chance between 0 and 1, but is 40"),
        ("open_after = 10", "open_after = 0", "thresholds.mill-01.open_after must be 1 to 10080 minutes, but is 0"),
        ("clear_after = 90", "clear_after = 10081", "clear_after must be 1 to 10080 minutes, but is 10081"),
        ("clear_share = 0.5", "clear_share = 1.5", "thresholds.mill-02.clear_share must be over 0 and not over 1"),
        ("description = ", "part = ", "assets.mill-01.components.spindle.part: Object contains unknown field"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(old, new, said):
    with pytest.raises(PlantError, match=rf"^line \d+: .*{said}"):
        changed(old, new)
