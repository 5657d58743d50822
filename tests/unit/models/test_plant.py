"""The plant file: what it says, and what is said of a wrong one."""

from __future__ import annotations

import pytest

from models.plant import PlantError, SignalKind, parse, seconds
from tests.kit import tiny


def test_a_plant_file_is_read():
    plant = tiny.plant()
    assert plant.type_of("pump-01") == "pump"
    assert plant.type_of("pump-99") is None
    assert plant.types["pump"].signals["pressure_bar"].range == (0, 25)
    assert plant.types["pump"].signals["mode"].kind is SignalKind.TEXT


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('type = "fan"', 'type = "fen"', "assets.fan-01.type is 'fen'"),
        ("[0, 25]", "[25, 0]", "types.pump.signals.pressure_bar.range must rise"),
        ('kind = "gauge"', 'kind = "gage"', "gage"),
        ('unit = "bar"', 'units = "bar"', "units"),
        ('unit = "bar"', 'max_silence = "soon"', "types.pump.signals.pressure_bar.max_silence: 'soon' is no duration"),
        ('kind = "boolean"', 'kind = "boolean"\nrange = [0, 1]', "is_running has range"),
        ('unit = "bar"', 'expected_from = ["mode"]', "expected_from names 'mode', which is no numeric signal"),
        ('unit = "bar"', 'stuck_after = "long"', "types.pump.signals.pressure_bar.stuck_after: 'long' is no duration"),
        ("off_below = 1", "off_below = 4", "types.mixer.operating: running_above 4.2 and off_below 4.0 must lie more"),
        ("off_below = 1\n", "", "types.mixer.operating: 'pressure_bar' is a number: give running_above"),
        ('signal = "mode"', 'signal = "mood"', "types.lathe.operating.signal is 'mood'"),
        ('running = ["auto", "manual"]', 'walking = ["auto"]', "walking"),
        ('settle = "2min"', 'settle = "2"', "types.lathe.operating.settle: '2' is no duration"),
        ('plant = "tiny"', "plant = ", "not TOML"),
    ],
)
def test_a_wrong_plant_file_is_refused_with_the_place(old, new, said):
    with pytest.raises(PlantError, match=said.replace("[", r"\[")):
        parse(tiny.PLANT_TOML.replace(old, new, 1))


@pytest.mark.parametrize(("text", "expected"), [("90s", 90), ("5min", 300), ("2 h", 7200), ("1d", 86400)])
def test_durations(text, expected):
    assert seconds(text) == expected
