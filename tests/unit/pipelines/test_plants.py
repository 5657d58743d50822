"""`forewarn plant`: what a plant file holds, and what differs between two."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from models.plant import PlantError
from pipelines.cli import plant_diff, plants
from pipelines.main import read_plant
from tests.kit import tiny

EXAMPLE = Path(__file__).parents[3] / "infra" / "examples" / "plants"


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
    assert "plant 'tiny', 5 types with 12 signals, 7 assets, 0 tags, version " in printed(said)


def test_check_of_a_wrong_file_says_where(tmp_path, said):
    with pytest.raises(PlantError, match="fan-01"):
        plants.check(put(tmp_path, "a.toml", tiny.PLANT_TOML.replace('type = "fan"', 'type = "fen"')), said)


def test_show_names_every_signal_and_asset(tmp_path, said):
    plants.show(put(tmp_path, "a.toml"), said, as_json=False)
    for word in ("pressure_bar", "on-change", "mixer-01", "type lathe, model tiny"):
        assert word in printed(said)


def test_show_names_the_levels_of_limits_as_the_file_does(said):
    plants.show(EXAMPLE, said, as_json=False)
    assert all(level in printed(said) for level in ("warning low", "warning high", "alarm low", "alarm high"))


def test_check_of_a_signal_without_a_kind_says_which_there_are(tmp_path, said):
    with pytest.raises(PlantError, match=r"line 6: .*missing required field `kind`: use one of gauge, counter"):
        plants.check(put(tmp_path, "a.toml", tiny.PLANT_TOML.replace('kind = "gauge"\n', "", 1)), said)


def test_show_names_all_limits_that_hold_for_an_asset_with_some_of_its_own(said):
    plants.show(EXAMPLE, said, as_json=False)
    own, types = (
        next(line for line in printed(said).splitlines() if line.startswith(f"│ {of}") and "vibration" in line)
        for of in ("pump-02", "type pump")
    )
    assert ("6.6" in own, "8.5" in types) == (True, True)
    assert any(line.startswith("│ pump-02") and "bearing_temp_degc" in line for line in printed(said).splitlines())


def test_show_names_the_budget_and_the_thresholds_of_assets(tmp_path, said):
    own = "[budget]\nengineers = 2\n[thresholds.fan-01]\nhazard = 0.35\nclear_after = 90\n"
    plants.show(put(tmp_path, "a.toml", tiny.PLANT_TOML + own), said, as_json=False)
    assert "budget: 2 unfounded warnings a week for each of 2 engineers" in printed(said)
    row = next(line for line in printed(said).splitlines() if line.startswith("│ fan-01"))
    assert [cell.strip() for cell in row.strip("│").split("│")] == ["fan-01", "0.35", "", "90", ""]


def test_show_as_json_is_the_plant(tmp_path, said):
    plants.show(put(tmp_path, "a.toml"), said, as_json=True)
    assert json.loads(printed(said))["assets"]["fan-01"]["type"] == "fan"


def test_a_file_and_itself_say_the_same(tmp_path, said):
    a = put(tmp_path, "a.toml")
    assert plant_diff.diff(a, a, said, as_json=False) == 0
    assert "the two say the same" in printed(said)


def test_diff_tells_what_was_added_removed_and_changed(tmp_path, said):
    new = tiny.PLANT_TOML.replace("[0, 25]", "[0, 30]", 1).replace("[assets.fan-01]", "[assets.fan-02]")
    assert plant_diff.diff(put(tmp_path, "a.toml"), put(tmp_path, "b.toml", new), said, as_json=False) == 1
    lines = printed(said).splitlines()
    assert "~ types.pump.signals.pressure_bar.range  (0, 25) -> (0, 30)" in [line.replace(".0", "") for line in lines]
    assert any(line.startswith("+ assets.fan-02") for line in lines)
    assert any(line.startswith("- assets.fan-01") for line in lines)


def test_the_order_of_tags_is_no_difference(tmp_path, said):
    tags = [f'[[tags]]\naddress = "{name}"\nasset = "fan-01"\nsignal = "speed_rpm"\n' for name in ("x", "y")]
    first, second = tiny.PLANT_TOML + "".join(tags), tiny.PLANT_TOML + "".join(reversed(tags))
    assert plant_diff.diff(put(tmp_path, "a.toml", first), put(tmp_path, "b.toml", second), said, as_json=True) == 0
    assert json.loads(printed(said)) == []


TAG = '[[tags]]\naddress = "x"\nasset = "fan-01"\nsignal = "speed_rpm"\n'


def test_diff_tells_when_a_tag_ends_and_when_it_begins_to_mean_something_else(tmp_path, said):
    old = tiny.PLANT_TOML + TAG
    new = f"{old}valid_to = 2026-06-01T08:00:00+02:00\n{TAG}scale = 60\nvalid_from = 2026-06-01T06:00:00Z\n"
    assert plant_diff.diff(put(tmp_path, "a.toml", old), put(tmp_path, "b.toml", new), said, as_json=False) == 1
    lines = printed(said).splitlines()
    assert "~ tags.x from always.valid_to  open -> 2026-06-01T06:00:00Z" in lines
    assert "+ tags.x from 2026-06-01T06:00:00Z.scale  60.0" in lines
    assert not [line for line in lines if "_us" in line]


def test_the_first_tag_of_a_plant_is_added_and_nothing_is_removed(tmp_path, said):
    new = put(tmp_path, "b.toml", tiny.PLANT_TOML + TAG)
    assert plant_diff.diff(put(tmp_path, "a.toml"), new, said, as_json=False) == 1
    assert all(line.startswith("+ tags.x") for line in printed(said).splitlines())


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('to = "14:00"', 'to = "13:00"', "~ shifts.early mon, tue, wed, thu, fri 06:00.to  14:00 -> 13:00"),
        ("[2026-12-25, 2027-01-01]", "[2026-12-25]", "- holidays.2027-01-01  holiday"),
        ("alarm_high = 6.6", "alarm_high = 6.5", "~ assets.pump-02.limits.vibration_mm_s.alarm_high  6.6 -> 6.5"),
        ("alarm_high = 93", "alarm_high = 94", "~ types.pump.limits.bearing_temp_degc.alarm_high  93.0 -> 94.0"),
        ("engineers = 1.5", "engineers = 2", "~ budget.engineers  1.5 -> 2.0"),
        ("[budget]", "[thresholds.pump-01]\nhazard = 0.3\n[budget]", "+ thresholds.pump-01.hazard  0.3"),
        ('span = "2h"', 'span = "3h"', "~ types.pump.rules.bearing heats up.span  2h -> 3h"),
        ('"rolling motor"', '"sleeve"', "ambient_temp_degc, bearing_temp_degc.group  rolling motor -> sleeve"),
        (
            " }\nconfirmed = true",
            " }",
            "~ types.fan.templates.vibration-zones of vibration_mm_s.confirmed  True -> False",
        ),
        ('criticality = "C"', "", "- assets.fan-01.criticality  C"),
        ('"Mechanical seal"', '"Lip [x] seal"', ".components.seal.description  Mechanical seal -> Lip [x] seal"),
        ('sampling = "compressed"', 'sampling = "compressed"\nstepped = true', "flow_m3_h.stepped  False -> True"),
    ],
)
def test_diff_covers_shifts_limits_assets_and_signals(tmp_path, said, old, new, line):
    for file in EXAMPLE.glob("*.toml"):
        put(tmp_path, file.name, file.read_text().replace(old, new, 1))
    assert plant_diff.diff(EXAMPLE, tmp_path, said, as_json=False) == 1
    assert [shown for shown in printed(said).splitlines() if shown.endswith(line)]
    assert read_plant(EXAMPLE).version != read_plant(tmp_path).version


def test_the_order_of_rules_is_no_difference_and_changes_no_version(tmp_path, said):
    for file in EXAMPLE.glob("*.toml"):
        head, *parts = re.split(r"(?=^\[\[types\.pump\.rules)", file.read_text(), flags=re.MULTILINE)
        last = parts.pop() if parts else ""
        put(tmp_path, file.name, head + "".join(reversed(parts)) + last)
    assert plant_diff.diff(EXAMPLE, tmp_path, said, as_json=False) == 0
    old, new = read_plant(EXAMPLE), read_plant(tmp_path)
    assert old.types["pump"].rules != new.types["pump"].rules
    assert old.version == new.version


def test_check_lists_what_is_to_be_confirmed_and_nothing_else(said):
    plants.check(EXAMPLE, said)
    lines = [line.strip() for line in printed(said).splitlines()]
    told = [line.partition(":")[0] for line in lines if line.startswith("types.")]
    assert told == [
        "types.pump, bearing over ambient", "types.pump, flow_m3_h.efficiency-loss",
        "types.pump, current_1_a.imbalance",
        "types.fan, bearing_temp_degc.level", "types.fan, bearing_temp_degc.rise", "types.fan, bearing_temp_degc.rate",
        "types.fan, bearing_temp_degc.change",
    ]  # fmt: skip
    assert "7 rules work, but are of low confidence" in printed(said)


def test_check_of_a_plant_without_rules_asks_for_no_confirmation(tmp_path, said):
    plants.check(put(tmp_path, "a.toml"), said)
    assert "confirm" not in printed(said)


def test_show_has_rules_of_the_file_and_of_templates_with_figures_and_sources(said):
    plants.show(EXAMPLE, said, as_json=False)
    rows = [line for line in printed(said).splitlines() if line.startswith("│ type ")]
    zone = next(row for row in rows if "vibration_mm_s.zone" in row)
    assert "4.5" in zone and "7.1" in zone and "ISO" in zone
    assert any("no flow" in row and "level of flow_m3_h" in row for row in rows)
    assert "to be confirmed" in " ".join(printed(said).split()).replace("│ ", "")


def test_show_as_json_has_the_rules_that_templates_make(said):
    plants.show(EXAMPLE, said, as_json=True)
    made = json.loads(printed(said))["types"]["fan"]["rules_of_templates"]
    assert [rule["name"] for rule in made][:2] == ["vibration_mm_s.zone", "vibration_mm_s.change"]
    assert made[0]["for"] == "10min"


def test_diff_tells_the_order_of_signals_which_snapshots_follow(tmp_path, said):
    one, two = (f'[types.fan.signals.{name}]\nkind = "gauge"\n' for name in "ab")
    old, new = (
        put(tmp_path, f"{at}.toml", f'plant = "x"\n[assets]\n{t}') for at, t in enumerate((one + two, two + one))
    )
    assert plant_diff.diff(old, new, said, as_json=False) == 1
    assert printed(said) == "~ types.fan.signals  ['a', 'b'] -> ['b', 'a']\n"


def test_a_folder_is_checked_and_an_error_names_the_file_and_line_in_it(tmp_path, said):
    plants.check(EXAMPLE, said)
    assert f"2 types with 16 signals, 3 assets, 4 tags, version {read_plant(EXAMPLE).version}" in printed(said)
    for file in EXAMPLE.glob("*.toml"):
        put(tmp_path, file.name, file.read_text().replace('type = "fan"', 'type = "fen"'))
    with pytest.raises(PlantError, match=r": 30-assets.toml: line \d+: assets.fan-01.type is 'fen'"):
        plants.check(tmp_path, said)


def test_a_folder_without_toml_is_an_error_and_hidden_files_are_none(tmp_path):
    put(tmp_path, ".10-plant.toml.swp.toml", "rubbish")
    with pytest.raises(PlantError, match=r"has no \*.toml: name a plant file, or a folder"):
        read_plant(tmp_path)
    put(tmp_path, "a.toml")
    assert read_plant(tmp_path) == tiny.plant()


def test_a_file_that_is_not_utf8_is_an_error_and_a_byte_order_mark_is_none(tmp_path):
    (tmp_path / "a.toml").write_bytes(tiny.PLANT_TOML.encode("utf-8-sig"))
    assert read_plant(tmp_path / "a.toml") == tiny.plant()
    (tmp_path / "a.toml").write_bytes(b'plant = "caf\xe9"')
    with pytest.raises(PlantError, match="is not UTF-8"):
        read_plant(tmp_path / "a.toml")


def test_a_site_reads_its_own_assets_and_one_that_is_not_there_names_the_setting():
    assert list(read_plant(EXAMPLE, "south").assets) == ["fan-01"]
    assert read_plant(EXAMPLE, "") == read_plant(EXAMPLE)
    with pytest.raises(PlantError, match=r"at site 'east': its sites are \['north', 'south'\]: set FOREWARN_SITE"):
        read_plant(EXAMPLE, "east")


def test_show_draws_sites_areas_lines_assets_and_components_as_a_tree(said):
    plants.show(EXAMPLE, said, as_json=False)
    tree = printed(said).splitlines()
    first = next(at for at, line in enumerate(tree) if line.startswith("Example Water, plant waterworks"))
    drawn = [(len(line) - len(line.lstrip("│├└─ \u00a0")), line.lstrip("│├└─ \u00a0")) for line in tree[first + 1 :]]
    assert [(indent // 4, text.split("  ")[0].rstrip()) for indent, text in drawn] == [
        (1, "site north"), (2, "area intake"), (3, "line raw water"), (4, "pump-01"), (5, "drive-end-bearing"),
        (5, "seal"), (4, "pump-02"), (1, "site south"), (2, "area treatment"), (3, "fan-01"),
    ]  # fmt: skip
    assert "(type pump, criticality A, 1800 EUR/h, owner intake mechanics, 3 tags)" in printed(said)
    for word in ("ISO 10816-7:2009", "compressed, linear", "rolls over at 1000000", "off, running, service", "night"):
        assert word in printed(said)


def test_show_as_json_says_the_version_and_whether_a_signal_is_stepped(said):
    plants.show(EXAMPLE, said, as_json=True)
    told = json.loads(printed(said))
    assert told["version"] == read_plant(EXAMPLE).version
    assert told["types"]["pump"]["signals"]["flow_m3_h"]["stepped"] is False
    assert told["assets"]["pump-01"]["components"]["seal"] == {"description": "Mechanical seal"}


def test_a_name_with_brackets_is_shown_as_it_is(tmp_path, said):
    named = tiny.PLANT_TOML.replace('type = "fan"', 'type = "fan"\ndescription = "fan [/red] of [b]"')
    plants.show(put(tmp_path, "a.toml", named), said, as_json=False)
    assert "fan [/red] of [b]" in printed(said)


def tag_of(feed: str, asset: str = "fan-01") -> str:
    return f'[[tags]]\naddress = "x"\nfeed = "{feed}"\nasset = "{asset}"\nsignal = "speed_rpm"\n'


def test_check_of_a_tag_whose_feed_is_none_says_which_there_are(tmp_path, said):
    plants.check(put(tmp_path, "a.toml", tiny.PLANT_TOML + tag_of("opcua:a")), said)
    with pytest.raises(PlantError, match=r"tags\[0\].feed: there is no feed 'opc': use one of .*opcua"):
        plants.check(put(tmp_path, "b.toml", tiny.PLANT_TOML + tag_of("opc:a")), said)


def test_diff_tells_tags_of_two_feeds_apart(tmp_path, said):
    first, second = tiny.PLANT_TOML + tag_of("opcua:a") + tag_of("opcua:b"), tiny.PLANT_TOML + tag_of("opcua:b")
    assert plant_diff.diff(put(tmp_path, "a.toml", first), put(tmp_path, "b.toml", second), said, as_json=False) == 1
    assert all("x of opcua:a" in line for line in printed(said).splitlines())


def test_show_has_the_care_of_failure_modes_and_the_planned_stops(said):
    plants.show(EXAMPLE, said, as_json=False)
    text = printed(said)
    assert "planned stops: 2026-12-19, 2027-02-13" in text
    assert "bearing set" in text
