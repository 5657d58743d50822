"""Templates: which rules they make, of which figures, and what they say of where these come from."""

from __future__ import annotations

import pytest

from models.plant import AssetType, PlantError, Quantity, Rule, Signal, SignalKind, Template, TemplateName
from models.plant.figures import BEARINGS, IMBALANCES, RISES, ZONES
from models.plant.templates import expanded, rules_of

UNITS = {
    "vib_de": "mm/s", "vib_nde": "mm/s", "temp_de": "degC", "temp_nde": "degC", "air": "degC",
    "flow": "m3/h", "head": "m", "power": "kW", "amps_1": "A", "amps_2": "A", "amps_3": "A",
}  # fmt: skip
PUMP = AssetType(signals={name: Signal(kind=SignalKind.GAUGE, unit=unit) for name, unit in UNITS.items()})
CURVE = ((0.0, 0.0), (200.0, 70.0), (300.0, 78.0))


def zones(**changed) -> Template:
    said = {"standard": "ISO 10816-7", "group": "category II up to 200 kW", "signals": {"de": "vib_de"}}
    return Template(template=TemplateName.VIBRATION_ZONES, **said | changed)


def bearings(**changed) -> Template:
    said = {"group": "pump", "signals": {"de": "temp_de"}}
    return Template(template=TemplateName.BEARING_TEMPERATURE, **said | changed)


def efficiency(**changed) -> Template:
    said = {"curve": CURVE, "signals": {"power": "power", "head": "head", "flow": "flow"}}
    return Template(template=TemplateName.PUMP_EFFICIENCY, **said | changed)


def imbalance(**changed) -> Template:
    said = {"group": "motor", "signals": {"a": "amps_1", "b": "amps_2", "c": "amps_3"}}
    return Template(template=TemplateName.CURRENT_IMBALANCE, **said | changed)


def made(template: Template) -> dict[str, Rule]:
    return {rule.name: rule for rule in expanded(template, PUMP)}


def levels(rule: Rule) -> tuple[float | None, float | None]:
    return rule.warning_high, rule.alarm_high


def test_each_signal_of_vibration_gets_its_zones_and_its_change():
    rules = made(zones(signals={"drive end": "vib_de", "other end": "vib_nde"}))
    assert list(rules) == ["vib_de.zone", "vib_de.change", "vib_nde.zone", "vib_nde.change"]
    assert {rule.of for rule in rules.values()} == {Quantity.LEVEL, Quantity.CHANGE}
    assert {rule.mode for rule in rules.values()} == {"any"}


@pytest.mark.parametrize(
    ("standard", "group", "wanted"),
    [
        # ISO 10816-3:2009, zones B/C and C/D, by Beckhoff TF3600 and ACOEM.
        ("ISO 10816-3", "group 1 rigid", (4.5, 7.1)),
        ("ISO 10816-3", "group 1 flexible", (7.1, 11.0)),
        ("ISO 10816-3", "group 2 rigid", (2.8, 4.5)),
        ("ISO 10816-3", "group 2 flexible", (4.5, 7.1)),
        ("ISO 20816-3", "group 2 rigid", (2.8, 4.5)),
        # ISO 10816-7:2009 by Europump's guidelines of 2013.
        ("ISO 10816-7", "category I up to 200 kW", (4.0, 6.6)),
        ("ISO 10816-7", "category I over 200 kW", (5.0, 7.6)),
        ("ISO 10816-7", "category II up to 200 kW", (5.1, 8.5)),
        ("ISO 10816-7", "category II over 200 kW", (6.1, 9.5)),
        # API 610, 12th edition, table 11, by engdatabase.com.
        ("API 610", "horizontal", (3.0, 3.9)),
        ("API 610", "vertical", (5.1, None)),
    ],
)
def test_zones_are_those_of_the_standard_and_group_that_is_named(standard, group, wanted):
    rule = made(zones(standard=standard, group=group))["vib_de.zone"]
    assert levels(rule) == wanted
    assert (rule.standard, rule.edition) == (standard, ZONES[standard].edition)


def test_a_change_of_a_quarter_of_the_b_c_limit_is_a_warning_of_no_standard():
    rule = made(zones(group="category I up to 200 kW"))["vib_de.change"]
    assert levels(rule) == (1.0, None)
    assert (rule.standard, rule.edition) == ("", "")
    assert "found in no text" in rule.note


def test_a_bearing_has_a_level_a_rise_a_rate_and_a_change():
    rules = made(bearings(signals={"de": "temp_de", "nde": "temp_nde", "ambient": "air"}))
    assert [name for name in rules if name.startswith("temp_de")] == [
        "temp_de.level", "temp_de.rise", "temp_de.rate", "temp_de.change",
    ]  # fmt: skip
    assert len(rules) == 8
    assert rules["temp_nde.rise"].signals == ("temp_nde", "air")
    assert rules["temp_de.rise"].of is Quantity.DIFFERENCE
    assert {rule.mode for rule in rules.values()} == {"any"}


def test_a_bearing_without_an_ambient_has_no_rise():
    assert list(made(bearings())) == ["temp_de.level", "temp_de.rate", "temp_de.change"]


