"""Flux's CSV: blocks of one type, quoted values that look like one, and errors that come as a table."""

from __future__ import annotations

import pytest

from connectors.influx.flux import QueryRefused, frames, pivoted, question

FLOATS = (
    b"#datatype,string,long,dateTime:RFC3339,double,string,string\r\n"
    b",result,table,_time,_value,_field,asset\r\n"
    b",_result,0,2023-11-14T22:13:20Z,1.5,x,p1\r\n"
    b",_result,0,2023-11-14T22:13:20.000001Z,-0,x,p1\r\n\r\n"
)
TEXTS = (
    b"#datatype,string,long,dateTime:RFC3339,string,string,string\r\n"
    b",result,table,_time,_value,_field,asset\r\n"
    b',_result,1,2023-11-14T22:13:20Z,"a\r\n\r\n#datatype,""b""",note,p1\r\n\r\n'
)


def test_blocks_of_several_types_become_one_row_a_moment() -> None:
    assert pivoted(list(frames(FLOATS + TEXTS + FLOATS.replace(b",x,", b",y,")))).to_dicts() == [
        {"asset": "p1", "time_us": 1_700_000_000_000_000, "note": 'a\n\n#datatype,"b"', "x": 1.5, "y": 1.5},
        {"asset": "p1", "time_us": 1_700_000_000_000_001, "note": None, "x": -0.0, "y": -0.0},
    ]


def test_an_empty_reply_is_no_row() -> None:
    assert pivoted(list(frames(b"\r\n"))).columns == ["asset", "time_us"]


def test_an_error_table_is_raised_in_its_words() -> None:
    reply = b"#datatype,string,string\r\n,error,reference\r\n,query ran out of memory,897\r\n\r\n"
    with pytest.raises(QueryRefused, match="query ran out of memory"):
        list(frames(reply))


def test_a_field_that_changed_its_type_is_told_by_name() -> None:
    with pytest.raises(QueryRefused, match="x"):
        pivoted(list(frames(FLOATS + TEXTS.replace(b",note,", b",x,"))))


def test_names_cannot_end_a_flux_string() -> None:
    flux = question('b"', 'm${x}"\\', 0, 1, ['a" or true'], ("_time",))
    assert r'bucket: "b\""' in flux
    assert r'"m\${x}\"\\"' in flux
    assert r'r.asset == "a\" or true"' in flux
