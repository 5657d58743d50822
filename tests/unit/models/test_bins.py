"""The bin kernel against sums taken one sample at a time."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.bins import COUNT, FIRST, LAST, MAX, MIN, MINUTE_US, SAMPLES, SQUARES, SUM, Samples, summarise

REFERENCE = np.array([10.0, 0.0, -3.0])

sample = st.tuples(
    st.integers(0, 2),
    st.integers(0, 2),
    st.integers(0, 5 * MINUTE_US),
    st.floats(-1e6, 1e6, allow_nan=False),
)


def samples(rows) -> Samples:
    asset, signal, time_us, value = zip(*rows, strict=True)
    return Samples(np.array(asset), np.array(signal), np.array(time_us), np.array(value, float))


def one_at_a_time(rows) -> dict:
    """Statistics of each (asset, minute, signal), by plain loops."""
    last = {}
    for asset, signal, time_us, value in rows:
        last[asset, signal, time_us] = value
    cells: dict = {}
    for (asset, signal, time_us), value in sorted(last.items(), key=lambda item: item[0][2]):
        cells.setdefault((asset, time_us // MINUTE_US, signal), []).append(value)
    return cells


@given(st.lists(sample, min_size=1, max_size=80))
def test_a_bin_holds_what_a_loop_over_its_samples_finds(rows):
    bins = summarise(samples(rows), 3, REFERENCE)
    cells = one_at_a_time(rows)
    assert set(zip(bins.asset.tolist(), bins.minute.tolist(), strict=True)) == {(a, m) for a, m, _ in cells}
    for asset, minute, statistics in zip(bins.asset.tolist(), bins.minute.tolist(), bins.statistics, strict=True):
        for signal in range(3):
            values = cells.get((asset, minute, signal), [])
            found = statistics[:, signal]
            assert found[COUNT] == len(values)
            assert math.isclose(found[SUM], sum(values), rel_tol=1e-12, abs_tol=1e-6)
            squares = sum((v - REFERENCE[signal]) ** 2 for v in values)
            assert math.isclose(found[SQUARES], squares, rel_tol=1e-12, abs_tol=1e-6)
            if values:
                assert (found[MIN], found[MAX]) == (min(values), max(values))
                assert (found[FIRST], found[LAST]) == (values[0], values[-1])


@given(st.lists(sample, min_size=1, max_size=60, unique_by=lambda row: row[:3]), st.randoms())
def test_the_order_of_arrival_does_not_change_a_bit(rows, random):
    mixed = rows.copy()
    random.shuffle(mixed)
    first, second = summarise(samples(rows), 3, REFERENCE), summarise(samples(mixed), 3, REFERENCE)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second, strict=True))


@given(st.lists(sample, min_size=1, max_size=60))
def test_a_bin_is_the_same_alone_and_among_others(rows):
    together = summarise(samples(rows), 3, REFERENCE)
    for asset in {row[0] for row in rows}:
        alone = summarise(samples([row for row in rows if row[0] == asset]), 3, REFERENCE)
        assert np.array_equal(alone.statistics, together.statistics[together.asset == asset], equal_nan=True)


def test_of_two_samples_at_one_time_the_last_to_arrive_counts():
    bins = summarise(samples([(0, 0, 5, 1.0), (0, 0, 5, 2.0), (0, 0, 3, 7.0)]), 1, np.zeros(1))
    assert bins.statistics[0, [COUNT, SUM, LAST], 0].tolist() == [2, 9, 2]


def test_bins_are_left_closed():
    bins = summarise(samples([(0, 0, MINUTE_US - 1, 1.0), (0, 0, MINUTE_US, 2.0)]), 1, np.zeros(1))
    assert bins.minute.tolist() == [0, 1]


def series(assets: int, signals: int, minutes: np.ndarray) -> Samples:
    """A sample of each signal in each minute, a signal after another, as history has them."""
    random = np.random.default_rng(1)
    asset = np.tile(np.repeat(np.arange(assets), len(minutes)), signals)
    signal = np.repeat(np.arange(signals), assets * len(minutes))
    return Samples(asset, signal, np.tile(minutes * MINUTE_US, assets * signals), random.normal(size=len(asset)))


def test_assets_summed_in_parts_have_the_bins_that_they_have_alone():
    many = series(7, 3, np.arange(SAMPLES // 5))
    together = summarise(many, 3, REFERENCE)
    for asset in range(7):
        alone = summarise(many.where(many.asset == asset), 3, REFERENCE)
        assert np.array_equal(alone.minute, together.minute[together.asset == asset])
        assert np.array_equal(alone.statistics, together.statistics[together.asset == asset])


def test_bins_far_apart_are_those_of_each_time_alone():
    near, far = series(2, 3, np.arange(50)), series(2, 3, np.arange(9_000_000, 9_000_050))
    together = summarise(Samples.joined([near, far]), 3, REFERENCE)
    for part in (near, far):
        alone = summarise(part, 3, REFERENCE)
        mine = np.isin(together.minute, alone.minute)
        assert np.array_equal(alone.asset, together.asset[mine])
        assert np.array_equal(alone.statistics, together.statistics[mine])


def test_bins_of_one_sample_a_cell_have_the_bits_that_they_have_among_fuller_ones():
    rows = [
        (0, signal, minute * MINUTE_US, value) for minute, value in enumerate((-0.0, 1.5, 0.1)) for signal in (0, 2)
    ]
    alone = summarise(samples(rows), 3, REFERENCE)
    among = summarise(samples([*rows, (0, 0, 9 * MINUTE_US, 1.0), (0, 0, 9 * MINUTE_US + 1, 2.0)]), 3, REFERENCE)
    assert alone.statistics.tobytes() == among.statistics[:3].tobytes()
