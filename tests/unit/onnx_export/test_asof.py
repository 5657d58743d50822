"""Labels and features as of a time: the future raises, wherever it would come in."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from onnx_export.asof import AsOf, FutureData, enter
from onnx_export.shards import survey
from onnx_export.table import check_as_of, data_of
from tests.kit import labelled
from tests.kit.labelled import BEGIN_US, HOUR_US

END_US = BEGIN_US + 120 * 24 * HOUR_US


def rows(**changed: object) -> pl.DataFrame:
    """Two rows that know nothing of the future, but for what is changed of the second."""
    row = {
        "asset": "press-01", "window_end_us": BEGIN_US, "since_us": BEGIN_US - HOUR_US, "failed_in_h": 5.0,
        "mode": "comp1", "known_h": 5.0, "maintained_us": BEGIN_US - HOUR_US,
    }  # fmt: skip
    return pl.DataFrame([row, row | changed])


def check(table: pl.DataFrame, end_us: int | None = END_US) -> None:
    check_as_of(table, ["maintained_us"], end_us)


def test_a_view_gives_what_was_known_and_not_what_came_later():
    view = AsOf([30, 10, 20, 40], lambda us: us, 30)
    assert list(view.known) == [10, 20, 30]
    assert list(view.until(25)) == [10, 20]
    assert list(view.between(10, 30)) == [20, 30]


@pytest.mark.parametrize("ask", [lambda view: view.until(31), lambda view: view.between(10, 31)])
def test_a_view_that_is_asked_for_the_future_raises(ask):
    with pytest.raises(FutureData, match="was asked for, but only what was known at 1970-01-01 00:00:00 is"):
        ask(AsOf([10], lambda us: us, 30))


def test_times_that_are_not_later_enter_as_they_are():
    times = np.array([1, 2, 3])
    assert enter("a time", times, np.array([1, 5, 3]), ["a", "b", "c"]) is times


def test_rows_of_what_was_known_pass():
    check(rows())
    check(rows(failed_in_h=None, mode=None, maintained_us=None))


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"since_us": BEGIN_US + 1}, "since_us of press-01"),
        ({"maintained_us": BEGIN_US + 1}, "maintained_us of press-01"),
        ({"failed_in_h": 6.0}, "failed_in_h of press-01"),
        ({"known_h": 120 * 24 + 0.1}, "known_h of press-01"),
        ({"window_end_us": END_US + 1, "failed_in_h": None, "known_h": 0.0}, "window_end_us of press-01"),
    ],
    ids=["life", "maintenance", "failure", "label", "row"],
)
def test_a_row_that_knows_the_future_raises_and_says_of_what_and_whom(changed, what):
    with pytest.raises(FutureData, match=what):
        check(rows(**changed))


def test_where_no_file_says_when_history_ends_a_label_may_be_known_for_as_long_as_it_says():
    check(rows(known_h=1e6), end_us=None)


def test_training_lets_no_row_in_that_knows_the_future(tmp_path):
    table = labelled.table(machines=3, days=30)
    later = table.with_columns(pl.lit(END_US).alias("order_closed_us"))
    with pytest.raises(FutureData, match="order_closed_us of press-00"):
        survey(data_of(str(labelled.write(tmp_path, later))), labelled.spec(), lambda *_: None)
