"""What is in a file becomes readings at their own time, or a reason; by hand, without a loop."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.files.texts import STATES
from connectors.scada.documents import Wrong
from connectors.scada.feed import FeedError, Read, Reading
from connectors.scada.feeds.files import Columns, Config, open_feed
from connectors.scada.feeds.files.opened import BATCH, LINE_CHARS, TOLD_LINES, Stamp, reads, stamp_of
from connectors.scada.feeds.files.times import Times
from models.records import Quality, Reject

AT_US = 1_769_835_600_000_000  # date -u -d 2026-01-31T05:00:00Z +%s
AT = "2026-01-31T05:00:00Z"
BRUSSELS = "Europe/Brussels"


def config(shape: str = "long", **more) -> Config:
    return Config(folder="in", format=shape, **more)


def of(tmp_path: Path, body: bytes | str, name: str = "x.csv", shape: str = "long", **more) -> Read:
    file = tmp_path / name
    file.write_bytes(body if isinstance(body, bytes) else body.encode())
    pieces = list(reads(config(shape, **more), file, stamp_of(file)))
    return Read([one for p in pieces for one in p.readings], [one for p in pieces for one in p.unread])


def bad(address: str) -> Reading:
    return Reading(address, AT_US, None, Quality.BAD)


def values(tmp_path: Path, *cells: str, **more) -> list:
    body = "tag;time;value\n" + "".join(f"a;{AT};{cell}\n" for cell in cells)
    return [one.value for one in of(tmp_path, body, delimiter=";", **more).readings]


def test_a_line_of_a_long_file_is_a_reading(tmp_path: Path) -> None:
    assert of(tmp_path, f"value,tag,time\n4.25,P1,{AT}\n").readings == [Reading("P1", AT_US, 4.25)]


def test_a_column_of_a_wide_file_is_an_address(tmp_path: Path) -> None:
    read = of(tmp_path, f"time,P1,T1\n{AT},4.25,60\n", shape="wide", prefix="L1/")
    assert read.readings == [Reading("L1/P1", AT_US, 4.25), Reading("L1/T1", AT_US, 60)]


@pytest.mark.parametrize(("header", "asks"), [("timestamp,P301.N", True), ("timestamp;P301.N", False)])
def test_a_header_of_one_column_asks_whether_the_delimiter_is_right(tmp_path: Path, header: str, asks: bool) -> None:
    (unread,) = of(tmp_path, f"{header}\n", shape="wide", delimiter=";").unread
    assert "no column 'time'" in unread.detail and ("is `delimiter` ';' right?" in unread.detail) == asks


def test_an_empty_cell_of_a_wide_file_is_no_reading(tmp_path: Path) -> None:
    assert of(tmp_path, f"time,P1,T1\n{AT},, 7\n", shape="wide").readings == [Reading("T1", AT_US, 7)]


def test_an_empty_value_of_a_long_file_is_bad(tmp_path: Path) -> None:
    assert of(tmp_path, f"tag,time,value\nP1,{AT},\n").readings == [bad("P1")]


def test_a_line_of_json_is_a_reading_at_its_paths(tmp_path: Path) -> None:
    body = '{"d": {"id": "P1", "v": [0, 2.5]}, "t": 1769835600000}\n{"d": {"id": "P1", "v": [0, "12"]}, "t": 0}\n'
    columns = Columns(tag="d.id", value="d.v.1", time="t")
    read = of(tmp_path, body, shape="jsonl", columns=columns, time_format="ms")
    assert read.readings == [Reading("P1", AT_US, 2.5), Reading("P1", 0, "12")]


def test_parquet_is_read_with_its_own_types(tmp_path: Path) -> None:
    when = datetime(2026, 1, 31, 5, tzinfo=UTC)
    table = {"time": [when] * 3, "tag": ["a", "b", "c"], "value": [1.5, None, float("nan")]}
    polars.DataFrame(table).write_parquet(tmp_path / "made")
    read = of(tmp_path, (tmp_path / "made").read_bytes(), "x.parquet")
    assert read.readings == [Reading("a", AT_US, 1.5), bad("b"), bad("c")]


def test_a_time_of_parquet_without_a_zone_is_of_the_configs(tmp_path: Path) -> None:
    polars.DataFrame({"time": [datetime(2026, 1, 31, 6)], "P1": [1.5]}).write_parquet(tmp_path / "made")
    read = of(tmp_path, (tmp_path / "made").read_bytes(), "x.parquet", "wide", zone=BRUSSELS)
    assert read.readings == [Reading("P1", AT_US, 1.5)]


def test_a_long_parquet_comes_in_batches_with_nothing_missing(tmp_path: Path) -> None:
    count = 2 * BATCH + 7
    polars.DataFrame({"time": range(count), "P1": range(count)}).write_parquet(tmp_path / "x.parquet")
    file = tmp_path / "x.parquet"
    pieces = list(reads(config("wide", time_format="us"), file, stamp_of(file)))
    assert max(len(piece.readings) for piece in pieces) == BATCH
    assert [one.value for piece in pieces for one in piece.readings] == list(range(count))


@pytest.mark.parametrize("state", [*STATES, "i/o timeout", " Bad Input ", "NaN", "inf"])
def test_a_digital_state_is_a_bad_reading(tmp_path: Path, state: str) -> None:
    assert of(tmp_path, f"tag,time,value\nP1,{AT},{state}\n").readings == [bad("P1")]
    assert of(tmp_path, f"time,P1\n{AT},{state}\n", shape="wide").readings == [bad("P1")]


def test_a_digital_state_in_json_is_a_bad_reading(tmp_path: Path) -> None:
    body = f'{{"tag": "P1", "time": "{AT}", "value": "No Data"}}'
    assert of(tmp_path, body, shape="jsonl").readings == [bad("P1")]


def test_states_can_be_more_and_can_be_none(tmp_path: Path) -> None:
    assert values(tmp_path, "Not Connect", "Shutdown", more_states=("Not Connect",)) == [None, None]
    assert values(tmp_path, "Shutdown", states=()) == ["Shutdown"]


def test_a_decimal_comma_is_one(tmp_path: Path) -> None:
    assert values(tmp_path, "1,5", "-1,5e3", ",5", "7", decimal=",") == [1.5, -1500.0, 0.5, 7]


def test_a_point_where_the_decimal_is_a_comma_is_no_number(tmp_path: Path) -> None:
    assert values(tmp_path, "1.234", "1.234,5", decimal=",") == ["1.234", "1.234,5"]


def test_what_python_alone_holds_to_be_a_number_is_text(tmp_path: Path) -> None:
    assert values(tmp_path, "1_000", "٣", "0x10", "1,5") == ["1_000", "٣", "0x10", "1,5"]


def test_a_number_that_no_float_holds_is_bad(tmp_path: Path) -> None:
    assert values(tmp_path, "1e999", "9" * 400) == [None, None]


def test_truths_and_words_are_kept(tmp_path: Path) -> None:
    assert values(tmp_path, "True", "FALSE", "auto") == [True, False, "auto"]


@pytest.mark.parametrize(
    ("said", "means"),
    [("Good", Quality.GOOD), ("192", Quality.GOOD), ("", Quality.GOOD), ("64", Quality.UNCERTAIN), ("0", Quality.BAD)],
)
def test_a_quality_is_what_the_config_holds_it_to_be(tmp_path: Path, said: str, means: Quality) -> None:
    read = of(tmp_path, f"tag,time,value,q\na,{AT},1.5,{said}\n", columns=Columns(quality="q"))
    assert read.readings == [Reading("a", AT_US, None if means is Quality.BAD else 1.5, means)]


def test_a_compressed_file_is_read(tmp_path: Path) -> None:
    body = gzip.compress(f"tag,time,value\na,{AT},1\n".encode())
    assert of(tmp_path, body, "x.csv.gz").readings == [Reading("a", AT_US, 1)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_file_is_read_in_its_encoding(tmp_path: Path, encoding: str) -> None:
    body = f"tag,time,value\r\npompé,{AT},1\r\n".encode(encoding)
    assert of(tmp_path, body, encoding=encoding).readings == [Reading("pompé", AT_US, 1)]


# Times. Checked by: TZ=Europe/Brussels date -d ..., and date -u -d 2026-10-25T00:30:00Z +%s


def us(said: object, **more) -> int:
    return Times(config(**more)).us(said)


@pytest.mark.parametrize(
    ("said", "time_format"),
    [
        ("2026-01-31T05:00:00Z", "iso"),
        ("2026-01-31 06:00:00", "iso"),
        ("2026-01-31T08:00:00+03:00", "iso"),
        ("31/01/2026 06:00", "%d/%m/%Y %H:%M"),
        ("31-Jan-26 06:00:00", "%d-%b-%y %H:%M:%S"),
        ("2026-01-31 08:00 +0300", "%Y-%m-%d %H:%M %z"),
        ("1769835600", "s"),
        (1769835600, "s"),
        (1769835600.0, "s"),
        ("1769835600000", "ms"),
        (AT_US, "us"),
    ],
)
def test_a_time_is_read_in_its_format(said: object, time_format: str) -> None:
    assert us(said, time_format=time_format, zone=BRUSSELS) == AT_US


def test_a_part_of_a_second_is_kept() -> None:
    assert us("1769835600.123456", time_format="s") == AT_US + 123_456


@pytest.mark.parametrize(("fold", "utc_s"), [("first", 1_792_888_200), ("second", 1_792_891_800)])
def test_the_hour_that_comes_twice_is_the_one_that_the_config_says(fold, utc_s: int) -> None:
    assert us("2026-10-25T02:30:00", zone=BRUSSELS, fold=fold) == utc_s * 1_000_000


@pytest.mark.parametrize(
    ("said", "utc_s"),
    [("2026-10-25T01:59:59", 1_792_886_399), ("2026-10-25T03:00:00", 1_792_893_600)],
)
@pytest.mark.parametrize("fold", ["first", "second", "refuse"])
def test_around_that_hour_there_is_one_time(said: str, utc_s: int, fold) -> None:
    assert us(said, zone=BRUSSELS, fold=fold) == utc_s * 1_000_000


def test_a_time_that_comes_twice_with_its_offset_is_one() -> None:
    assert us("2026-10-25T02:30:00+01:00", zone=BRUSSELS) == 1_792_891_800_000_000


@pytest.mark.parametrize(
    ("said", "utc_s"), [("2026-03-29T01:59:59", 1_774_745_999), ("2026-03-29T03:00:00", 1_774_746_000)]
)
def test_a_second_before_and_after_the_gap_follow_one_another(said: str, utc_s: int) -> None:
    assert us(said, zone=BRUSSELS) == utc_s * 1_000_000


@pytest.mark.parametrize("fold", ["first", "second", "refuse"])
@pytest.mark.parametrize("said", ["2026-03-29T02:00:00", "2026-03-29T02:30:00", "2026-03-29T02:59:59"])
def test_a_local_time_that_does_not_exist_is_no_time(tmp_path: Path, said: str, fold) -> None:
    read = of(tmp_path, f"tag,time,value\na,{said},1\n", zone=BRUSSELS, fold=fold)
    assert not read.readings
    assert [one.reason for one in read.unread] == [Reject.NO_TIME]


@pytest.mark.parametrize(
    ("said", "more"),
    [
        ("2026-10-25T02:30:00", {"zone": BRUSSELS}),
        ("2026-01-31T06:00:00", {}),
        ("0001-01-01T00:00:00", {"zone": BRUSSELS}),
        ("yesterday", {}),
        ("", {}),
        (None, {}),
        (True, {"time_format": "s"}),
        ("9" * 20, {"time_format": "s"}),
        ("1e9", {"time_format": "s"}),
        (float("nan"), {"time_format": "s"}),
        (1e308, {"time_format": "us"}),
        ("31/02/2026", {"time_format": "%d/%m/%Y", "zone": BRUSSELS}),
    ],
)
def test_what_is_no_time_is_refused_as_such(said: object, more: dict) -> None:
    with pytest.raises(Wrong) as wrong:
        us(said, **more)
    assert wrong.value.reason is Reject.NO_TIME


# Rubbish


def test_a_bad_line_costs_itself_alone(tmp_path: Path) -> None:
    lines = ["a,%s,1", "a,yesterday,2", '"a,%s,3', "a,%s", "a,%s,5,6", "b\xff,%s,7", ",%s,8", "a,%s,9"]
    body = "\n".join(["tag,time,value", *lines]).replace("%s", AT).encode("latin-1")
    read = of(tmp_path, body)
    assert [one.value for one in read.readings] == [1, 9]
    record, text = Reject.NOT_A_RECORD, Reject.UNREADABLE
    assert [one.reason for one in read.unread] == [Reject.NO_TIME, record, record, record, text, record]
    assert "x.csv, line 3:" in read.unread[0].detail
    assert read.unread[0].payload == b"a,yesterday,2\n"


def test_many_bad_lines_are_told_one_by_one_up_to_a_bound_and_then_counted(tmp_path: Path) -> None:
    read = of(tmp_path, "tag,time,value\n" + "a,never,1\n" * (TOLD_LINES + 12))
    assert len(read.unread) == TOLD_LINES + 1
    assert read.unread[-1].detail == "x.csv: 12 more lines could not be read"


@pytest.mark.parametrize(
    ("body", "name", "shape"),
    [
        (b"", "x.csv", "long"),
        (b"\n\n", "x.csv", "wide"),
        (b"tag,when,value\n", "x.csv", "long"),
        (b"tag,time,time,value\n", "x.csv", "long"),
        (b"time,a,a\n", "x.csv", "wide"),
        (b"\x00\xff\x1f\x8b" * 100, "x.csv", "long"),
        (b"no gzip", "x.csv.gz", "long"),
        (gzip.compress(b"tag,time,value\n", mtime=0)[:-4], "x.csv.gz", "long"),
        (b"PAR1 rubbish PAR1", "x.parquet", "long"),
        (b"", "x.parquet", "long"),
        (b"PAR1", "x.parquet", "jsonl"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_once(tmp_path: Path, body: bytes, name: str, shape: str) -> None:
    read = of(tmp_path, body, name, shape)
    assert not read.readings
    (one,) = read.unread
    assert name in one.detail


def test_a_cut_gz_gives_what_is_before_the_cut(tmp_path: Path) -> None:
    whole = gzip.compress("".join(["tag,time,value\n", *(f"a{i},{AT},{i}\n" for i in range(9000))]).encode())
    read = of(tmp_path, whole[: len(whole) // 2], "x.csv.gz")
    assert 1000 < len(read.readings) < 9000
    assert read.unread[-1].reason is Reject.UNREADABLE


def test_a_line_without_an_end_is_too_large_and_the_next_is_read(tmp_path: Path) -> None:
    read = of(tmp_path, f"tag,time,value\n{'x' * (3 * LINE_CHARS)}\na,{AT},1\n")
    assert [one.reason for one in read.unread] == [Reject.TOO_LARGE]
    assert len(read.unread[0].payload) == 2048
    assert read.readings == [Reading("a", AT_US, 1)]


def test_the_last_half_of_a_line_of_a_file_that_grew_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text(f"tag,time,value\na,{AT},1\na,{AT},12.3")
    whole = stamp_of(file)
    assert sum(len(piece.readings) for piece in reads(config(), file, whole)) == 2
    assert sum(len(piece.readings) for piece in reads(config(), file, Stamp(whole.size - 4, whole.mtime_ns))) == 1


@given(st.binary(max_size=300), st.sampled_from(["long", "wide", "jsonl"]), st.sampled_from(["", ".gz", ".parquet"]))
def test_rubbish_never_raises(tmp_path_factory, body: bytes, shape: str, suffix: str) -> None:
    heads = {"long": b"tag,time,value\n", "wide": b"time,a\n", "jsonl": b""}
    body = heads[shape] + body
    of(tmp_path_factory.mktemp("r"), gzip.compress(body) if suffix == ".gz" else body, f"x{suffix}", shape)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"period_s": 0.0}, "period_s"),
        ({"period_s": float("nan")}, "period_s"),
        ({"delimiter": ";;"}, "delimiter"),
        ({"decimal": ","}, "delimiter"),
        ({"encoding": "utf-9"}, "encoding"),
        ({"zone": "Europe/Atlantis"}, "zone"),
        ({"zone": "../etc/passwd"}, "zone"),
        ({"time_format": "dd/mm/yyyy", "zone": BRUSSELS}, "time_format"),
        ({"time_format": "%H:%M", "zone": BRUSSELS}, "year, month and day"),
        ({"time_format": "%d/%m/%Y %H:%M"}, "give the zone"),
        ({"folder": "/no/such/folder"}, "no folder"),
    ],
)
def test_a_config_that_cannot_work_is_refused_with_what_to_do(tmp_path: Path, more: dict, says: str) -> None:
    with pytest.raises(FeedError, match=says):
        open_feed(Config(**{"folder": str(tmp_path), "format": "long", "state": str(tmp_path.parent / "s")} | more))


def test_the_state_may_not_lie_in_the_folder(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="set `state`, or FOREWARN_CACHE, to a place elsewhere"):
        open_feed(Config(folder=str(tmp_path), format="long", state=str(tmp_path / "state.jsonl")))


def test_a_wide_file_comes_in_batches_with_nothing_missing(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("time,a,b,c\n" + "".join(f"{at},{at},{at},{at}\n" for at in range(BATCH)))
    pieces = list(reads(config("wide", time_format="us"), file, stamp_of(file)))
    assert max(len(piece.readings) for piece in pieces) == BATCH
    assert [one.value for piece in pieces for one in piece.readings] == [at for at in range(BATCH) for _ in "abc"]


def test_a_quote_that_is_never_closed_makes_no_value(tmp_path: Path) -> None:
    read = of(tmp_path, f'tag,time,value\na,{AT},"12\na,{AT},"13"\n')
    assert [one.value for one in read.readings] == [13]
    assert [one.reason for one in read.unread] == [Reject.NOT_A_RECORD]
