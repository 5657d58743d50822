"""`forewarn plant`: what a plant file holds, and what differs between two."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from models.plant import PlantError
from pipelines.cli import plants
from tests.kit import tiny


@pytest.fixture
def said():
    return Console(file=io.StringIO(), width=160)


def put(folder, name: str, text: str = tiny.PLANT_TOML):
    file = folder / name
    file.write_text(text)
    return file


def printed(console) -> str:
    return console.file.getvalue()


def test_check_counts_what_is_there(tmp_path, said):
    plants.check(put(tmp_path, "a.toml"), said)
    assert "plant 'tiny', 5 types with 12 signals, 7 assets, 0 tags" in printed(said)


def test_check_of_a_wrong_file_says_where(tmp_path, said):
    with pytest.raises(PlantError, match="fan-01"):
        plants.check(put(tmp_path, "a.toml", tiny.PLANT_TOML.replace('type = "fan"', 'type = "fen"')), said)


def test_show_names_every_signal_and_asset(tmp_path, said):
    plants.show(put(tmp_path, "a.toml"), said, as_json=False)
    for word in ("pressure_bar", "on-change", "mixer-01", "type lathe, model tiny"):
        assert word in printed(said)


def test_show_as_json_is_the_plant(tmp_path, said):
    plants.show(put(tmp_path, "a.toml"), said, as_json=True)
    assert json.loads(printed(said))["assets"]["fan-01"]["type"] == "fan"


def test_a_file_and_itself_say_the_same(tmp_path, said):
    a = put(tmp_path, "a.toml")
    assert plants.diff(a, a, said, as_json=False) == 0
    assert "the two say the same" in printed(said)


def test_diff_tells_what_was_added_removed_and_changed(tmp_path, said):
    new = tiny.PLANT_TOML.replace("[0, 25]", "[0, 30]", 1).replace("[assets.fan-01]", "[assets.fan-02]")
    assert plants.diff(put(tmp_path, "a.toml"), put(tmp_path, "b.toml", new), said, as_json=False) == 1
    lines = printed(said).splitlines()
    assert "~ types.pump.signals.pressure_bar.range  (0, 25) -> (0, 30)" in [line.replace(".0", "") for line in lines]
    assert any(line.startswith("+ assets.fan-02") for line in lines)
    assert any(line.startswith("- assets.fan-01") for line in lines)


def test_the_order_of_tags_is_no_difference(tmp_path, said):
    tags = [f'[[tags]]\naddress = "{name}"\nasset = "fan-01"\nsignal = "speed_rpm"\n' for name in ("x", "y")]
    first, second = tiny.PLANT_TOML + "".join(tags), tiny.PLANT_TOML + "".join(reversed(tags))
    assert plants.diff(put(tmp_path, "a.toml", first), put(tmp_path, "b.toml", second), said, as_json=True) == 0
    assert json.loads(printed(said)) == []
