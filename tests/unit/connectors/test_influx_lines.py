"""Line protocol: what stands in a line, what gives none, and what is refused."""

from __future__ import annotations

import dataclasses
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.influx.batches import Batch, all_dropped, divide
from connectors.influx.lines import encode
from pipelines.ports import Rows


def rows(**fields: list) -> Rows:
    length = len(next(iter(fields.values())))
    columns = {
        name: np.array(values, dtype=np.float64 if isinstance(values[0], float) else object)
        for name, values in fields.items()
    }
    return Rows("pump", "demo", ("p 1", "p,2"), np.arange(length) % 2, np.arange(length), columns)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_any_float_is_written_so_that_it_reads_back_bit_equal(values: list[float]) -> None:
    text = encode(rows(x=values)).text.to_list()
    read = [float(line.split("x=")[1].split(" ")[0]) for line in text]
    assert [struct.pack(">d", value) for value in read] == [struct.pack(">d", value) for value in values]


def test_a_line_is_measurement_sorted_tags_fields_and_time() -> None:
    lines = encode(rows(x=[1.0, 1e22], on=[True, None], note=['a"b\\', "c d"]))
    assert lines.text.to_list() == [
        r'pump,asset=p\ 1,plant=demo x=1.0,on=true,note="a\"b\\" 0',
        r'pump,asset=p\,2,plant=demo x=1e+22,note="c d" 1',
    ]


def test_rows_that_are_of_no_asset_have_the_tag_they_name() -> None:
    named = dataclasses.replace(rows(x=[1.0]), tag="partition")
    assert encode(named).text.to_list() == [r"pump,partition=p\ 1,plant=demo x=1.0 0"]


def test_a_row_without_a_value_gives_no_line_and_the_others_keep_their_row() -> None:
    lines = encode(rows(x=[math.nan, 2.0, math.nan, 4.0]))
    assert lines.row.tolist() == [1, 3]
    assert not lines.refused


def test_an_infinite_number_refuses_its_row_only() -> None:
    lines = encode(rows(x=[1.0, math.inf, 3.0]))
    assert lines.row.tolist() == [0, 2]
    assert lines.refused == ((1, "field 'x' is infinite, which InfluxDB cannot hold"),)


@pytest.mark.parametrize("values", [[1, "a"], [True, "a"], ["a", 1.0], [{}], [b"x"]])
def test_a_column_of_no_known_kind_names_the_field(values: list) -> None:
    with pytest.raises(TypeError, match="field 'odd'"):
        encode(rows(odd=values))


def batch(count: int, fields: dict[str, list]) -> Batch:
    lines = encode(rows(**fields))
    return Batch(lines.text, np.zeros(count, int), lines.row, np.arange(count)[::-1])


@pytest.mark.parametrize(
    "words",
    [
        "partial write: points beyond retention policy dropped=3",
        "failure writing points to database: partial write: dropped 3 points outside retention policy of",
        'partial write: field type conflict: input field "x" on measurement "m" is type string, … dropped=3',
    ],
)
def test_the_count_of_dropped_lines_tells_whether_all_are_refused(words: str) -> None:
    assert all_dropped(batch(3, {"x": [1.0] * 3}), words)
    assert not all_dropped(batch(4, {"x": [1.0] * 4}), words)


def test_a_count_that_a_text_value_quotes_is_not_believed() -> None:
    words = """unable to parse 'm x="partial write: dropped=3",y 1': missing field value"""
    assert not all_dropped(batch(3, {"x": [1.0] * 3}), words)


def test_a_conflict_parts_the_lines_that_hold_its_field_from_the_others() -> None:
    whole = batch(6, {"x": [1.0] * 6, "y": [1.0, math.nan] * 3})
    apart = divide(whole, 'field type conflict: input field "y" on measurement "pump" is type float')
    assert [part.row.tolist() for part in apart] == [[1, 3, 5], [0, 2, 4]]


def test_otherwise_halves_are_by_time() -> None:
    assert [part.row.tolist() for part in divide(batch(5, {"x": [1.0] * 5}), "?")] == [[4, 3], [2, 1, 0]]
