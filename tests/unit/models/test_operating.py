"""What a machine is doing, from bins: against the words of the rule, one machine at a time and among others."""

from __future__ import annotations

import numpy as np
import pytest

from models.bins import MINUTE_US, Samples, summarise
from models.following import follow
from models.operating import STATES, Machines
from models.plant import parse
from models.plant.layout import Layout
from models.records import OperatingState
from tests.kit import tiny

MIXER = Layout("mixer", tiny.plant().types["mixer"])
LATHE = Layout("lathe", tiny.plant().types["lathe"])
PUMP = Layout("pump", tiny.plant().types["pump"])
OFF, IDLE, RUN = 0.5, 2.5, 5.0


def bins_of(layout: Layout, rows: list[tuple[int, int, float]]):
    """Bins of (minute, column, value)."""
    minute, column, value = (np.array(part) for part in zip(*rows, strict=True))
    samples = Samples(np.zeros(len(rows), np.int64), column, minute * MINUTE_US, value.astype(float))
    return summarise(samples, layout.columns, layout.reference)


def walk(layout: Layout, rows: list[tuple[int, int, float]], since_us: int = 0):
    bins = bins_of(layout, rows)
    machines = Machines.none(1, layout.columns)
    since = np.full(len(bins.asset), since_us)
    return bins, follow(layout.rule, machines, bins.asset, bins.minute, since, bins.statistics)


def states(layout: Layout, values: list[float], every: int = 1, column: int = 0) -> str:
    """First letters of the states that one value every some minutes gives; s is starting, p is stopping."""
    _, found = walk(layout, [(at * every, column, value) for at, value in enumerate(values)])
    letters = {OperatingState.STARTING: "s", OperatingState.STOPPING: "p"}
    return "".join(letters.get(STATES[code], STATES[code][0]) for code in found.state.tolist())


def test_a_start_settles_before_it_counts_as_running():
    assert states(MIXER, [OFF, RUN, RUN, RUN, RUN, RUN]) == "osssrr"


def test_coming_down_is_stopping_and_turning_slowly_for_long_is_idle():
    assert states(MIXER, [RUN] * 5 + [IDLE] * 7 + [OFF]) == "sssrr" + "pppppii" + "o"


def test_from_off_to_slow_is_idle():
    assert states(MIXER, [OFF, IDLE, IDLE, OFF]) == "oiio"


@pytest.mark.parametrize(("value", "expected"), [(4.1, "sssrr"), (3.7, "sssrp")])
def test_running_is_left_only_beyond_the_hysteresis(value, expected):
    assert states(MIXER, [RUN] * 4 + [value]) == expected


@pytest.mark.parametrize(("value", "expected"), [(1.3, "oo"), (1.5, "oi")])
def test_off_is_left_only_beyond_the_hysteresis(value, expected):
    assert states(MIXER, [OFF, value]) == expected


def test_a_dip_within_a_minute_starts_the_settling_again():
    rows = [(minute, 0, RUN) for minute in range(10)]
    bins = bins_of(MIXER, [*rows, (6, 0, RUN)])
    bins.statistics[6, 3, 0] = 0.2  # the lowest of minute 6
    machines = Machines.none(1, MIXER.columns)
    found = follow(MIXER.rule, machines, bins.asset, bins.minute, np.zeros(10, np.int64), bins.statistics)
    assert [STATES[code].value for code in found.state[5:].tolist()] == ["running", *["starting"] * 3, "running"]


def test_silence_of_the_rules_signal_is_unknown_and_settles_anew():
    temperature = MIXER.numeric_index["temp_degc"]
    rows = [(minute, 0, RUN) for minute in range(5)] + [(minute, temperature, 60.0) for minute in range(5, 25)]
    bins, found = walk(MIXER, [*rows, *((minute, 0, RUN) for minute in range(25, 30))])
    told = dict(zip(bins.minute.tolist(), (STATES[code].value for code in found.state.tolist()), strict=True))
    assert told[19] == "running"
    assert told[20] == "unknown"
    assert [told[minute] for minute in (25, 26, 28)] == ["starting", "starting", "running"]


