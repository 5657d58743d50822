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
        (
            'unit = "bar"',
            'expected_from = ["mode"]',
            "expected_from names 'mode', which is no periodic gauge or setpoint",
        ),
        ('unit = "bar"', 'stuck_after = "long"', "types.pump.signals.pressure_bar.stuck_after: 'long' is no duration"),
        ("off_below = 1", "off_below = 4", "types.mixer.operating: running_above 4.2 and off_below 4.0 must lie more"),
        ("off_below = 1\n", "", "types.mixer.operating: 'pressure_bar' is a number: give running_above"),
        ('unit = "bar"', "max_step = -3.0", "max_step must be over 0"),
        ("[0, 25]", "[0, inf]", "range must rise and end"),
        ('stuck_after = "6min"', 'stuck_after = "0s"', "stuck_after is 0s: give at least 1s"),
        ('stuck_after = "6min"', 'stuck_after = "99999999999999999999d"', "longer than 3650 days"),
        ('unit = "bar"', 'expected_from = ["pressure_bar"]', "twice, or the signal itself"),
        ("hysteresis = 0.4", "hysteresis = -0.4", "the hysteresis not under 0"),
        ("running_above = 4.2", "running_above = inf", "thresholds must be numbers"),
        ('running = ["auto", "manual"]', "running = []", "say what they mean in states"),
        ('running = ["auto", "manual"]', "running = [true]", "True is no str"),
        ('idle = ["wait"]', 'idle = ["stop"]', "'stop' stands in more than one place"),
        ('settle = "2min"', 'settle = "2min"\nhysteresis = 1.0', "thresholds and hysteresis mean nothing"),
        (
            'kind = "text"\nsampling = "on-change"\nmax_silence',
            'kind = "text"\nstuck_after = "1h"\nmax_silence',
            "has stuck_after, but a text has none",
        ),
        ('signal = "mode"', 'signal = "mood"', "types.lathe.operating.signal is 'mood'"),
        ('running = ["auto", "manual"]', 'walking = ["auto"]', "walking"),
        ('settle = "2min"', 'settle = "2"', "types.lathe.operating.settle: '2' is no duration"),
        ('model = "tiny"', 'model = "tiny"\nmodels = { failure = "b" }', "name it as model = 'b' of the type itself"),
        ('model = "tiny"', 'model = "tiny"\nmodels = { health = "b" }', "name it as health = 'b' of the type itself"),
        ('model = "tiny"', 'model = "tiny"\nmodels = { energy = "tiny" }', "a name is of one model"),
        (
            'model = "tiny"',
            'models = { energy = "tiny" }',
            "is a failure model here and of kind energy elsewhere",
        ),
        ('model = "tiny"', 'models = { load = "a" }', "Invalid enum value 'load'"),
        ('plant = "tiny"', "plant = ", "not TOML"),
    ],
)
def test_a_wrong_plant_file_is_refused_with_the_place(old, new, said):
    with pytest.raises(PlantError, match=said.replace("[", r"\[")):
        parse(tiny.PLANT_TOML.replace(old, new, 1))


@pytest.mark.parametrize(("text", "expected"), [("90s", 90), ("5min", 300), ("2 h", 7200), ("1d", 86400)])
def test_durations(text, expected):
    assert seconds(text) == expected
