"""What of a history cannot be used is told with file and line, and never stops the rest."""

from __future__ import annotations

import gzip

import polars as pl
import pytest

from connectors.files import lines
from connectors.files.shape import Columns, Shape, read_shape
from connectors.files.table import MapError
from models.records import Maintenance, MaintenanceAction, Reject
from tests.unit.connectors.files.history_kit import at, history, iso, letters_of, rows_of, stretches, write

HEADER = "asset,time_us,temp_degc\n"
GOOD = [f"pump-1,{at(0)},1", f"pump-1,{at(1)},2"]


def of_lines(folder, *bad: str, header: str = HEADER):
    """What a file gives with bad lines between good ones: its values, its letters."""
    path = folder / "a.csv"
    path.write_bytes((header + "\n".join([GOOD[0], *bad, GOOD[1]]) + "\n").encode("utf-8", "surrogateescape"))
    found = stretches(history(folder))
    values = [row["temp_degc"] for row in rows_of(found) if "temp_degc" in row]
    return values, [letter for each in found for letter in each.letters]


@pytest.mark.parametrize(
    ("line", "reason", "what"),
    [
        (f"pump-1,{at(2)}", Reject.NOT_A_RECORD, "the line has 2 cells, and the header 3"),
        (f"pump-1,{at(2)},1,9", Reject.NOT_A_RECORD, "the line has 4 cells, and the header 3"),
        (f'pump-1,{at(2)},"1', Reject.NOT_A_RECORD, "unexpected end of data"),
        (f"pump-1,{at(2)},\udcff", Reject.UNREADABLE, "bytes that are no utf-8-sig: set encoding"),
        (f"pump-1,{at(2)},warm", Reject.NOT_A_NUMBER, "'temp_degc' says 'warm', no number"),
        ("pump-1,yesterday,1", Reject.NO_TIME, "'time_us' says 'yesterday', which is no time"),
        ("pump-1,,1", Reject.NO_TIME, "'time_us' says '', which is no time"),
        ("pump-1,1767225600,1", Reject.FAR_PAST, "is time_format right?"),
    ],
)
def test_a_bad_line_is_told_with_its_number_and_beginning(tmp_path, line, reason, what):
    values, letters = of_lines(tmp_path, line)
    assert values == [1.0, 2.0]
    (letter,) = letters
    assert letter.detail.startswith(f"{tmp_path / 'a.csv'}, line 3: ")
    assert letter.reason is reason and what in letter.detail
    assert letter.payload == line.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def test_all_that_a_bad_cell_stands_beside_is_kept(tmp_path):
    write(tmp_path / "a.csv", f"asset,time_us,temp_degc,pressure_bar\npump-1,{at(0)},warm,5\n")
    assert rows_of(stretches(history(tmp_path))) == [{"asset": "pump-1", "minute": 0.0, "pressure_bar": 5.0}]


def test_twenty_bad_lines_of_a_kind_are_told_and_the_others_counted(tmp_path):
    _, letters = of_lines(tmp_path, *["x"] * 30, *[f"pump-1,{at(2)},warm"] * 25)
    assert len(letters) == 42
    assert sorted(letter.detail.partition(": ")[2] for letter in letters if "more" in letter.detail) == [
        "10 more lines with another number of cells",
        "5 more lines with no number in 'temp_degc'",
    ]


def test_letters_are_of_a_span_or_have_no_time_and_no_stretch_has_them(tmp_path):
    text = HEADER + "".join(f"pump-1,{at(m)},{'warm' if m == 5 else m}\n" for m in range(10)) + "x\n"
    write(tmp_path / "a.csv", text)
    of = history(tmp_path)
    assert letters_of(of.stretches(at(0), at(9), ["pump-1"], 2)) == []
    lines = [
        sorted(letter.detail.split(":")[0].split()[-1] for letter in of.letters(*span))
        for span in ((at(0), at(9)), (at(0), at(5)), (at(5), at(6)), (at(6), at(9)))
    ]
    assert lines == [["12", "7"], ["12"], ["12", "7"], ["12"]]


