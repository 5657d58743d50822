"""Rules on final minutes: each quantity, how long until a level holds, and the same however minutes are cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.bins import COUNT, LAST, MAX, MIN, MINUTE_US, SUM
from models.failure.marks import Marks
from models.failure.quantities import Minutes
from models.failure.rules import LEAST_MINUTES, Fired, Rules
from models.operating import IDLE, NEVER_MIN, RUNNING, Found
from models.plant import parse
from models.plant.layout import Layout
from models.records import Confidence, Level, Rung
from models.tiers import Tiers
from tests.kit.rules_one_by_one import Asked, Walk

HEAD = """
plant = "p"
[types.pump.signals.flow]
kind = "gauge"
unit = "m3/h"
[types.pump.signals.head]
kind = "gauge"
unit = "m"
[types.pump.signals.power]
kind = "gauge"
unit = "kW"
max_silence = "30min"
[types.pump.signals.wet]
kind = "boolean"
[types.pump.signals.l1]
kind = "gauge"
[types.pump.signals.l2]
kind = "gauge"
[types.pump.signals.l3]
kind = "gauge"
[types.pump.signals.mode]
kind = "state"
sampling = "on-change"
[types.pump.operating]
signal = "mode"
states = { running = ["on"], idle = ["wait"] }
"""
ASSETS = "\n[assets.a]\ntype = 'pump'\n[assets.b]\ntype = 'pump'\n"
EFFICIENCY = """of = 'efficiency-loss'
signals = ['flow', 'head', 'power']
curve = [[100, 60], [200, 80]]
for = '1min'"""
DAY_MIN = 1440


def ruled(*rules: str, more: str = "", head: str = HEAD) -> tuple[Rules, Layout]:
    plant = parse(
        head
        + "".join(f"\n[[types.pump.rules]]\nname = 'r{at}'\n{rule}" for at, rule in enumerate(rules))
        + ASSETS
        + more
    )
    layout = Layout("pump", plant.types["pump"])
    return Rules(layout, plant), layout


def minutes(
    layout: Layout,
    rows: list[tuple[int, int, dict[str, float]]],
    since_us: int = 0,
    state: int = RUNNING,
) -> Minutes:
    """Minutes of one sample a signal: asset, minute, values by signal."""
    statistics = np.full((len(rows), 7, layout.columns), np.nan)
    statistics[:, COUNT] = statistics[:, SUM] = 0.0
    for at, (_, _, values) in enumerate(rows):
        for name, value in values.items():
            statistics[at, [SUM, MIN, MAX, LAST], layout.column_index[name]] = value
            statistics[at, COUNT, layout.column_index[name]] = 1
    found = Found.of(len(rows), layout.columns, len(layout.held_places))
    found.state[:], found.use[:], found.fault[:], found.lead[:] = state, state == RUNNING, 0, 0
    found.running[:] = np.arange(len(rows))
    asset, minute = np.array([row[:2] for row in rows], np.int64).reshape(-1, 2).T
    return Minutes(asset, minute, np.full(len(rows), since_us), statistics, found)


def fired(rules: Rules, layout: Layout, *parts: Minutes) -> list[Fired]:
    """What parts bring, one after another, of machines of which nothing was known."""
    marks = Marks.none(2, len(rules.keys.columns), len(rules.keys.bases))
    levels = np.array([rules.levels_of(name) for name in "ab"])
    tiers = Tiers.empty(2, layout.reference, layout.held_places)
    return [one for part in parts for one in rules.evaluate(marks, levels, part, tiers)[0]]


def series(name: str, *values: float, begin: int = 0, step: int = 1) -> list[tuple[int, int, dict[str, float]]]:
    return [(0, begin + step * at, {name: value}) for at, value in enumerate(values)]


def changed(found: list[Fired]) -> list[tuple[int, bool]]:
    return [(one.minute, one.holds) for one in found]


def test_a_level_holds_once_it_was_passed_for_as_long_as_the_rule_says():
    rules, layout = ruled("signals = ['flow']\nwarning_high = 5\nfor = '5min'")
    (one,) = fired(rules, layout, minutes(layout, series("flow", 5, *[6] * 9)))
    assert (one.minute, one.holds, one.began, one.value) == (5, True, 1, 6.0)


def test_a_level_holds_after_three_minutes_with_samples_at_the_soonest():
    rules, layout = ruled("signals = ['flow']\nwarning_high = 5\nfor = '1min'")
    assert changed(fired(rules, layout, minutes(layout, series("flow", *[6] * 4)))) == [(LEAST_MINUTES - 1, True)]


def test_one_minute_on_the_good_side_begins_the_wait_anew():
    rules, layout = ruled("signals = ['flow']\nwarning_high = 5\nfor = '3min'")
    assert changed(fired(rules, layout, minutes(layout, series("flow", 6, 6, 5, 6, 6)))) == []


def test_a_level_ceases_after_as_long_under_it_by_the_hysteresis():
    rules, layout = ruled("signals = ['flow']\nwarning_high = 5\nfor = '1min'\nhysteresis = 1\nclears_after = '4min'")
    found = fired(rules, layout, minutes(layout, series("flow", *[6] * 3, *[4.5] * 50, *[4] * 9)))
    assert changed(found) == [(2, True), (56, False)]


def test_levels_that_are_too_low_and_alarms_have_sides_of_their_own():
    rules, layout = ruled(
        "signals = ['flow']\nalarm_low = 1\nwarning_low = 2\nwarning_high = 8\nfor = '1min'\nclears_after = '1min'"
    )
    found = fired(rules, layout, minutes(layout, series("flow", *[1.5] * 3, *[0.5] * 3, *[9] * 3)))
    said = [(one.minute, rules.evidence("a", one).level, one.holds) for one in found]
    assert said == [
        (2, Level.WARNING, True),
        (5, Level.ALARM, True),
        (8, Level.ALARM, False),
        (8, Level.WARNING, False),
        (8, Level.WARNING, True),
    ]


def test_a_stop_counts_for_no_longer_than_a_machine_may_be_silent():
    rules, layout = ruled("signals = ['power']\nwarning_high = 5\nfor = '61min'")
    near = series("power", 6, 6, 6, step=30)
    far = series("power", 6, 6, step=600) + series("power", 6, 6, begin=601)
    assert changed(fired(rules, layout, minutes(layout, near))) == [(60, True)]
    assert changed(fired(rules, layout, minutes(layout, far))) == []


def test_what_a_minute_does_not_say_neither_counts_nor_interrupts():
    rules, layout = ruled("signals = ['flow']\nwarning_high = 5\nfor = '1min'")
    assert changed(fired(rules, layout, minutes(layout, series("flow", 6, 6, np.nan, 6)))) == [(3, True)]


def test_a_rule_of_running_machines_says_nothing_of_one_that_stands():
    rules, layout = ruled("signals = ['flow']\nwarning_high = 5\nfor = '1min'")
    assert fired(rules, layout, minutes(layout, series("flow", *[6] * 9), state=IDLE)) == []


def test_a_rule_may_be_of_other_states():
    rules, layout = ruled("signals = ['flow']\nwarning_high = 5\nfor = '1min'\nstates = ['idle']")
    assert changed(fired(rules, layout, minutes(layout, series("flow", *[6] * 9), state=IDLE))) == [(2, True)]


def test_a_rule_holds_only_while_another_signal_lies_within():
    rules, layout = ruled(
        "signals = ['flow']\nwarning_high = 5\nfor = '1min'\nwhen = [{ signal = 'power', above = 10 }]"
    )
    low, high = ([(0, at, {"flow": 6.0, "power": power}) for at in range(5)] for power in (10.0, 10.1))
    assert fired(rules, layout, minutes(layout, low)) == []
    assert changed(fired(rules, layout, minutes(layout, high))) == [(2, True)]


def test_of_what_holds_only_the_minute_itself_says_whether_a_rule_looks():
    rules, layout = ruled(
        "signals = ['flow']\nwarning_high = 5\nfor = '1min'\nwhen = [{ signal = 'wet', above = 0.5 }]",
        more="",
        head=HEAD.replace('kind = "boolean"', 'kind = "boolean"\nsampling = "on-change"'),
    )
    seldom = minutes(layout, [(0, at, {"flow": 6.0, "wet": 1.0}) for at in range(0, 30, 10)])
    seldom.statistics[:, [COUNT, SUM], layout.column_index["wet"]] = 60_000
    place = list(layout.held_places).index(layout.column_index["wet"])
    seldom.found.lead[:, COUNT, place] = 540_000  # nine minutes before, in which it was not wet
    assert changed(fired(rules, layout, seldom)) == [(20, True)]


def test_a_sensor_at_fault_says_nothing():
    rules, layout = ruled("signals = ['flow']\nwarning_high = 5\nfor = '1min'\nstates = ['running', 'idle']")
    at_fault = minutes(layout, series("flow", *[6] * 9))
    at_fault.found.fault[:] = 1
    assert fired(rules, layout, at_fault) == []


def test_a_new_life_begins_anew():
    rules, layout = ruled("signals = ['flow']\nwarning_high = 5\nfor = '3min'")
    old, new = (
        minutes(layout, series("flow", *[6] * 5)),
        minutes(layout, series("flow", *[6] * 5, begin=5), since_us=300),
    )
    assert changed(fired(rules, layout, old, new)) == [(2, True), (5, False), (7, True)]


@pytest.mark.parametrize(
    ("rule", "values", "found"),
    [
        ("of = 'difference'\nsignals = ['l1', 'l2']", {"l1": 9.0, "l2": 2.5}, 6.5),
        ("of = 'ratio'\nsignals = ['head', 'flow']", {"head": 9.0, "flow": 1.5}, 6.0),
        # NEMA MG 1 12.45: 100 x the largest deviation from the mean, 3, over the mean, 12.
        ("of = 'imbalance'\nsignals = ['l1', 'l2', 'l3']", {"l1": 9.0, "l2": 13.0, "l3": 14.0}, 25.0),
        ("signals = ['wet']", {"wet": 1.0}, 1.0),
    ],
)
def test_a_quantity_is_made_of_its_signals(rule, values, found):
    rules, layout = ruled(f"{rule}\nwarning_high = 0.5\nfor = '1min'")
    (one,) = fired(rules, layout, minutes(layout, [(0, at, values) for at in range(3)]))
    assert one.value == pytest.approx(found)


def test_an_efficiency_is_held_against_the_curve_at_this_flow():
    rules, layout = ruled(f"{EFFICIENCY}\nwarning_high = 1")
    # 150 m3/h of water by 40 m are 1000 x 9.80665 x 150 / 3600 x 40 = 16.344 kW of hydraulic power; of 25 kW that is
    # 65.38 %, and the curve has 70 % there.
    (one,) = fired(
        rules, layout, minutes(layout, [(0, at, {"flow": 150.0, "head": 40.0, "power": 25.0}) for at in range(3)])
    )
    assert one.value == pytest.approx(4.62, abs=0.01)


def test_off_the_curve_and_without_power_nothing_is_said_of_efficiency():
    rules, layout = ruled(f"{EFFICIENCY}\nwarning_high = -1000")
    off = [(0, at, {"flow": 201.0, "head": 40.0, "power": 25.0}) for at in range(3)]
    idle = [(0, at, {"flow": 150.0, "head": 40.0, "power": 0.0}) for at in range(3, 6)]
    assert fired(rules, layout, minutes(layout, off + idle)) == []


def test_a_change_is_from_the_mean_of_the_first_day_of_running():
    rules, layout = ruled("of = 'change'\nsignals = ['flow']\nwarning_high = 1\nfor = '1min'")
    day = [(0, at, {"flow": 4.0 + at % 2}) for at in range(DAY_MIN + 1)]
    after = [(0, DAY_MIN + 1 + at, {"flow": 5.6}) for at in range(3)]
    found = fired(rules, layout, minutes(layout, day + after))
    assert [(one.minute, round(one.value, 3)) for one in found] == [(DAY_MIN + 3, 1.1)]


def test_limits_are_rules_and_an_assets_own_take_the_place_of_its_types():
    limits = "[[types.pump.limits]]\nsignal = 'flow'\nwarning_high = 5\nstandard = 'ISO 1'\nedition = '2009'\n"
    own = "[[assets.b.limits]]\nsignal = 'flow'\nwarning_high = 50\nalarm_high = 60\n"
    rules, layout = ruled(more=limits + own)
    rows = [(asset, at, {"flow": 40.0}) for asset in (0, 1) for at in range(20)]
    (one,) = fired(rules, layout, minutes(layout, rows))
    said = rules.evidence("a", one)
    assert (one.asset, said.name, said.limit, said.basis) == (0, "limit of flow", 5.0, "ISO 1 2009")
    assert (said.rung, said.level, said.confidence, said.unit) == (Rung.RULES, Level.WARNING, Confidence.MEDIUM, "m3/h")


def test_a_limit_says_the_standard_of_the_asset_that_passed_it():
    limits = "[[types.pump.limits]]\nsignal = 'flow'\nwarning_high = 5\nstandard = 'ISO 1'\nedition = '2009'\n"
    own = "[[assets.b.limits]]\nsignal = 'flow'\nwarning_high = 6\nnote = 'a refit'\n"
    rules, layout = ruled(more=limits + own)
    found = fired(rules, layout, minutes(layout, [(asset, at, {"flow": 40.0}) for asset in (0, 1) for at in range(20)]))
    assert [rules.evidence("ab"[one.asset], one).basis for one in found] == ["ISO 1 2009", "the plant's rule: a refit"]


def test_what_the_plant_did_not_confirm_is_of_low_confidence_and_says_so():
    rules, layout = ruled("signals = ['flow']\nwarning_high = 5\nfor = '1min'\nnote = 'a manual'\nconfirmed = false")
    (one,) = fired(rules, layout, minutes(layout, series("flow", *[6] * 3)))
    said = rules.evidence("a", one)
    assert (said.confidence, said.basis) == (Confidence.LOW, "the plant's rule, not confirmed by the plant: a manual")


def test_marks_of_a_rule_that_stays_go_on_and_another_begins_anew():
    before, _ = ruled("signals = ['flow']\nwarning_high = 5", "signals = ['head']\nwarning_high = 5")
    after, _ = ruled(
        "signals = ['flow']\nwarning_high = 6\nnote = 'other'", "signals = ['head']\nwarning_high = 5\nfor = '1h'"
    )
    marks = Marks.none(1, 2, 0)
    marks.beyond[:] = 7
    assert marks.fitted(before.keys, after.keys).beyond.tolist() == [[7, 0]]


ASKED = [
    "signals = ['flow']\nwarning_high = 5\nalarm_high = 7\nfor = '3min'\nclears_after = '6min'\nhysteresis = 0.5",
    "signals = ['flow']\nwarning_low = 2\nfor = '1min'\nclears_after = '1min'",
]
WALKED = [Asked(1, 5, 0.5, 3, 6), Asked(1, 7, 0.5, 3, 6), Asked(-1, 2, 0, 1, 1)]
VALUES = st.sampled_from([0.0, 2.0, 3.0, 4.5, 5.0, 5.2, 6.0, 8.0, np.nan])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(VALUES, st.sampled_from([1, 1, 1, 2, 9, 31]), st.booleans()), max_size=60), st.data())
def test_minutes_bring_what_they_bring_one_by_one_however_they_are_cut(steps, data):
    rules, layout = ruled(*ASKED)
    rows, lives, minute, life = [], [], 0, 0
    for value, gap, repaired in steps:
        minute += gap
        life = minute * 60_000_000 if repaired and data.draw(st.integers(0, 5)) == 0 else life
        rows.append((0, minute, {"flow": value}))
        lives.append(life)
    every = minutes(layout, rows)._replace(since_us=np.array(lives, np.int64))
    cuts = sorted({0, len(rows), *data.draw(st.lists(st.integers(0, len(rows)), max_size=6))})
    parts = [every.part(slice(*pair)) for pair in pairwise(cuts)]
    walk = Walk(WALKED, layout.rule.hearing_min)
    expected = walk.take((0, m, since, (v["flow"],) * 3) for (_, m, v), since in zip(rows, lives, strict=True))
    found = fired(rules, layout, *parts)
    order = [list(rules.levels_of("a")).index(asked.level) for asked in WALKED]
    assert sorted((one.asset, one.minute, order.index(one.column), one.holds) for one in found) == sorted(
        (asset, m, at, holds) for asset, m, at, holds, _ in expected
    )
    begins = {(m, at): begin for _, m, at, holds, begin in expected if holds}
    assert {(one.minute, order.index(one.column)): one.began for one in found if one.holds} == begins


def test_what_holds_in_a_minute_of_which_nothing_is_known_holds_since_then():
    """A rebuild finds that a level held in the past, and the next minute tells it."""
    rules, _ = ruled("signals = ['flow']\nwarning_high = 3")
    said = rules.evidence("a", Fired(0, 77, 0, 0, True, np.nan, NEVER_MIN))
    assert (said.value, said.since_us) == (None, 77 * MINUTE_US)