def test_age_is_running_time_and_starts_of_this_life_and_silence_does_not_count():
    values = [OFF] + [RUN] * 11 + [OFF] * 5 + [RUN] * 6
    _, found = walk(MIXER, [(at, 0, value) for at, value in enumerate(values)])
    assert found.running.tolist()[-1] == 10 + 5
    assert found.starts.tolist()[-1] == 2
    _, gap = walk(MIXER, [(0, 0, RUN), (1, 0, RUN), (100, 0, RUN), (101, 0, RUN)])
    assert gap.running.tolist() == [0, 1, 1, 2]
    assert gap.starts.tolist()[-1] == 0


def test_a_repair_begins_the_age_anew():
    bins = bins_of(MIXER, [(minute, 0, RUN) for minute in range(10)])
    since = np.where(bins.minute < 6, 0, 6 * MINUTE_US)
    found = follow(MIXER.rule, Machines.none(1, 2), bins.asset, bins.minute, since, bins.statistics)
    assert found.running.tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3]


def test_a_state_tag_says_it_in_its_own_words():
    code = {word: float(LATHE.state_codes[word]) for word in LATHE.state_codes}
    words = ["stop", "auto", "manual", "manual", "wait", "service"]
    rows = [(minute, len(LATHE.numeric), code[word]) for minute, word in enumerate(words)]
    _, found = walk(LATHE, rows)
    told = [STATES[state].value for state in found.state.tolist()]
    assert told == ["off", "starting", "starting", "running", "idle", "maintenance"]
    assert found.starts.tolist()[-1] == 1


def test_a_tag_that_is_sent_on_change_holds_until_its_silence():
    rows = [(0, len(LATHE.numeric), 3.0), *((minute, 0, 5.0 + minute / 10) for minute in range(1, 130))]
    _, found = walk(LATHE, rows)
    assert [STATES[code].value for code in found.state[[1, 2, 120, 121]].tolist()] == [
        "starting", "running", "running", "unknown",
    ]  # fmt: skip


def test_without_a_rule_whatever_speaks_runs():
    _, found = walk(PUMP, [(0, 0, 5.0), (3, 1, 60.0)])
    assert [STATES[code] for code in found.state.tolist()] == [OperatingState.RUNNING] * 2


def test_a_sensor_that_does_not_move_for_its_running_time_is_of_no_use_until_it_moves():
    temperature = MIXER.numeric_index["temp_degc"]
    rows = [(minute, 0, 5.0 + minute % 7 / 10) for minute in range(20)]
    rows += [(minute, temperature, 60.0 if 2 <= minute < 16 else 61.0 + minute / 100) for minute in range(20)]
    _, found = walk(MIXER, rows)
    assert found.use[:, 0].tolist() == [False] * 3 + [True] * 17
    assert found.use[:, temperature].tolist() == [False] * 3 + [True] * 7 + [False] * 6 + [True] * 4


def test_a_flat_value_of_a_machine_that_stands_is_not_stuck():
    temperature = MIXER.numeric_index["temp_degc"]
    speeds = [OFF + minute / 1000 for minute in range(30)] + [RUN + minute / 1000 for minute in range(8)]
    rows = [(at, 0, value) for at, value in enumerate(speeds)] + [(at, temperature, 20.0) for at in range(38)]
    _, found = walk(MIXER, rows)
    assert found.use[33:36, temperature].all()


def test_a_jump_is_of_no_use_until_it_is_a_new_level():
    temperature = MIXER.numeric_index["temp_degc"]
    temps = [60.0] * 6 + [95.0, 60.1, 60.2] + [90.0, 90.1, 90.2, 90.3]
    rows = [(at, 0, 5.0 + at / 100) for at in range(len(temps))]
    _, found = walk(MIXER, rows + [(at, temperature, value) for at, value in enumerate(temps)])
    assert found.use[3:, temperature].tolist() == [True] * 3 + [False, True, True] + [False, False, True, True]