def test_bad_cells_of_sorted_files_come_with_the_stretch_of_their_row(tmp_path):
    cells = ["warm" if m == 5 else str(m) for m in range(10)]
    made = pl.DataFrame({"asset": ["pump-1"] * 10, "time_us": [at(m) for m in range(10)], "temp_degc": cells})
    made.write_parquet(tmp_path / "a.parquet")
    found = list(history(tmp_path, "*.parquet").stretches(at(0), at(10), ["pump-1"], 2))
    assert [len(each.letters) for each in found] == [0, 0, 1, 0, 0]


def test_bad_cells_of_parquet_are_told_by_row(tmp_path):
    made = pl.DataFrame(
        {"asset": ["pump-1"] * 3, "time_us": [at(m) for m in range(3)], "temp_degc": ["1", "warm", "3"]}
    )
    made.write_parquet(tmp_path / "a.parquet")
    made.reverse().write_parquet(tmp_path / "b.parquet")
    found = stretches(history(tmp_path, "*.parquet"))
    assert len(rows_of(found)) == 6
    assert sorted(letters_of(found)) == [
        f"{tmp_path}/{name}.parquet, row 2: 'temp_degc' says 'warm', no number" for name in "ab"
    ]


def test_assets_that_are_not_in_the_plant_are_one_letter_a_file(tmp_path):
    made = pl.DataFrame(
        {"asset": ["pump-1", "x", "y", "x"], "time_us": [at(m) for m in range(4)], "temp_degc": [1.0] * 4}
    )
    made.write_parquet(tmp_path / "a.parquet")
    made.write_csv(tmp_path / "b.csv")
    for name in ("a.parquet", "b.csv"):
        found = stretches(history(tmp_path, name), assets=["pump-1"])
        assert len(rows_of(found)) == 1
        assert letters_of(found) == [f"{tmp_path}/{name}: 3 rows of assets that are not in the plant, such as 'x', 'y'"]


def test_an_asset_that_was_not_asked_for_is_no_trouble(tmp_path):
    values, letters = of_lines(tmp_path, f"pump-2,{at(0)},7")
    assert letters == [] and len(values) == 3
    assert letters_of(stretches(history(tmp_path), assets=["pump-1"])) == []


def test_columns_that_nobody_knows_are_one_letter_a_file(tmp_path):
    write(tmp_path / "a.csv", f"asset,time_us,temp_degc,colour\npump-1,{at(0)},1,red\n")
    found = stretches(history(tmp_path))
    assert letters_of(found) == [f"{tmp_path}/a.csv: columns that are a signal of no asset type: 'colour'"]


def test_addresses_that_are_no_tag_are_one_letter_a_file(tmp_path):
    tags = f'[[tags]]\naddress = "T"\nasset = "fan-1"\nsignal = "temp_degc"\nfrom_us = {at(1)}\n'
    write(tmp_path / "w.csv", f"time,T,U\n{at(0)},1,2\n{at(1)},1,\n")
    found = stretches(history(tmp_path, "w.csv", tags=tags, shape=Shape(form="wide")))
    assert letters_of(found) == [
        f"{tmp_path}/w.csv: columns that are no tag of the plant: 'U'",
        f"{tmp_path}/w.csv: 1 values of columns that are no tag at their time, such as 'T'",
    ]
    write(tmp_path / "l.csv", f"tag,time,value\nT,{at(0)},1\nU,{at(1)},1\nT,{at(1)},1\n")
    found = stretches(history(tmp_path, "l.csv", tags=tags, shape=Shape(form="long")))
    assert letters_of(found) == [
        f"{tmp_path}/l.csv: 2 values of addresses that are no tag at their time, such as 'T', 'U'"
    ]
    assert len(rows_of(found)) == 1


def test_bad_quality_and_states_of_a_historian_are_counted_and_not_given(tmp_path):
    tags = '[[tags]]\naddress = "T"\nasset = "fan-1"\nsignal = "temp_degc"\n'
    cells = [
        ("1", "Good"),
        ("2", "Bad"),
        ("Bad Input", "192"),
        ("3", ""),
        ("4", "uncertain"),
        ("nan", "good"),
        ("", "x"),
    ]
    text = "".join(f"T,{iso(m)},{value},{quality}\n" for m, (value, quality) in enumerate(cells))
    write(tmp_path / "a.csv", "tag,time,value,q\n" + text)
    found = stretches(history(tmp_path, tags=tags, shape=Shape(form="long", columns=Columns(quality="q"))))
    assert [row["temp_degc"] for row in rows_of(found)] == [1.0, 3.0, 4.0]
    assert letters_of(found) == [
        f"{tmp_path}/a.csv: 2 values of bad quality",
        f"{tmp_path}/a.csv: 2 values that are states, or no finite numbers",
    ]


