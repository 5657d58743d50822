"""What holds between samples, against the integral of a step function (or of straight lines) over every millisecond."""

from __future__ import annotations

import numpy as np
import pytest

from models.bins import COUNT, MINUTE_MS, MINUTE_US, QUARTER, SQUARES, SUM, Samples, summarise
from models.following import follow
from models.holding import minutes_of, pauses, with_empty
from models.operating import Machines
from models.plant import parse
from models.plant.layout import Layout

PLANT = """
plant = "p"
[types.t.signals.level_m]
kind = "gauge"
range = [0, 20]
sampling = "{sampling}"
stepped = {stepped}
max_silence = "{silence}"
[types.t.signals.pressure_bar]
kind = "gauge"
max_silence = "{hearing}"
[types.t.signals.is_open]
kind = "boolean"
[types.t.signals.mode]
kind = "state"
sampling = "on-change"
words = ["auto", "hand"]
max_silence = "3h"
[types.t.signals.trip]
kind = "event"
[assets.a]
type = "t"
"""


def layout(sampling: str = "on-change", stepped: str = "true", silence: str = "10h", hearing: str = "5h") -> Layout:
    text = PLANT.format(sampling=sampling, stepped=stepped, silence=silence, hearing=hearing)
    return Layout("t", parse(text).types["t"])


def run(layout: Layout, level, pressure=()):
    """Bins with their pauses and what led into each, of (ms, value) of the level and ms of the other signal."""
    rows = [(0, ms, value) for ms, value in level] + [(1, ms, 5.0) for ms in pressure]
    signal, ms, value = (np.array(column) for column in zip(*rows, strict=True))
    samples = Samples(np.zeros(len(ms), np.int64), signal, ms * 1000, value.astype(float))
    bins = summarise(samples, layout.columns, layout.reference, layout.held)
    found = [(a, m) for a, minutes in minutes_of(bins) for m in pauses(minutes, layout.rule.hearing_min)]
    bins = with_empty(bins, found)
    machines = Machines.none(1, layout.columns)
    since = np.zeros(len(bins.asset), np.int64)
    lead = follow(layout.rule, machines, bins.asset, bins.minute, since, bins.statistics).lead
    sums = bins.statistics[:, : SQUARES + 1].copy()
    sums[:, :, layout.held.columns] += lead
    return bins, sums


def draw(seed: int, hours: int = 4):
    """Level and pressure at odd milliseconds with pauses of up to an hour; the level at whole steps of 0.5."""
    random = np.random.default_rng(seed)
    ms = np.cumsum(random.choice([500, 7_001, 61_000, 400_000, 3_000_000], 60)).tolist()
    ms = [at for at in ms if at < hours * 3_600_000]
    level = [(at, float(random.integers(0, 40)) / 2) for at in ms if random.random() < 0.5] or [(ms[0], 1.0)]
    return level, [at for at in ms if at >= level[0][0]]


@pytest.mark.parametrize("seed", range(8))
def test_quarters_hold_the_integral_of_the_step_function(seed):
    level, pressure = draw(seed)
    bins, sums = run(layout(), level, pressure)
    end = (int(bins.minute[-1]) + 1) * MINUTE_MS
    at = np.searchsorted([ms for ms, _ in level], np.arange(end), side="right") - 1
    values = np.where(at >= 0, np.array([value for _, value in level])[at], np.nan)
    for quarter in np.unique(bins.minute // QUARTER):
        mine = values[quarter * QUARTER * MINUTE_MS : (quarter + 1) * QUARTER * MINUTE_MS]
        mine = mine[~np.isnan(mine)]
        found = sums[bins.minute // QUARTER == quarter][:, :, 0].sum(axis=0)
        expected = [len(mine), mine.sum(), np.square(mine - 10.0).sum()]
        np.testing.assert_allclose(found[[COUNT, SUM, SQUARES]], expected, rtol=1e-9)


def test_a_value_between_samples_lies_on_a_line_where_the_signal_is_not_stepped():
    _, sums = run(layout("compressed", "false"), [(0, 2.0), (30_000, 8.0), (60_000 + 30_000, 14.0)])
    assert sums[0, SUM, 0] == 30_000 * 5.0 + 30_000 * 8.0, "the last of a minute holds to its end"
    assert sums[1, SUM, 0] == 30_000 * 11.0 + 30_000 * 14.0
    squares = sum((8 - 10 + 6 * (at + 0.5) / 30_000) ** 2 for at in range(30_000)) + 30_000 * 16.0
    assert sums[1, SQUARES, 0] == pytest.approx(squares)


def test_a_value_holds_until_its_max_silence():
    _, sums = run(layout(silence="3min"), [(0, 4.0)], [m * MINUTE_MS for m in range(10)])
    assert (sums[:, COUNT, 0] / MINUTE_MS).tolist() == [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert sums[3, SUM, 0] == 4.0 * MINUTE_MS


def test_nothing_holds_once_the_machine_was_not_heard():
    bins, sums = run(layout(hearing="30min"), [(0, 4.0)], [0, 20 * MINUTE_MS, 60 * MINUTE_MS])
    held = dict(zip(bins.minute.tolist(), (sums[:, COUNT, 0] / MINUTE_MS).tolist(), strict=True))
    assert held == {0: 1, 14: 14, 20: 6, 29: 9, 44: 15, 60: 0}


def test_pauses_are_the_ends_of_quarters_between_minutes_with_samples():
    assert pauses(np.array([3, 4, 14, 15, 50]), 60) == [29, 44]
    assert pauses(np.array([0, 100]), 20) == [14]
    assert pauses(np.empty(0, np.int64), 60) == pauses(np.array([7]), 60) == []


def test_truths_and_declared_words_are_shares_and_events_are_counted():
    t = layout()
    assert t.column_names == ("level_m", "pressure_bar", "is_open", "mode=auto", "mode=hand", "trip")
    assert t.held.columns.tolist() == [True, False, True, True, True, False]
    assert (t.told["is_open"].of(True), t.told["is_open"].of(False)) == ((1.0,), (0.0,))
    assert [t.told["mode"].of(word) for word in ("auto", "hand", "off")] == [(1.0, 0.0), (0.0, 1.0), (0.0, 0.0)]
    assert t.told["trip"].of("OVERLOAD") == (1.0,)
    assert t.rule.holds_min.tolist() == [600, 300, 10, 180, 180, 10]


def test_samples_of_one_millisecond_weigh_together_as_one():
    layout_ = layout()
    samples = Samples(np.zeros(2, np.int64), np.zeros(2, np.int64), np.array([10, 900]), np.array([1.0, 3.0]))
    bins = summarise(samples, layout_.columns, layout_.reference, layout_.held)
    assert bins.statistics[0, [COUNT, SUM], 0].tolist() == [MINUTE_MS, 3.0 * MINUTE_MS]
    last = samples._replace(time_us=np.array([10, MINUTE_US - 1]))
    assert summarise(last, layout_.columns, layout_.reference, layout_.held).statistics[0, COUNT, 0] == MINUTE_MS
