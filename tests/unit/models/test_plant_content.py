"""A plant as JSON in records and snapshots: the same plant, the same bytes, the same checks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.plant import PlantError, content, parse
from pipelines.main import read_plant
from tests.kit import changes, tiny

EXAMPLE = Path(__file__).parents[3] / "infra" / "examples" / "plants"
STARTER = Path(__file__).parents[3] / "models" / "starter" / "pumps.toml"


@pytest.mark.parametrize("path", [EXAMPLE, STARTER])
def test_a_plant_comes_back_with_all_but_its_tags(path):
    plant = read_plant(path)
    again = content.decode(content.encode(plant))
    assert again == plant.for_workers()
    assert again.version == plant.for_workers().version
    assert not again.tags


def test_tags_and_the_order_of_tables_do_not_change_the_bytes_but_the_order_of_signals_does():
    tag = '[[tags]]\naddress = "a"\nasset = "pump-01"\nsignal = "temp_degc"\n'
    pumps = '[assets.pump-01]\ntype = "pump"\n', '[assets.pump-02]\ntype = "pump"\n'
    swapped = tiny.PLANT_TOML.replace("".join(pumps), "".join(reversed(pumps)))
    assert swapped != tiny.PLANT_TOML
    assert content.encode(parse(swapped + tag)) == content.encode(tiny.plant())
    said = json.loads(content.encode(tiny.plant()))
    signals = said["types"]["pump"]["signals"]
    said["types"]["pump"]["signals"] = dict(reversed(signals.items()))
    turned = content.decode(json.dumps(said).encode())
    assert content.encode(turned) != content.encode(tiny.plant())
    assert turned.version != tiny.plant().version


def test_what_a_file_leaves_out_is_left_out():
    assert json.loads(content.encode(tiny.plant()))["assets"]["pump-01"] == {"type": "pump"}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"7", "no plant"),
        (b"{", "no plant"),
        (b"[" * 100_000, "no plant"),
        (b'{"plant":"a","types":{},"assets":{},"colour":1}', "unknown field"),
        (b'{"plant":"a","types":{},"assets":{"x":{"type":"pump"}}}', "types are"),
        (b'{"plant":"\xff"}', "no plant"),
    ],
)
def test_what_no_file_could_say_is_no_plant(said, why):
    with pytest.raises(PlantError, match=why):
        content.decode(said)


def test_each_change_of_the_kit_is_another_plant():
    versions = {changes.plant(name).version for name in changes.EDITS}
    assert len(versions) == len(changes.EDITS)
