"""What lanes read: a log in parts that reach over no edge, a store in spans that stay small."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest

from connectors.influx.history import BLIND_MIN, FIRST_MIN, MOST_MIN, _letters, _next_span, _typed
from models.plant.layout import Layout
from models.records import Reject
from pipelines.backfill.features import FOLDER, Outcomes, label
from pipelines.backfill.stretch import Batch
from pipelines.cli.backfill.sources import cut
from pipelines.ports import RawRecord
from tests.kit import tiny


def batch(*arrived_ms: int) -> Batch:
    return Batch([RawRecord(n, ms, b"") for n, ms in enumerate(arrived_ms)], arrived_ms[-1] * 1000)


@pytest.mark.parametrize(
    ("edges_ms", "parts"),
    [((), [(1, 2, 3, 4)]), ((3,), [(1, 2), (3, 4)]), ((1, 9), [(1, 2, 3, 4)]), ((2, 4), [(1,), (2, 3), (4,)])],
)
def test_a_batch_is_cut_where_an_edge_lies_between_arrivals(edges_ms, parts):
    found = list(cut(batch(1, 2, 3, 4), [ms * 1000 for ms in edges_ms]))
    assert [tuple(record.arrived_ms for record in part.records) for part in found] == parts
    assert [part.until_us for part in found] == [part[-1] * 1000 for part in parts]


def test_behind_nothing_a_span_of_a_store_is_a_quarter_of_a_day_at_most():
    minutes = FIRST_MIN
    for _ in range(10):
        minutes = _next_span(minutes, 200_000, 0)
    assert minutes == BLIND_MIN


def test_a_span_grows_to_what_holds_the_rows_asked_for():
    minutes = FIRST_MIN
    for _ in range(20):
        minutes = _next_span(minutes, 200_000, minutes)
    assert minutes == MOST_MIN
    assert _next_span(1000, 100, 1000) == 100


def test_of_a_minute_looked_at_again_the_last_row_is_labelled(tmp_path):
    (tmp_path / "lane-0").mkdir()
    for part, rows in enumerate(([(60, 1.0), (60, 2.0), (120, 3.0)], [(120, 4.0), (180, 5.0)])):
        table = pl.DataFrame(
            {
                "asset": ["a"] * len(rows),
                "window_end_us": [t for t, _ in rows],
                "since_us": 0,
                "x": [x for _, x in rows],
            }
        )
        table.write_parquet(tmp_path / "lane-0" / f"features-{part:06}.parquet")
    assert label(tmp_path, Outcomes([], 10**9)) == 3
    found = pl.read_parquet(tmp_path / FOLDER / "*.parquet").sort("window_end_us")
    assert found.select("window_end_us", "x").rows() == [(60, 2.0), (120, 4.0), (180, 5.0)]


def test_values_of_the_store_that_are_of_no_signal_by_now_are_counted_and_told():
    layout, dropped = Layout("pump", tiny.plant().types["pump"]), Counter()
    table = pl.DataFrame(
        {
            "asset": ["a", "a"],
            "time_us": [1, 2],
            "gone": [1.0, None],
            "is_running": ["yes", None],
            "temp_degc": ["1.0", "warm"],
        }
    )
    typed = _typed(table, layout, dropped)
    assert typed.rows() == [("a", 1, None, 1.0), ("a", 2, None, None)]
    assert [(letter.reason, letter.detail) for letter in _letters("tiny", dropped)] == [
        (Reject.UNKNOWN_SIGNAL, "1 values of pump.gone in the store"),
        (Reject.WRONG_KIND, "1 values of pump.is_running in the store"),
        (Reject.WRONG_KIND, "1 values of pump.temp_degc in the store"),
    ]
