"""Signals of a picture, of what InfluxDB answered to three questions."""

from __future__ import annotations

import polars as pl

from connectors.console.said import Column
from connectors.influx.flux import pivoted
from pipelines.cli.console_desk import _signals


def frame(*rows: tuple[int, float]) -> pl.DataFrame:
    """As InfluxDB answers of one signal."""
    times, values = zip(*rows, strict=True)
    return pl.DataFrame({"asset": ["p"] * len(rows), "time_us": times, "a": values})


def test_a_row_that_comes_between_two_questions_moves_no_value_to_another_step():
    found = {"mean": frame((0, 1.0), (20, 3.0)), "min": frame((0, 0.5), (10, 1.5), (20, 2.5)),
             "max": frame((20, 3.5), (0, 1.5))}  # fmt: skip
    told = _signals(found, ["a", "never"], 0, 30, 10)
    assert told.time_us == (0, 10, 20)
    assert told.signals == {"a": Column(mean=(1.0, None, 3.0), low=(0.5, 1.5, 2.5), high=(1.5, None, 3.5))}


def test_a_machine_without_rows_has_no_steps():
    told = _signals({which: pivoted([]) for which in ("mean", "min", "max")}, ["a"], 0, 30, 10)
    assert (told.time_us, told.signals) == ((), {})
