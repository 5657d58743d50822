"""What was found becomes a plant file that is right as it stands, and by which each address finds its signal."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.scada.discover import Found, Survey
from connectors.scada.discover.grouping import group
from connectors.scada.discover.names import asset_names, plain_unit, signal_name, type_name
from connectors.scada.discover.plantfile import write
from connectors.scada.feed import Read, Reading
from connectors.scada.mapping import Mapper
from models.plant import Plant, Sampling, SignalKind, parse

GAUGE, BOOLEAN, TEXT, STATE = SignalKind.GAUGE, SignalKind.BOOLEAN, SignalKind.TEXT, SignalKind.STATE
VALUES = {GAUGE: 1.5, BOOLEAN: True, TEXT: "auto", STATE: 3}


def found(address: str, asset: str, signal: str, kind: SignalKind = GAUGE, unit: str = "", **more) -> Found:
    return Found(address, tuple(asset.split("/")), tuple(signal.split("/")), kind, unit, **more)


def pump(name: str, unit: str = "bar") -> list[Found]:
    return [
        found(f"{name}.p", f"Line1/{name}", "Pressure", unit=unit),
        found(f"{name}.m", f"Line1/{name}", "Mode", TEXT),
        found(f"{name}.r", f"Line1/{name}", "Running", BOOLEAN),
    ]


def planned(*all_of_them: Found, **more) -> tuple[Plant, str]:
    text = write(Survey(list(all_of_them), Counter(), **{"is_whole": True, **more}), "line 1", "a test")
    return parse(text), text


def test_assets_with_the_same_signals_are_of_one_type_named_for_them() -> None:
    plant, _ = planned(*pump("Pump01"), *pump("Pump02"), found("f.s", "Line1/Fan01", "Speed", unit="rpm"))
    assert {name: list(kind.signals) for name, kind in plant.types.items()} == {
        "fan": ["speed_rpm"],
        "pump": ["mode", "pressure_bar", "running"],
    }
    assert {name: asset.type for name, asset in plant.assets.items()} == {
        "fan01": "fan",
        "pump01": "pump",
        "pump02": "pump",
    }
    assert plant.assets["pump01"].description == "Line1/Pump01"


def test_another_unit_makes_another_type() -> None:
    plant, _ = planned(*pump("Pump01"), *pump("Pump02", "psi"))
    assert {next(iter(set(t.signals) - {"mode", "running"})) for t in plant.types.values()} == {
        "pressure_bar",
        "pressure_psi",
    }


def test_every_address_finds_its_signal_by_the_mapper() -> None:
    all_of_them = [*pump("Pump01"), *pump("Pump02"), found("e", "Line1/Fan", "State", STATE)]
    plant, _ = planned(*all_of_them)
    frames, unread = Mapper(plant, "test").frames(
        Read([Reading(one.address, 1, VALUES[one.kind]) for one in all_of_them])
    )
    assert not unread
    assert {frame.asset: frame.signals for frame in frames} == {
        "fan": {"state": ["3"]},
        "pump01": {"mode": ["auto"], "pressure_bar": [1.5], "running": [True]},
        "pump02": {"mode": ["auto"], "pressure_bar": [1.5], "running": [True]},
    }


def test_the_same_name_in_two_lines_is_told_apart_by_its_line() -> None:
    paths = [("Plant", "Line1", "Pump01"), ("Plant", "Line2", "Pump01"), ("Plant", "Line2", "Fan")]
    assert list(asset_names(paths).values()) == ["line1-pump01", "line2-pump01", "fan"]


def test_names_that_differ_in_signs_alone_are_numbered() -> None:
    assert list(asset_names([("a b",), ("a-b",), ("猫",), ()]).values()) == ["a-b", "a-b-2", "machine", "machine-2"]
    plant, _ = planned(found("1", "P", "x y"), found("2", "P", "x.y"))
    assert [tag.signal for tag in plant.tags] == ["x_y", "x_y_2"]


@pytest.mark.parametrize(
    ("path", "unit", "name"),
    [
        (("Pressure",), "bar", "pressure_bar"),
        (("pressure_bar",), "bar", "pressure_bar"),
        (("OilTemp",), "°C", "oil_temp_degc"),
        (("Hydraulics", "flowRate"), "m³/h", "hydraulics_flow_rate_m3_h"),
        (("RPMActual",), "1/min", "rpm_actual_rpm"),
        (("Level",), "%", "level_pct"),
        (("Förder-Höhe",), "", "forder_hohe"),
        (("猫",), "", "signal"),
    ],
)
def test_signals_are_snake_case_with_their_unit(path, unit, name) -> None:
    assert signal_name(path, plain_unit(unit)) == name


def test_a_type_is_named_for_what_its_assets_share() -> None:
    assert type_name(["line1-pump-01", "line1-pump-22"], []) == "line1-pump"
    assert type_name(["pump-a1", "pump-b1"], ["pump"]) == "pump-2"
    assert type_name(["p1", "q1"], []) == "machine"


def test_what_the_sensor_can_say_is_a_range_and_what_is_normal_a_comment() -> None:
    plant, text = planned(
        found("1", "P", "a", range=(0.0, 25.0)),
        found("2", "P", "b", normal=(1.0, 9.0)),
        found("3", "P", "c", range=(0.0, 0.0)),
        found("4", "P", "d", TEXT, range=(0.0, 1.0)),
    )
    signals = plant.types["machine"].signals
    assert [signals[name].range for name in "abcd"] == [(0.0, 25.0), None, None, None]
    assert "# range = [1.0, 9.0]" in text


def test_ranges_that_differ_within_a_type_are_left_out() -> None:
    plant, _ = planned(found("1", "P1", "a", range=(0.0, 25.0)), found("2", "P2", "a", range=(0.0, 16.0)))
    (kind,) = plant.types.values()
    assert kind.signals["a"].range is None


def test_all_is_sent_on_change_where_nothing_else_is_known() -> None:
    plant, _ = planned(*pump("Pump01"))
    assert {signal.sampling for signal in plant.types["pump"].signals.values()} == {Sampling.ON_CHANGE}


def test_the_file_says_what_a_person_has_to_say_and_what_was_left_out() -> None:
    left_out = Counter({"arrays": 3})
    text = write(Survey(pump("Pump01"), left_out, is_whole=False, listed_as="nodes"), "x", "a test")
    for words in ("operating", "states = {", "max_silence", "Left out: 3 of arrays", "has more than this"):
        assert any(words in line and line.startswith("#") for line in text.splitlines()), words
    assert '# nodes = [\n#     "Pump01.m",' in text


def test_the_order_of_what_was_found_does_not_change_the_file() -> None:
    all_of_them = [*pump("Pump02"), *pump("Pump01")]
    assert planned(*all_of_them)[1] == planned(*reversed(all_of_them))[1]


def test_an_address_that_is_too_long_for_a_plant_file_is_left_out_and_counted() -> None:
    plant, text = planned(*pump("Pump01"), found("x" * 201, "Line1/Pump01", "Long"))
    assert len(plant.tags) == 3 and "Left out: 1 of addresses of over 200" in text


words = st.text(min_size=1, max_size=8)
anything = st.builds(
    Found,
    address=words,
    asset=st.lists(words, max_size=3).map(tuple),
    signal=st.lists(words, min_size=1, max_size=2).map(tuple),
    kind=st.sampled_from([GAUGE, BOOLEAN, TEXT, STATE]),
    unit=st.one_of(st.just(""), words),
    range=st.one_of(st.none(), st.tuples(st.floats(), st.floats())),
    normal=st.one_of(st.none(), st.tuples(st.floats(), st.floats())),
    value=st.one_of(st.none(), st.text(max_size=5), st.floats(), st.integers()),
)


@given(st.lists(anything, min_size=1, max_size=8, unique_by=lambda one: one.address))
def test_whatever_a_source_calls_its_things_the_file_is_right(all_of_them: list[Found]) -> None:
    plant = parse(write(Survey(all_of_them, Counter(), is_whole=True), "x", "a\ntest"))
    assert {tag.address for tag in plant.tags} == {one.address for one in all_of_them}
    assert sum(len(kind.assets) for kind in group(all_of_them)) == len(plant.assets)