def test_a_machine_moves_on_alike_alone_and_among_others_and_in_parts():
    random = np.random.default_rng(5)
    asset = np.repeat([0, 1, 2], 200)
    minute = np.concatenate([np.sort(random.choice(900, 200, replace=False)) for _ in range(3)])
    pressure = np.repeat(random.choice([OFF, IDLE, RUN], 60), 10) + random.normal(0, 0.3, 600)
    samples = Samples(asset, np.zeros(600, np.int64), minute * MINUTE_US, pressure)
    bins = summarise(samples, 2, MIXER.reference)
    since = np.where(bins.minute < 500, 0, 500 * MINUTE_US)
    together = follow(MIXER.rule, Machines.none(3, 2), bins.asset, bins.minute, since, bins.statistics)
    machines = Machines.none(3, 2)
    for cut in np.array_split(np.argsort(bins.minute, kind="stable"), 17):
        cut = np.sort(cut)
        part = follow(MIXER.rule, machines, bins.asset[cut], bins.minute[cut], since[cut], bins.statistics[cut])
        for whole, piece in zip(together, part, strict=True):
            assert np.array_equal(whole[cut], piece)


def test_a_rule_with_words_for_a_boolean_is_read():
    text = tiny.PLANT_TOML.replace(
        '[types.lathe.operating]\nsignal = "mode"', '[types.lathe.operating]\nsignal = "on"'
    ).replace('[types.lathe.signals.mode]\nkind = "text"', '[types.lathe.signals.on]\nkind = "boolean"')
    states_line = (
        'states = { running = ["auto", "manual"], off = ["stop"], idle = ["wait"], maintenance = ["service"] }'
    )
    plant = parse(text.replace(states_line, "states = { running = [true], off = [false] }"))
    assert Layout("lathe", plant.types["lathe"]).state_codes == {True: 3, False: 1}


def test_a_word_that_the_rule_does_not_have_is_unknown():
    rows = [(minute, len(LATHE.numeric), 3.0) for minute in range(4)]
    _, found = walk(LATHE, [*rows, (4, len(LATHE.numeric), 0.0)])
    assert [STATES[code].value for code in found.state.tolist()][-2:] == ["running", "unknown"]


def test_a_sensor_that_speaks_seldom_is_stuck_after_the_same_running_time():
    temperature = MIXER.numeric_index["temp_degc"]
    rows = [(minute, 0, 5.0 + minute % 7 / 10) for minute in range(31)]
    rows += [(minute, temperature, 60.0) for minute in range(0, 31, 5)]
    bins, found = walk(MIXER, rows)
    told = dict(zip(bins.minute.tolist(), found.use[:, temperature].tolist(), strict=True))
    assert [told[minute] for minute in (5, 10, 15)] == [True, False, False], "stuck after eight minutes of running"


def test_a_machine_whose_signals_are_all_sent_on_change_is_unknown_after_the_longest_silence():
    text = tiny.PLANT_TOML.partition("[types.lathe]")[2].partition("[types.fan")[0]
    plain = text.replace('sampling = "compressed"\nstepped = false\nmax_silence = "2h"\n', "")
    on_change = plain.replace('kind = "gauge"', 'kind = "gauge"\nsampling = "on-change"\nmax_silence = "3h"')
    layout = Layout("lathe", parse(tiny.PLANT_TOML.replace(text, on_change)).types["lathe"])
    assert layout.rule.hearing_min == 180


def test_durations_under_a_minute_count_as_one():
    text = tiny.PLANT_TOML.replace('max_silence = "15min"', 'max_silence = "30s"').replace('"6min"', '"61s"')
    rule = Layout("mixer", parse(text).types["mixer"]).rule
    assert (rule.silence_min, rule.stuck_after_min[0]) == (1, 2)
