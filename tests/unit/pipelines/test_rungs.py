"""`forewarn rungs`: on what warnings of a type and mode rest, how sure that is, and what would lift it."""

from __future__ import annotations

import io
import json

import pytest
from msgspec.structs import replace
from rich.console import Console

from models.inference import ModelError
from models.plant import Plant, parse
from pipelines.cli.rungs import Standing, show, standings
from tests.kit import tiny

BARE = """
plant = "x"
[types.pump.signals]
vib = { kind = "gauge", unit = "mm/s" }
temp = { kind = "gauge", unit = "degC" }
[assets]
pump-01 = { type = "pump" }
pump-02 = { type = "pump" }
"""
LIMIT = '[[types.pump.limits]]\nsignal = "temp"\nwarning_high = 80\n'
RULE = '[[types.pump.rules]]\nname = "shaking"\nsignals = ["vib"]\nwarning_high = 5\nmode = "VIB"\n'
TEMPLATE = (
    '[[types.pump.templates]]\ntemplate = "vibration-zones"\nstandard = "ISO 10816-7"\n'
    'group = "category II up to 200 kW"\nsignals = { de = "vib" }\n'
)


def by_mode(plant: Plant, folder, kind: str = "pump") -> dict[str, Standing]:
    return {one.mode: one for one in standings(plant, folder) if one.type == kind}


def plant() -> Plant:
    """A type that names both models of the tiny plant, and no rules."""
    signals = "pressure_bar = { kind = 'gauge' }\ntemp_degc = { kind = 'gauge' }\n"
    head = "plant = 'x'\n[types.pump]\nmodel = 'tiny'\nhealth = 'tiny.health'\n[types.pump.signals]\n"
    return parse(f"{head}{signals}[assets.pump-01]\ntype = 'pump'\n")


def learned(folder, failures: int = 0) -> None:
    made = tiny.hazard()
    made.card = replace(made.card, failures=failures)
    tiny.write(folder, made=made)
    for file in folder.glob("tiny.health.*"):
        file.unlink()


def test_a_type_of_which_nothing_is_known_stands_on_no_rung_and_asks_for_rules(tmp_path):
    (only,) = standings(parse(BARE), tmp_path)
    assert (only.type, only.assets, only.mode, only.rung, only.confidence) == ("pump", 2, "any", None, None)
    assert only.needs.startswith("rules: limits, rules or a template")


def test_limits_are_rules_of_any_mode_and_of_medium_confidence(tmp_path):
    found = by_mode(parse(BARE + LIMIT), tmp_path)["any"]
    assert (found.rung, found.confidence, found.rests_on) == ("rules", "medium", ("limits of temp",))
    assert found.needs == (f"health: 24 h of running, and a model that `health` names in the plant file, in {tmp_path}")


def test_limits_that_an_asset_alone_has_count(tmp_path):
    text = BARE.replace('pump-02 = { type = "pump" }', "") + "[assets.pump-02]\ntype = 'pump'\n"
    plant = parse(text + "[[assets.pump-02.limits]]\nsignal = 'vib'\nalarm_high = 9\n")
    assert by_mode(plant, tmp_path)["any"].rests_on == ("limits of vib",)


def test_rules_of_a_mode_stand_in_its_row(tmp_path):
    found = by_mode(parse(BARE + RULE), tmp_path)
    assert list(found) == ["any", "VIB"]
    assert (found["VIB"].rung, found["VIB"].confidence) == ("rules", "medium")
    assert found["VIB"].rests_on == ("rules shaking",)
    assert found["any"].rung is None
    assert found["any"].needs.startswith("health: ")


def test_rules_of_a_template_are_of_low_confidence_until_they_are_confirmed(tmp_path):
    vib = TEMPLATE + "mode = 'VIB'\n"
    found = by_mode(parse(BARE + vib), tmp_path)["VIB"]
    assert (found.confidence, found.needs) == ("low", "confirmed = true, for vib.zone, vib.change")
    agreed = by_mode(parse(BARE + vib + "confirmed = true\n"), tmp_path)["VIB"]
    assert (agreed.confidence, agreed.needs) == ("medium", "models tell no modes apart: see any")


def test_a_mode_is_as_sure_as_the_surest_of_its_rules_and_names_those_to_confirm(tmp_path):
    found = by_mode(parse(BARE + RULE + TEMPLATE + "mode = 'VIB'\n"), tmp_path)["VIB"]
    assert (found.confidence, found.needs) == ("medium", "confirmed = true, for vib.zone, vib.change")


def test_a_hazard_from_no_real_failure_is_of_low_confidence_and_says_what_it_lacks(tmp_path):
    learned(tmp_path)
    found = by_mode(plant(), tmp_path)["any"]
    assert (found.rung, found.confidence, found.says_chance) == ("hazard", "low", False)
    assert found.rests_on == (f"{tiny.hazard().card.version}, learned from nothing and 0 real failures",)
    assert found.needs == "a chance without a label: 20 independent failures pooled over like assets, has 0"


def test_a_hazard_from_twenty_real_failures_says_a_chance_and_needs_nothing(tmp_path):
    learned(tmp_path, failures=20)
    found = by_mode(plant(), tmp_path)["any"]
    assert (found.confidence, found.says_chance, found.needs) == ("high", True, "")


def test_a_health_model_alone_is_the_third_rung_and_asks_for_failures(tmp_path):
    tiny.write_health(tmp_path)
    found = by_mode(plant(), tmp_path)["any"]
    assert (found.rung, found.confidence) == ("time-to-limit", "low")
    assert found.rests_on[0].startswith(f"{tiny.health().card.version}, learned from nothing")
    assert found.needs == "hazard: 20 independent failures pooled over like assets, has 0"


def test_a_type_that_names_models_which_are_not_there_asks_for_its_health(tmp_path):
    assert by_mode(plant(), tmp_path)["any"].rung is None
    text = "plant = 'x'\n[types.pump]\nhealth = 'own'\n[types.pump.signals]\ntemp = { kind = 'gauge' }\n"
    limited = f"{text}[[types.pump.limits]]\nsignal = 'temp'\nwarning_high = 80\n[assets.a]\ntype = 'pump'\n"
    found = by_mode(parse(limited), tmp_path)["any"]
    assert found.needs == f"health: 24 h of running, and a model own in {tmp_path}"


def test_a_card_that_is_none_is_an_error(tmp_path):
    tiny.write_health(tmp_path)
    (tmp_path / "tiny.health.json").write_text("7")
    with pytest.raises(ModelError, match="the card is not a model card"):
        standings(plant(), tmp_path)


def test_a_model_that_misfits_its_type_is_an_error(tmp_path):
    learned(tmp_path)
    with pytest.raises(ModelError, match=r"needs signals \['pressure_bar', 'temp_degc'\]"):
        standings(
            parse(BARE.replace("[types.pump.signals]", "[types.pump]\nmodel = 'tiny'\n[types.pump.signals]")), tmp_path
        )


def test_it_is_told_as_a_table_and_as_json(tmp_path):
    console = Console(file=io.StringIO(), width=200)
    show(parse(BARE + RULE + LIMIT), tmp_path, console, as_json=False)
    lines = [line for line in console.file.getvalue().splitlines() if "pump" in line]
    assert "1 rules" in lines[0] and "limits of temp" in lines[0]
    assert "VIB" in lines[1] and "rules shaking" in lines[1]
    console = Console(file=io.StringIO(), width=20)
    show(parse(BARE + RULE), tmp_path, console, as_json=True)
    told = json.loads(console.file.getvalue())
    assert [(one["mode"], one["rung"]) for one in told] == [("any", None), ("VIB", "rules")]
