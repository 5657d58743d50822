"""Rules and templates of a plant file that cannot be: each is refused on its line, with what to do."""

from __future__ import annotations

import pytest

from models.plant import PlantError, parse
from models.records import OperatingState

OPERATING = """
[types.pump.operating]
signal = "run_state"
states = { off = ["off"], running = ["on"], maintenance = ["service"] }
"""
SIGNALS = f"""
plant = "x"
[assets]
{OPERATING}
[types.pump.signals]
run_state = {{ kind = "state", words = ["off", "on", "service"] }}
is_open = {{ kind = "boolean" }}
operator = {{ kind = "text" }}
starts = {{ kind = "counter" }}
vib = {{ kind = "gauge", unit = "mm/s", range = [0, 50] }}
temp = {{ kind = "gauge", unit = "degC" }}
air = {{ kind = "gauge", unit = "degC" }}
flow = {{ kind = "gauge", unit = "m3/h" }}
head = {{ kind = "gauge", unit = "m" }}
power = {{ kind = "gauge" }}
amps_1 = {{ kind = "gauge", unit = "A" }}
amps_2 = {{ kind = "gauge", unit = "A" }}
amps_3 = {{ kind = "gauge" }}
"""

RULES = """
[[types.pump.rules]]
name = "shaking"
signals = ["vib"]
warning_high = 4.5
alarm_high = 7.1
hysteresis = 0.4
for = "5min"
clears_after = "2h"
states = ["running", "starting"]
when = [{ signal = "flow", above = 10, below = 90 }]
standard = "ISO 1"
edition = "2009"
[[types.pump.rules]]
name = "heating"
of = "rate"
signals = ["temp"]
span = "90min"
warning_high = 20
[[types.pump.rules]]
name = "hot"
of = "difference"
signals = ["temp", "air"]
warning_high = 40
[[types.pump.rules]]
name = "amps"
of = "imbalance"
signals = ["amps_1", "amps_2", "amps_3"]
alarm_high = 10
[[types.pump.rules]]
name = "worn"
of = "efficiency-loss"
signals = ["flow", "head", "power"]
curve = [[0, 0], [200, 70], [300, 78]]
warning_high = 5
[[types.pump.rules]]
name = "drifts"
of = "change"
signals = ["temp"]
warning_low = -9
warning_high = 9
[[types.pump.rules]]
name = "throttled"
of = "ratio"
signals = ["flow", "power"]
warning_low = 2
[[types.pump.rules]]
name = "in service"
signals = ["run_state=service"]
warning_high = 0.5
states = ["maintenance", "off"]
[[types.pump.rules]]
name = "open"
signals = ["is_open"]
warning_high = 0.5
[[types.pump.templates]]
template = "bearing-temperature"
group = "pump"
signals = { de = "temp", ambient = "air" }
[[types.pump.templates]]
template = "current-imbalance"
group = "motor"
signals = { a = "amps_1", b = "amps_2", c = "amps_3" }
"""
TEXT = SIGNALS + RULES


def changed(old: str, new: str):
    assert TEXT.count(old) == 1, old
    return parse(TEXT.replace(old, new))


