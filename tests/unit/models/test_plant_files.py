"""A plant in several files: what is put together, what stands twice, and in which file and line an error is."""

from __future__ import annotations

import random
import re
import tomllib
from pathlib import Path

import pytest

from models.plant import PlantError, parse, parse_files

TOP = 'plant = "split"\n'
PUMP = '[types.pump.signals.speed_rpm]\nkind = "gauge"\n'
FAN = '[types.fan.signals.speed_rpm]\nkind = "gauge"\n'
ASSETS = '[assets.pump-01]\ntype = "pump"\n[assets.fan-01]\ntype = "fan"\n'
TAG = '[[tags]]\naddress = "{}"\nasset = "pump-01"\nsignal = "speed_rpm"\n'
EXAMPLE = Path(__file__).parents[3] / "infra" / "examples" / "plants"


def files(**changed: str) -> dict[str, str]:
    texts = {"a": TOP + PUMP, "b": FAN + TAG.format("x"), "c": ASSETS + TAG.format("y")} | changed
    return {f"{name}.toml": text for name, text in texts.items()}


def test_types_assets_and_tags_of_several_files_are_one_plant():
    plant = parse_files(files())
    assert set(plant.types) == {"pump", "fan"}
    assert [tag.address for tag in plant.tags] == ["x", "y"]
    assert plant == parse(TOP + PUMP + FAN + ASSETS + TAG.format("x") + TAG.format("y"))


@pytest.mark.parametrize(
    ("again", "said"),
    [
        (FAN + PUMP, "types.pump is in a.toml, line 2 and in b.toml, line 3"),
        (FAN + '[types.pump]\nmodel = "m"\n', "types.pump is in a.toml, line 2 and in b.toml, line 3"),
        ('plant = "split"\n' + FAN, "plant is in a.toml, line 1 and in b.toml, line 1"),
        ("[types]\nfan = 3\npump = 4\n", "types.pump is in a.toml, line 2 and in b.toml, line 3"),
        ("types = 3\n", "types is in a.toml, line 2 and in b.toml, line 1"),
    ],
)
def test_what_stands_in_two_files_is_an_error_that_names_both_with_lines(again, said):
    with pytest.raises(PlantError, match=f"^{re.escape(said)}"):
        parse_files(files(b=again))


def test_the_same_tags_table_in_one_file_and_array_in_another_is_an_error():
    with pytest.raises(PlantError, match=r"^tags is in b.toml, line 3 and in c.toml, line 5"):
        parse_files(files(c=ASSETS + '[tags]\naddress = "y"\n'))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"c": ASSETS.replace('"fan"', '"fen"')}, "c.toml: line 4: assets.fan-01.type is 'fen'"),
        ({"b": FAN.replace("gauge", "gage")}, "b.toml: line 2: types.fan.signals.speed_rpm.kind: Invalid enum value"),
        ({"c": ASSETS + TAG.format("y") + "scale = 0\n"}, "c.toml: line 5: tags[0]: tag 'y': scale 0.0"),
        ({"c": ASSETS + TAG.format("x")}, "c.toml: line 5: tags[0]: tag 'x' is both pump-01.speed_rpm and"),
        ({"c": ASSETS + TAG.format("y") + TAG.format("x")}, "c.toml: line 9: tags[1]: tag 'x' is both"),
        ({"c": ASSETS + TAG.format("x") + TAG.format("y")}, "c.toml: line 5: tags[0]: tag 'x' is both"),
        ({"c": ASSETS + TAG.format("y") + "valid_to = 2026-01-01"}, "c.toml: line 9: tags[0].valid_to is 2026-01-01"),
        ({"b": "[types.fan\n"}, "b.toml: the plant file is not TOML"),
        ({"b": FAN + "tags = 3\n"}, "b.toml: line 3: types.fan.signals.speed_rpm.tags: Object contains"),
        ({"b": "tags = 3\n" + FAN, "c": ASSETS}, "b.toml: line 1: tags: Expected `array`"),
        ({"b": FAN + "[lines]\n"}, "b.toml: line 3: lines"),
    ],
)
def test_an_error_says_its_file_and_the_line_in_it(changed, said):
    with pytest.raises(PlantError) as told:
        parse_files(files(**changed))
    assert str(told.value).startswith(said)


def test_thresholds_of_assets_may_stand_in_a_file_of_their_own():
    own = "[thresholds.{}]\nhazard = 0.3\n"
    plant = parse_files(files(d=own.format("pump-01"), e=own.format("fan-01")))
    assert list(plant.thresholds) == ["pump-01", "fan-01"]
    with pytest.raises(PlantError, match=r"^thresholds.pump-01 is in d.toml, line 1 and in e.toml, line 1"):
        parse_files(files(d=own.format("pump-01"), e=own.format("pump-01")))
    with pytest.raises(PlantError, match=r"^d.toml: line 1: thresholds.fan-09: no such asset"):
        parse_files(files(d=own.format("fan-09")))


def test_the_order_of_files_does_not_change_the_version():
    renamed = {f"{9 - number}.toml": text for number, text in enumerate(files().values())}
    assert list(parse_files(renamed).tags) != list(parse_files(files()).tags)
    assert parse_files(renamed).version == parse_files(files()).version


@pytest.mark.parametrize("file", sorted(file.name for file in EXAMPLE.glob("*.toml")))
def test_any_value_of_a_wrong_kind_is_told_with_its_file_and_line(file):
    """Each value of the example is made a date of TOML in turn, which nothing but holidays is."""
    texts = {one.name: one.read_text() for one in EXAMPLE.glob("*.toml")}
    lines = texts[file].splitlines()
    at = [number for number, line in enumerate(lines) if re.match(r"[a-z_]+ *= *(?!.*holidays)", line)]
    tried = 0
    for number in random.Random(7).sample(at, min(len(at), 30)):
        key = lines[number].split("=")[0].strip()
        if key in ("holidays", "valid_from", "valid_to"):
            continue
        text = "\n".join([*lines[:number], f"{key} = 2026-01-31", *lines[number + 1 :]])
        tomllib.loads(text)
        with pytest.raises(PlantError, match=rf"^{file}: line {number + 1}: [^ ]*{key}"):
            parse_files(texts | {file: text})
        tried += 1
    assert tried > 5


def test_a_word_that_is_no_state_and_a_name_without_letters_have_the_line_of_their_table():
    with pytest.raises(PlantError, match=r"^b.toml: line 5: types.fan.operating.states: Invalid enum value 'walking'"):
        parse_files(files(b=FAN + '[types.fan.operating]\nsignal = "speed_rpm"\nstates = { walking = ["x"] }\n'))
    with pytest.raises(PlantError, match=r"^b.toml: line 1: types.fan.signals: Expected `str` of length >= 1"):
        parse_files(files(b='[types.fan.signals.""]\nkind = "gauge"\n'))


def test_a_plant_without_a_name_is_told_although_no_line_has_it():
    with pytest.raises(PlantError, match="the plant file does not fit: Object missing required field `plant`"):
        parse_files(files(a=PUMP))