def test_a_file_that_cannot_be_read_is_a_letter(tmp_path):
    write(tmp_path / "good.csv", HEADER + GOOD[0] + "\n")
    write(tmp_path / "half.parquet", "PAR1")
    write(tmp_path / "empty.csv", "")
    write(tmp_path / "other.csv", "a,b\n1,2\n")
    write(tmp_path / "false.csv.gz", HEADER)
    packed = gzip.compress((HEADER + "".join(f"pump-1,{at(m)},{m}\n" for m in range(1000))).encode())
    (tmp_path / "cut.csv.gz").write_bytes(packed[: len(packed) // 2])
    found = stretches(history(tmp_path, "*.csv", "*.gz", "*.parquet"))
    assert len(rows_of(found)) >= 1
    told = letters_of(found)
    assert [f"{name}" for name in ("cut", "empty", "false", "half", "other") if any(name in one for one in told)] == [
        "cut",
        "empty",
        "false",
        "half",
        "other",
    ]
    assert len(told) == 5


def test_lines_that_are_cut_by_a_read_are_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "PIECE", 100)
    text = "\r\n".join(
        [HEADER.strip(), *(f'pump-1,{at(m)},"{m}"' if m % 7 == 0 else f"pump-1,{at(m)},{m}" for m in range(200))]
    )
    for name, data in (
        ("a.csv", text.encode()),
        ("b.csv.gz", gzip.compress(text.encode())),
        ("c.csv", b"\xef\xbb\xbf" + text.encode()),
    ):
        (tmp_path / name).write_bytes(data)
        found = stretches(history(tmp_path, name))
        assert [row["temp_degc"] for row in rows_of(found)] == [float(m) for m in range(200)]
        assert letters_of(found) == []


def test_another_encoding_delimiter_and_decimal(tmp_path):
    (tmp_path / "a.csv").write_bytes(f"asset;time_us;temp_degc;mode\npump-1;{at(0)};1,5;schön\n".encode("cp1252"))
    found = stretches(history(tmp_path, shape=Shape(encoding="cp1252", delimiter=";", decimal=",")))
    assert rows_of(found) == [{"asset": "pump-1", "minute": 0.0, "temp_degc": 1.5, "mode": "schön"}]
    assert letters_of(found) == []


def test_failures_and_repairs_come_with_their_stretch(tmp_path):
    write(tmp_path / "a.csv", HEADER + "".join(f"pump-1,{at(m)},1\n" for m in range(4)))
    events = write(
        tmp_path / "events" / "e.csv",
        f"asset,time,action,mode\npump-1,{iso(3)},repaired,\npump-1,{iso(1)},Failed,bearing\nfan-1,{iso(1)},failed,x\n"
        f"pump-1,{iso(1)},broken,x\npump-9,{iso(1)},failed,x\npump-1,soon,failed,x\n",
    )
    found = stretches(history(tmp_path, events=events), rows=2, assets=["pump-1"])
    failed = Maintenance(plant="p", asset="pump-1", time_us=at(1), action=MaintenanceAction.FAILED, mode="bearing")
    repaired = Maintenance(plant="p", asset="pump-1", time_us=at(3), action=MaintenanceAction.REPAIRED)
    assert [each.events for each in found] == [(failed,), (repaired,)]
    assert sorted(letters_of(found)) == [
        f"{events}, line 5: action is 'broken', but it is one of failed, repaired, recalibrated, sensor-replaced",
        f"{events}, line 6: 'pump-9' is no asset of the plant",
        f"{events}, line 7: 'time' says 'soon', which is no time",
    ]


def test_events_may_be_parquet(tmp_path):
    write(tmp_path / "a.csv", HEADER + GOOD[0] + "\n")
    pl.DataFrame({"asset": ["pump-1"], "time": [at(1)], "action": ["failed"]}).write_parquet(tmp_path / "e.parquet")
    (found,) = stretches(history(tmp_path, events=tmp_path / "e.parquet"))
    assert [event.time_us for event in found.events] == [at(1)]


@pytest.mark.parametrize(
    ("text", "shape", "said"),
    [
        ("", None, "is empty"),
        ("asset,when\npump-1,1\n", None, "no column 'time_us' or 'time' of times; it has"),
        ("asset;time\n", None, "is the delimiter ','"),
        ("time,temp_degc\n", None, r"no columns \['asset'\]"),
        ("asset,time,temp_degc\n", Shape(form="long"), r"no columns \['tag', 'value'\]"),
    ],
)
def test_files_that_do_not_fit_the_shape_are_an_error(tmp_path, text, shape, said):
    write(tmp_path / "a.csv", text)
    with pytest.raises(MapError, match=said):
        history(tmp_path, shape=shape)


def test_a_glob_that_matches_nothing_is_an_error(tmp_path):
    with pytest.raises(MapError, match=r"no file matches .*none\.csv"):
        history(tmp_path, "none.csv")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('form = "tall"', "line 1: form"),
        ('zone = "Mars"', "IANA"),
        ('time_format = "dmy"', "strptime"),
        ('delimiter = ",,"', "delimiter"),
        ('encoding = "x"', "encoding"),
        ("colums = {}", "colums"),
    ],
)
def test_a_wrong_shape_is_refused_with_what_to_do(tmp_path, text, said):
    with pytest.raises(MapError, match=said):
        read_shape(write(tmp_path / "shape.toml", text))