def test_rules_of_every_quantity_are_read():
    kind = parse(TEXT).types["pump"]
    assert [rule.of for rule in kind.rules] == [
        "level", "rate", "difference", "imbalance", "efficiency-loss", "change", "ratio", "level", "level",
    ]  # fmt: skip
    assert kind.rules[0].levels == {"warning_high": 4.5, "alarm_high": 7.1}
    assert kind.rules[1].states == (OperatingState.RUNNING,)
    assert (kind.rules[0].lasts, kind.rules[1].lasts) == ("5min", "10min")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('signals = ["vib"]', 'signals = ["vibration"]', "signals: 'vibration' is no signal of the type: use one of "),
        ('signals = ["vib"]', "signals = []", "signals: Expected `array` of length >= 1"),
        ('signals = ["vib"]', 'signals = ["vib", "temp"]', "signals: of = 'level' is made of 1 signal, but here are 2"),
        ('signals = ["vib"]', 'signals = ["operator"]', "signals: 'operator' is of kind text, without levels"),
        ('signals = ["vib"]', 'signals = ["run_state"]', "signals: 'run_state' is a state: .* as 'run_state=WORD'"),
        ('["run_state=service"]', '["run_state=broken"]', "'run_state=broken' is no signal .* run_state=service"),
        ('["flow", "power"]', '["flow", "is_open"]', "'is_open' is no number, so of = 'ratio' cannot be made of it"),
        ('["flow", "power"]', '["flow", "flow"]', "signals names one twice"),
        ('["flow", "power"]', '["flow"]', "of = 'ratio' is made of 2 signals, but here are 1"),
        ('["amps_1", "amps_2", "amps_3"]', '["amps_1", "amps_2"]', "is made of 3 or more signals, but here are 2"),
        ('["amps_1", "amps_2", "amps_3"]', '["amps_1", "amps_2", "temp"]', "'amps_2' in A, 'temp' in degC: give all"),
        ('["temp", "air"]', '["temp", "vib"]', "signals are 'temp' in degC, 'vib' in mm/s: give all in one unit"),
        ('of = "change"\nsignals = ["temp"]', 'of = "change"\nsignals = ["starts"]', "'starts' is a counter"),
        ('["flow", "head", "power"]', '["head", "flow", "power"]', "'head' is in m, but the flow is to be in m3/h"),
        (
            'kind = "gauge", unit = "m" }',
            'kind = "gauge", unit = "bar" }',
            "'head' is in bar, but the head is to be in m",
        ),
        ("alarm_high = 7.1", "alarm_high = 4", "levels must rise .* but are warning_high 4.5, alarm_high 4"),
        (
            "alarm_high = 7.1",
            "alarm_high = 50",
            "alarm_high is 50, which no sample passes: 'vib' has a range of 0 to 50",
        ),
        ("alarm_high = 7.1", "alarm_high = nan", "alarm_high is nan, which no sample passes"),
        ("warning_low = 2\n", "", "give warning_high, alarm_high, warning_low or alarm_low"),
        ("alarm_high = 10", "alarm_high = -1", "alarm_high is -1, .* of = 'imbalance' has a range of 0 to inf"),
        ('"is_open"]\nwarning_high = 0.5', '"is_open"]\nwarning_high = 1', "'is_open' has a range of 0 to 1"),
        ("hysteresis = 0.4", "hysteresis = 2.6", "hysteresis is 2.6: give one from 0 on, less than what lies between"),
        ("hysteresis = 0.4", "hysteresis = -0.1", "hysteresis is -0.1: give one from 0 on"),
        ("hysteresis = 0.4", "hysteresis = nan", "hysteresis is nan: give one from 0 on"),
        ("warning_low = 2\n", "warning_low = 2\nhysteresis = inf\n", "hysteresis is inf: give one from 0 on"),
        ('for = "5min"', 'for = "soon"', "for: 'soon' is no duration"),
        ('for = "5min"', 'for = "30s"', "for is 30s: give at least 60s"),
        ('for = "5min"', 'for = "90s"', "for is 90s: give whole minutes"),
        ('clears_after = "2h"', 'clears_after = "0s"', "clears_after is 0s: give at least 60s"),
        ('span = "90min"', 'span = "10min"', "span is 10min: give at least 900s"),
        ('span = "90min"', 'span = "80min"', "span is 80min: give a multiple of 15min, up to 72h"),
        ('span = "90min"', 'span = "73h"', "span is 73h: give a multiple of 15min, up to 72h"),
        ('for = "5min"', 'span = "2h"', "span is of a rate: take it out of = 'level'"),
        ('["running", "starting"]', "[]", "states must name at least one state"),
        ('["running", "starting"]', '["running", "running"]', "states must name at least one state, and none twice"),
        (
            '["running", "starting"]',
            '["idle"]',
            "states: the type is never idle, .* off, running, maintenance, starting",
        ),
        ('["running", "starting"]', '["unknown"]', "states: the type is never unknown"),
        ('span = "90min"', 'states = ["off"]', "of = 'rate' is of running time alone: leave states out"),
        ('name = "heating"', 'name = "shaking"', r"'shaking' is the name of a rule of types.pump.rules\[0\] already"),
        ('name = "heating"', 'name = "limit of temp"', "name is 'limit of temp': limits are called so"),
        ('edition = "2009"\n', "", "give standard and edition, or neither"),
        ('signal = "flow", above', 'signal = "flaw", above', r"when\[0\].signal: 'flaw' is no signal of the type"),
        ('signal = "flow", above', 'signal = "operator", above', "'operator' is of kind text"),
        ("above = 10, below = 90", "above = 90, below = 10", "give above, below, or both, of which above is less"),
        ("above = 10, below = 90", "above = inf", "give above, below, or both"),
        (", above = 10, below = 90", "", "give above, below, or both"),
        (
            "[[0, 0], [200, 70], [300, 78]]",
            "[[0, 0], [200, 70], [200, 78]]",
            "curve is to be two or more points of flow",
        ),
        ("[[0, 0], [200, 70], [300, 78]]", "[[0, 0], [200, 101]]", "curve is to be two or more points"),
        ("[[0, 0], [200, 70], [300, 78]]", "[[-1, 0], [200, 70]]", "curve is to be two or more points"),
        ("[[0, 0], [200, 70], [300, 78]]", "[[200, 70]]", "curve is to be two or more points"),
        ("[[0, 0], [200, 70], [300, 78]]", "[[0, nan], [200, 70]]", "curve is to be two or more points"),
        ("curve = [[0, 0], [200, 70], [300, 78]]\n", "", "curve is to be two or more points"),
        ('span = "90min"', "curve = [[0, 0], [200, 70]]", "curve is of an efficiency-loss: take it out of = 'rate'"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_its_line(old, new, said):
    with pytest.raises(PlantError, match=rf"^line \d+: types\.pump\.rules\[\d\].*{said}"):
        changed(old, new)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('group = "pump"', 'group = "pomp"', r"line 80: types.pump.templates\[0\].group is 'pomp': say which of"),
        ('de = "temp"', 'de = "tamp"', r"line 81: types.pump.templates\[0\].signals.de is 'tamp', but signals are"),
        ('de = "temp"', 'de = "run_state"', r"types.pump.templates\[0\].signals: 'run_state' is a state"),
        ('b = "amps_2"', 'b = "vib"', r"types.pump.templates\[1\].signals are 'amps_1' in A, 'vib' in mm/s"),
        (
            "[[types.pump.templates]]\ntemplate = \"current-imbalance\"",
            '[[types.pump.templates]]\ntemplate = "bearing-temperature"\ngroup = "sleeve"\nsignals = { de = "temp" }\n'
            '[[types.pump.templates]]\ntemplate = "current-imbalance"',
            r"templates\[1\]: 'temp.level' is the name of a rule of types.pump.templates\[0\] already",
        ),
        ('name = "drifts"', 'name = "temp.rate"', r"'temp.rate' is the name of a rule of types.pump.rules\[5\]"),
    ],
)  # fmt: skip
def test_a_template_that_cannot_be_is_refused_with_its_line(old, new, said):
    with pytest.raises(PlantError, match=said) as wrong:
        changed(old, new)
    assert str(wrong.value).startswith("line ")


def test_a_number_tells_all_states_but_maintenance():
    by_number = TEXT.replace('"run_state"\nstates = { off', '"flow"\nrunning_above = 9\noff_below = 1\n# { off')
    with pytest.raises(PlantError, match=r"the type is never maintenance, .* off, starting, running, stopping, idle"):
        parse(by_number)
    assert parse(by_number.replace('["maintenance", "off"]', '["stopping", "off"]'))


def test_what_has_no_operation_is_running_or_nothing_is_known():
    with pytest.raises(PlantError, match="the type is never starting, as its `operating` says: use one of running"):
        parse(TEXT.replace(OPERATING, ""))
