"""Rows of more files than memory holds: which are kept, for how many each stands, and what a training takes at most."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import polars as pl
import pytest

from onnx_export.history import quiet
from onnx_export.judged import Grid
from onnx_export.learner import Learner
from onnx_export.pooled import plain
from onnx_export.shards import Sample, draws, gathered, keys_of, nearness, sample_of, survey
from onnx_export.table import Rows, TableError, data_of
from tests.kit import labelled, outofcore

MEMORY_MIB, LARGE_MIB = 24, 240


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return labelled.table(machines=6, days=200)


def sampled(table: pl.DataFrame, share: float, files: int = 3):
    place = labelled.write(Path(mkdtemp()), table, files=files)
    found = survey(data_of(str(place)), labelled.spec(), quiet)
    return found, *gathered(found, labelled.spec(), Sample(share, 120, 120, 16), quiet)


def test_draws_are_those_of_splitmix64():
    """Its first numbers from seed 0, as S. Vigna's splitmix64.c and Java's SplittableRandom give them."""
    published = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    given = draws(np.zeros(3, np.uint64), np.array([1, 2, 3]))
    assert given.tolist() == [(number >> 11) / 2**53 for number in published]


def test_draws_are_even_and_differ_by_asset():
    times = np.arange(0, 10_000) * labelled.HOUR_US
    one, other = (draws(np.full(10_000, key, np.uint64), times) for key in keys_of(["press-00", "press-01"]))
    assert [float(np.mean(each < 0.25)) for each in (one, other)] == pytest.approx([0.25, 0.25], abs=0.02)
    assert abs(float(np.corrcoef(one, other)[0, 1])) < 0.05


def test_all_rows_before_failures_are_kept_and_of_the_others_a_share(table):
    found, history, weight = sampled(table, 0.2)
    near, _ = nearness(history.hours, history.known_h)
    assert near.sum() == found.near
    assert (~near).sum() == pytest.approx(0.2 * found.other, rel=0.1)
    assert set(weight[near]) == {1.0}
    assert weight.sum() == pytest.approx(found.near + found.other, rel=0.05)


def test_chances_learned_of_a_sample_are_those_of_all_rows(table):
    """Were rows not to stand for others, chances of the sample would be about four times those of all."""
    (_, whole, one), (_, some, more) = sampled(table, 1.0), sampled(table, 0.1)
    learner = Learner(spec=labelled.spec(), pool=plain(len(labelled.spec().names)), trees=20)
    mean, of_sample, wrong = (
        learner.chances(learner.scores(learner.train(rows, weight), whole.features))[:, -1].mean()
        for rows, weight in ((whole, one), (some, more), (some, np.ones(len(more))))
    )
    assert of_sample == pytest.approx(mean, rel=0.1)
    assert wrong > 1.5 * mean


def test_which_rows_are_kept_does_not_depend_on_how_files_are_cut(table):
    _, first, _ = sampled(table, 0.2, files=2)
    _, second, _ = sampled(table, 0.2, files=9)
    assert first.features.tobytes() == second.features.tobytes()
    assert np.array_equal(first.window_end_us, second.window_end_us)


def test_what_fits_is_kept_whole(table):
    found, *_ = sampled(table, 1.0)
    assert sample_of(found, 9, 1, 512 << 20) == Sample(1.0, 120, 120, 512)


def test_less_memory_keeps_fewer_rows_and_judges_farther_apart(table):
    found, *_ = sampled(table, 1.0)
    small = sample_of(found, 9, 1, 20 << 20)
    assert 0 < small.share < 1
    assert small.calibrated_every_min > small.judged_every_min >= 120


def test_components_take_more_memory(table):
    found, *_ = sampled(table, 1.0)
    assert sample_of(found, 9, 2, 30 << 20).share < sample_of(found, 9, 1, 30 << 20).share


def test_where_the_rows_before_failures_do_not_fit_it_is_said_how_much_would(table):
    found, *_ = sampled(table, 1.0, files=60)
    with pytest.raises(TableError, match=r"rows in the 168 h before failures alone do not fit: give --memory \d+MiB"):
        sample_of(found, 9, 1, 3 << 20)


def test_a_file_that_is_too_large_for_the_memory_is_to_be_split(table):
    found, *_ = sampled(table, 1.0, files=1)
    with pytest.raises(TableError, match=r"over an eighth of --memory 2MiB: split it, or give --memory \d+MiB"):
        sample_of(found, 9, 1, 2 << 20)


def test_a_grid_takes_the_first_row_of_each_asset_in_each_step():
    hours = np.array([0.5, 1.0, 2.0, 2.5, 0.7])
    none = np.zeros(5)
    rows = Rows(
        np.array([0, 0, 0, 0, 1]), (hours * labelled.HOUR_US).astype(np.int64), none, none, none, none, none[:, None]
    )
    assert Grid(120)(rows).tolist() == [True, False, True, False, True]


def test_a_training_set_ten_times_the_memory_is_trained_on_within_it(tmp_path):
    outofcore.make(tmp_path, LARGE_MIB, files=360)
    took = outofcore.took(tmp_path, MEMORY_MIB, trees=5)
    assert took.float32_mib > 9.9 * MEMORY_MIB
    assert took.grown_mib < MEMORY_MIB
    assert took.failures == 10
    assert 0 < took.share < 0.01
