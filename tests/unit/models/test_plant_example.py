"""The example plant is right, and its table of keys is that of the program."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from models import plant as subject
from models.plant.figures import BEARINGS, IMBALANCES, ZONES
from models.plant.tags import Tag
from models.plant.templates import rules_of

FOLDER = Path(__file__).parents[3] / "infra" / "examples" / "plants"
PLANT = subject.parse_files({file.name: file.read_text() for file in FOLDER.glob("*.toml")})
DAY_ONE_FOLDER = FOLDER.with_name("plants-day-one")
DAY_ONE = subject.parse((DAY_ONE_FOLDER / "plant.toml").read_text())
PLACES = {
    subject.Plant: "",
    subject.Shift: "shifts[].",
    subject.AssetType: "types.*.",
    subject.Operating: "types.*.operating.",
    subject.Signal: "types.*.signals.*.",
    subject.Limit: "types.*.limits[].",
    subject.Rule: "types.*.rules[].",
    subject.When: "types.*.rules[].when[].",
    subject.Template: "types.*.templates[].",
    subject.Care: "types.*.care.*.",
    subject.Asset: "assets.*.",
    subject.Component: "assets.*.components.*.",
    subject.Budget: "budget.",
    subject.Thresholds: "thresholds.*.",
    subject.Production: "production.",
    subject.Product: "production.products.*.",
    subject.Producer: "production.machines.*.",
    subject.Making: "production.machines.*.makes.*.",
    subject.Demand: "production.demand.",
    subject.Meter: "production.meter.",
    subject.Air: "production.air.",
    subject.Tap: "production.air.*.",
    subject.Tuning: "tuning.",
    subject.Station: "tuning.stations.*.",
    subject.Parameter: "tuning.stations.*.parameters.*.",
    subject.Moves: "tuning.stations.*.parameters.*.moves.",
    subject.Combination: "tuning.stations.*.forbidden[].",
    subject.Lock: "tuning.stations.*.interlocks[].",
    Tag: "tags[].",
}
INNER = {"types", "assets", "tags", "shifts", "types.*.signals", "types.*.operating", "types.*.limits"}
INNER |= {"assets.*.components", "types.*.rules", "types.*.rules[].when", "types.*.templates"}
INNER |= {"budget", "thresholds", "types.*.care"}
INNER |= {"production", "production.products", "production.machines", "production.machines.*.makes"}
INNER |= {"production.demand", "production.meter", "production.air"}
INNER |= {"tuning", "tuning.stations", "tuning.stations.*.parameters.*.moves"}
INNER |= {f"production.air.{name}" for name in ("compressors", "pressure", "flow")}
NAMES = {
    "tags[].from_us": "tags[].valid_from",
    "tags[].to_us": "tags[].valid_to",
    "assets.*.limits": "assets.*.limits[]",
}
TIMES = {"tags[].valid_from", "tags[].valid_to"}


def keys_of_the_program() -> dict[str, str]:
    found = {}
    for struct, place in PLACES.items():
        for field in msgspec.structs.fields(struct):
            key = place + field.encode_name
            if key not in INNER:
                key = NAMES.get(key, key)
                found[key] = "none" if key in TIMES else default(field)
    return found


def default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    value = field.default
    if value is msgspec.NODEFAULT or value in (None, "", ()):
        return "none"
    if isinstance(value, bool):
        return f"`{value}`".lower()
    if isinstance(value, tuple):
        return f"`{', '.join(value)}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def test_the_table_of_keys_has_every_key_of_the_program_with_its_default():
    said = (FOLDER / "README.md").read_text().partition("## All keys")[2]
    table = re.findall(r"^\| `(.+?)` \| (.+?) \| .+ \|$", said, re.MULTILINE)
    assert dict(table) == keys_of_the_program()
    assert len(table) == len(dict(table))


def test_every_struct_of_the_plant_file_is_in_the_table():
    public = (getattr(subject, name) for name in subject.__all__)
    structs = {one for one in public if isinstance(one, type) and issubclass(one, msgspec.Struct)}
    assert structs | {Tag} == PLACES.keys()


def test_the_example_has_two_sites_with_their_own_tags():
    assert PLANT.sites == ("north", "south")
    assert {tag.asset for tag in PLANT.of_site("south").tags} == {"fan-01"}


def test_the_examples_second_pump_has_limits_of_its_own():
    assert PLANT.limits_of("pump-01")["vibration_mm_s"].alarm_high == 8.5
    assert PLANT.limits_of("pump-02")["vibration_mm_s"].alarm_high == 6.6
    assert PLANT.limits_of("pump-02")["bearing_temp_degc"].alarm_high == 93


def test_a_sunday_night_of_the_example_ends_on_monday_at_six():
    def at(hour: int) -> str | None:
        return PLANT.shift_of(round(datetime(2026, 7, 6, hour - 2, tzinfo=UTC).timestamp()) * 1_000_000)

    assert [at(5), at(6), at(23)] == ["night", "early", "night"]


def test_the_example_has_a_rule_of_every_quantity():
    rules = [rule for kind in PLANT.types.values() for rule in rules_of(kind)]
    assert {rule.of for rule in rules} == set(subject.Quantity)


def test_the_readme_names_every_standard_group_and_template_with_its_figures():
    said = (FOLDER / "README.md").read_text()
    for standard, zones in ZONES.items():
        assert standard in said
        for group, figure in zones.groups.items():
            assert f"{figure.warning}, {figure.alarm}" in said or figure.alarm is None
            assert group.removesuffix(" rigid") in said
    for name in (*subject.TemplateName, *BEARINGS, *IMBALANCES):
        assert name in said


def test_the_plant_of_day_one_is_one_pump_with_three_tags_and_no_model():
    assert [tag.signal for tag in DAY_ONE.tags] == list(DAY_ONE.types["pump"].signals)
    assert (list(DAY_ONE.assets), len(DAY_ONE.tags), DAY_ONE.types["pump"].model) == (["pump-01"], 3, None)


def test_the_readme_of_day_one_tells_the_levels_and_times_of_its_rules():
    rules = {rule.name: rule for rule in rules_of(DAY_ONE.types["pump"])}
    told = (DAY_ONE_FOLDER / "README.md").read_text()
    for name, said in [
        ("vibration_mm_s.zone", "over {warning:g} mm/s is a warning, over {alarm:g} an alarm"),
        ("bearing_temp_degc.level", "bearing over {warning:g} degC a warning, over {alarm:g} an alarm"),
        ("bearing_temp_degc.rate", "more than {warning:g} K in an hour"),
        ("vibration_mm_s.change", "vibration {warning:g} mm/s"),
        ("bearing_temp_degc.change", "bearing {warning:g} K, over what is usual"),
    ]:
        rule = rules.pop(name)
        assert said.format(warning=rule.warning_high, alarm=rule.alarm_high or 0) in told
    assert rules == {}