def test_a_letter_about_a_value_of_a_long_file_has_its_line(tmp_path):
    tags = '[[tags]]\naddress = "T"\nasset = "fan-1"\nsignal = "temp_degc"\n'
    write(tmp_path / "a.csv", f"tag;time;value\nT;{at(0)};warm\n")
    found = stretches(history(tmp_path, tags=tags, shape=Shape(form="long", delimiter=";")))
    assert [letter.payload for each in found for letter in each.letters] == [f"T;{at(0)};warm"]


def test_rows_of_parquet_without_a_time_are_told_and_the_others_given(tmp_path):
    made = pl.DataFrame({"asset": ["pump-1"] * 3, "time_us": [at(0), None, at(1)], "temp_degc": [1.0, 2.0, 3.0]})
    made.write_parquet(tmp_path / "a.parquet")
    found = stretches(history(tmp_path, "*.parquet"))
    assert [row["temp_degc"] for row in rows_of(found)] == [1.0, 3.0]
    assert letters_of(found) == [f"{tmp_path}/a.parquet, row 2: 'time_us' says '', which is no time"]


def test_a_work_folder_that_cannot_be_written_is_an_error(tmp_path):
    write(tmp_path / "a.csv", HEADER + GOOD[0] + "\n")
    write(tmp_path / "work", "a file where the folder should be")
    with pytest.raises(MapError, match="cannot be written"):
        stretches(history(tmp_path))


def test_a_few_bad_lines_among_many_cost_nothing_but_themselves(tmp_path):
    lines_of = [f"pump-1,{at(m)},{m}" for m in range(1000)]
    for bad in (0, 333, 334, 999):
        lines_of[bad] = "bad"
    write(tmp_path / "a.csv", HEADER + "\n".join(lines_of) + "\n")
    found = stretches(history(tmp_path))
    assert [row["temp_degc"] for row in rows_of(found)] == [m for m in range(1000) if m not in (0, 333, 334, 999)]
    assert [letter.partition(": ")[0][-9:].split()[-1] for letter in letters_of(found)] == ["2", "335", "336", "1001"]


@pytest.mark.parametrize("place", [0, 150, 299])
def test_a_bad_line_may_be_longer_than_all_others_together(tmp_path, place):
    lines_of = [f"pump-1,{at(m)},{m}" for m in range(300)]
    lines_of[place] = "x" * 100_000
    write(tmp_path / "a.csv", HEADER + "\n".join(lines_of) + "\n")
    found = stretches(history(tmp_path))
    assert len(rows_of(found)) == 299 and len(letters_of(found)) == 1