@pytest.mark.parametrize(
    ("group", "level", "rise"),
    [
        ("rolling motor", (80, 90), 55),  # Mader Electric; the split-case pumps' page
        ("pump", (82, 90), 55),  # ITT Goulds 3610 and Gorman-Rupp OM-02816
        ("slurry pump", (85, 93), 65),  # GIW Technical Series 2007-11-15
        ("sleeve", (80, 85), 40),  # Carrier 17/19EX
    ],
)
def test_a_bearings_figures_are_those_of_its_kind(group, level, rise):
    rules = made(bearings(group=group, signals={"de": "temp_de", "ambient": "air"}))
    assert levels(rules["temp_de.level"]) == level
    assert levels(rules["temp_de.rise"]) == (rise, None)
    assert levels(rules["temp_de.change"]) == (15, None)


def test_a_normal_start_by_carriers_figures_stays_under_the_rate():
    rate = made(bearings())["temp_de.rate"]
    # 12.5 K after 10 min and 22 K after 30 min: with x = exp(-10 min / tau), 22 / 12.5 = 1 + x + x^2.
    x = (-1 + (1 - 4 * (1 - 22 / 12.5)) ** 0.5) / 2
    in_an_hour = 12.5 / (1 - x) * (1 - x**6)
    assert in_an_hour == pytest.approx(25, abs=0.5)
    assert rate.warning_high == 30 > in_an_hour


def test_an_efficiency_takes_its_signals_in_order_and_waits_long():
    rule = made(efficiency())["flow.efficiency-loss"]
    assert rule.signals == ("flow", "head", "power")
    assert rule.curve == CURVE
    assert levels(rule) == (5, 10)
    assert (rule.lasts, rule.clears_after, rule.mode) == ("2h", "24h", "any")


@pytest.mark.parametrize(("group", "wanted"), [("motor", (5, 10)), ("submersible", (3, 5))])
def test_an_imbalance_is_of_three_currents(group, wanted):
    rule = made(imbalance(group=group))["amps_1.imbalance"]
    assert rule.signals == ("amps_1", "amps_2", "amps_3")
    assert levels(rule) == wanted


@pytest.mark.parametrize("template", [zones, bearings, efficiency, imbalance])
def test_what_the_plant_did_not_confirm_says_so_with_source_and_grade(template):
    for rule in expanded(template(), PUMP):
        assert not rule.confirmed
        assert "(grade " in rule.note and rule.note.endswith("; to be confirmed")
    for rule in expanded(template(confirmed=True), PUMP):
        assert rule.confirmed
        assert rule.note.endswith("; confirmed by the plant")


def test_a_mode_of_the_plants_own_is_taken():
    assert {rule.mode for rule in expanded(zones(mode="unbalance"), PUMP)} == {"unbalance"}


def test_kinds_of_bearings_have_all_their_figures():
    assert BEARINGS.keys() == RISES.keys()


def test_hysteresis_is_less_than_what_lies_between_two_levels_for_all_figures():
    figures = [figure for zone in ZONES.values() for figure in zone.groups.values()]
    for figure in (*figures, *BEARINGS.values(), *RISES.values(), *IMBALANCES.values()):
        assert 0 < figure.hysteresis < (figure.alarm or 2 * figure.warning) - figure.warning


def test_rules_of_a_type_are_its_own_and_those_of_its_templates():
    own = Rule(name="dry", signals=("flow",), alarm_low=1)
    kind = AssetType(signals=PUMP.signals, rules=(own,), templates=(efficiency(), imbalance()))
    assert [rule.name for rule in rules_of(kind)] == ["dry", "flow.efficiency-loss", "amps_1.imbalance"]


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (
            zones(group="group 3"),
            "group is 'group 3': say which of 'category I up to 200 kW', 'category I over 200 kW', ",
        ),
        (zones(group=""), "group is '': say which of 'category I"),
        (
            zones(standard="ISO 2372"),
            "standard is 'ISO 2372': say which of 'ISO 10816-3', 'ISO 20816-3', 'ISO 10816-7', ",
        ),
        (zones(signals={}), "signals is empty: give vibration-zones a signal to follow"),
        (zones(signals={"de": "vib"}), "signals.de is 'vib', but signals are ['air', "),
        (zones(signals={"de": "temp_de"}), "signals.de: 'temp_de' is in degC, but vibration-zones reckons in mm/s"),
        (zones(signals={"de": "vib_de", "nde": "vib_de"}), "signals.de: 'vib_de' is there twice"),
        (zones(curve=CURVE), "curve is of pump-efficiency: leave it out"),
        (bearings(signals={"ambient": "air"}), "signals is empty: give bearing-temperature a signal to follow"),
        (bearings(group="ball"), "group is 'ball': say which of 'rolling motor', 'pump', 'slurry pump', 'sleeve'"),
        (bearings(standard="API 610"), "standard is of vibration-zones: leave it out"),
        (efficiency(group="pump"), "group: pump-efficiency has none"),
        (
            efficiency(signals={"flow": "flow"}),
            "signals of pump-efficiency are 'flow', 'head', 'power', but here are 'fl",
        ),
        (imbalance(group=""), "group is '': say which of 'motor', 'submersible'"),
        (
            imbalance(signals={"a": "amps_1", "b": "amps_2"}),
            "signals of current-imbalance are 'a', 'b', 'c', but here ",
        ),
    ],
)
def test_a_template_that_cannot_be_names_its_key_and_the_choices(template, said):
    with pytest.raises(PlantError) as wrong:
        expanded(template, PUMP)
    assert str(wrong.value).startswith(said)
