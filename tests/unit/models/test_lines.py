"""The line of a thing in a TOML text, and that errors of the plant file say it."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.plant import PlantError, parse
from models.plant.lines import line_of, places
from tests.kit import tiny

TEXT = '''# a comment with [brackets] and "quotes
plant = "x" # and = one behind

[types.pump]
model = "a#b"
note = """
[types.hidden]
not_a_key = 1"""
[types.pump.signals."inlet.temp"] # quoted
range = [
  0, # ] not the end
  25,
]
kind = 'gauge'
[assets]
pump-01 = { type = "pump", description = "}" }
pump-02.type = "pump"
[[tags]]
address = "a"
[[tags]]
address = "b"
[tags.more]
unit = "bar"
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("plant", 2),
        ("types.pump", 4),
        ("types.pump.model", 5),
        ("types.pump.signals", 9),
        ("types.pump.signals.inlet.temp", 9),
        ("types.pump.signals.inlet.temp.range", 10),
        ("types.pump.signals.inlet.temp.kind", 14),
        ("assets.pump-01.type", 16),
        ("assets.pump-02.type", 17),
        ("tags", 18),
        ("tags[0]", 18),
        ("tags[0].address", 19),
        ("tags[1].address", 21),
        ("tags[1].more.unit", 23),
    ],
)
def test_a_path_has_the_line_where_it_stands(path, line):
    tomllib.loads(TEXT)
    assert line_of(TEXT, path) == line
    assert line_of(TEXT.replace("\n", "\r\n"), path) == line


def test_what_is_not_written_has_the_line_of_what_it_is_in():
    assert line_of(TEXT, "types.pump.operating.settle") == 4
    assert line_of(TEXT, "tags[0].unit") == 18


def test_a_longer_name_is_another_name():
    assert line_of(TEXT, "types.pumpjack") == places(TEXT)["types"]
    assert line_of(TEXT, "plants") is None


def test_words_behind_a_path_do_not_matter():
    assert line_of(TEXT, "types.pump.model is 'a', but assets.pump-01 is not") == 5


def test_what_looks_like_a_table_in_a_string_is_none():
    assert not [place for place in places(TEXT) if "hidden" in place or "not_a_key" in place]


STRINGS = [
    '"a]"',
    "'[\"'",
    '"""\n[x]\n"""',
    "'''\n\"\n'''",
    '"\\""',
    '""""q""""',
    "[\n1, # [\n]",
    "{ a = '}' }",
    "1979-05-27",
]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(STRINGS), st.sampled_from(["", " # [x", "\n", "\n# '''"]))))
def test_no_value_hides_or_invents_a_key(entries):
    text, expected = "", {}
    for number, (is_table, value, after) in enumerate(entries):
        line = text.count("\n") + 1
        text += f"[t{number}]\nk = {value}{after}\n" if is_table else f"[t{number}] # k\n\n k . v = {value}{after}\n"
        expected |= {f"t{number}": line}
        expected |= {f"t{number}.k": line + 1} if is_table else {f"t{number}.k": line + 2, f"t{number}.k.v": line + 2}
    tomllib.loads(text)
    assert places(text) == expected


def test_every_table_and_key_of_a_plant_file_has_a_place():
    known = places(tiny.PLANT_TOML)
    for name, asset_type in tomllib.loads(tiny.PLANT_TOML)["types"].items():
        for signal, content in asset_type["signals"].items():
            assert {f"types.{name}.signals.{signal}.{key}" for key in content} <= known.keys()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('type = "fan"', 'type = "fen"'),
        ("range = [-40, 200]", "range = [200, -40]"),
        ('settle = "3min"', 'settle = "soon"'),
        ('plant = "tiny"', "plant = 7"),
    ],
)
def test_an_error_of_the_plant_file_says_its_line(old, new):
    line = tiny.PLANT_TOML[: tiny.PLANT_TOML.index(old)].count("\n") + 1
    with pytest.raises(PlantError, match=rf"^line {line}: "):
        parse(tiny.PLANT_TOML.replace(old, new, 1))


TAGS = """
[[tags]]
address = "a"
asset = "pump-01"
signal = "mode"
[[tags]]
address = "b"
asset = "pump-01"
"""


@pytest.mark.parametrize(
    ("last", "after", "said"),
    [
        ('signal = "nothing"', 5, r"tags\[1\]: 'nothing' is no signal"),
        ('signal = "mode"\nscale = "big"', 9, r"tags\[1\].scale: Expected `float`"),
        ('signal = "mode"\nvalid_from = 2026-01-31', 9, r"tags\[1\].valid_from is 2026-01-31: write a time"),
    ],
)
def test_an_error_of_a_tag_says_its_line(last, after, said):
    line = tiny.PLANT_TOML.count("\n") + 1 + after
    with pytest.raises(PlantError, match=rf"^line {line}: {said}"):
        parse(tiny.PLANT_TOML + TAGS + last)
