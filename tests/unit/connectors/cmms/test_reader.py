"""Lists as they come: encodings, numbers, equipment, codes; and what cannot be used, told with its line."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.cmms.maps import SHIPPED, read_map
from connectors.cmms.reader import read_equipment
from connectors.files.table import MapError
from models.failure.documents import Finding, Kind
from models.failure.labels import decoded, encoded
from models.failure.merging import merged
from tests.unit.connectors.cmms.kit import one, taken, told, written

HEAD = "number,asset,kind,reported,finished,mode,found,hours,breakdown"
GOOD = "1,pump-01,breakdown,2026-01-31T06:00:00Z,2026-01-31T14:00:00Z,VIB,,,"
SIX_US = 1_769_839_200_000_000  # date -u -d 2026-01-31T06:00 +%s
HOUR_US = 3_600_000_000


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-8", ","), ("utf-8-sig", ";"), ("latin-1", ";"), ("cp1252", "\t")]
)
def test_encoding_and_delimiter_are_found_out(tmp_path, encoding, delimiter):
    lines = [
        delimiter.join(["number", "asset", "reported", "text"]),
        delimiter.join(["1", "pump-01", "20260131", "läuft"]),
    ]
    assert one(written(tmp_path, *lines, encoding=encoding)).text == "läuft"


def test_times_without_an_offset_are_of_the_plants_time_zone_unless_another_is_named(tmp_path):
    path = written(tmp_path, "number,asset,reported", "1,pump-01,2026-01-31 07:00")
    assert one(path).reported_us == SIX_US
    assert one(path, zone="UTC").reported_us == SIX_US + HOUR_US


def test_a_document_has_all_that_its_row_says(tmp_path):
    document = one(written(tmp_path, HEAD, GOOD))
    assert (document.kind, document.breakdown, document.finding, document.mode) == (
        Kind.REPAIR, True, Finding.DAMAGE, "VIB",
    )  # fmt: skip
    assert (document.reported_us, document.finished_us) == (SIX_US, SIX_US + 8 * HOUR_US)


def test_without_an_end_the_duration_tells_it(tmp_path):
    row = '1,pump-01,repair,2026-01-31T06:00:00Z,,,,"2,5",'
    assert one(written(tmp_path, HEAD, row)).finished_us == SIX_US + round(2.5 * HOUR_US)


@pytest.mark.parametrize(("flag", "is_breakdown"), [("X", True), ("ja", True), ("1", True), ("0", False), ("", False)])
def test_a_breakdown_flag_is_read_as_the_map_says(tmp_path, flag, is_breakdown):
    assert one(written(tmp_path, HEAD, f"1,pump-01,repair,20260131,,,,,{flag}")).breakdown is is_breakdown


@pytest.mark.parametrize(
    ("cells", "finding"),
    [("VIB,", Finding.DAMAGE), (",nothing", Finding.NOTHING), (",damage", Finding.DAMAGE), (",", Finding.UNSAID)],
)
def test_what_was_found_is_what_code_or_word_say(tmp_path, cells, finding):
    assert one(written(tmp_path, HEAD, f"1,pump-01,repair,20260131,,{cells},,")).finding is finding


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (
            ",pump-01,repair,20260131,,,,,",
            "not-a-record: list.csv, line 3: the document has no number in number, document",
        ),
        ("2,pump-09,repair,20260131,,,,,", "unknown-asset: list.csv, line 3: 'pump-09' is no asset of the plant"),
        ("2,,repair,20260131,,,,,", "unknown-asset: list.csv, line 3: '' is no asset of the plant"),
        ("2,pump-01,paint,20260131,,,,,", "not-a-record: list.csv, line 3: the kind of work is 'paint'"),
        ("2,pump-01,repair,31.02.2026,,,,,", "no-time: list.csv, line 3: reported: '31.02.2026' is no time"),
        ("2,pump-01,repair,,,,,,", "no-time: list.csv, line 3: nothing in reported, time says when"),
        ("2,pump-01,repair,20260131,soon,,,,", "no-time: list.csv, line 3: finished: 'soon' is no time"),
        ("2,pump-01,repair,19700131,,,,,", "far-past: list.csv, line 3: reported: '19700131' is not from 2000"),
        ("2,pump-01,repair,20260131,,,,long,", "not-a-number: list.csv, line 3: the duration 'long"),
        ("2,pump-01,repair,20260131,,,,nan,", "not-a-number: list.csv, line 3: the duration 'nan"),
        ("2,pump-01,repair,20260131,,,,1e12,", "not-a-number: list.csv, line 3: the duration '1e12"),
        (
            "9" * 201 + ",pump-01,repair,20260131,,,,,",
            "not-a-record: list.csv, line 3: the document's number is longer",
        ),
        ("2,pump-01,repair,20260131,,,,,perhaps", "not-a-record: list.csv, line 3: the breakdown flag is 'perhaps'"),
        ("2,pump-01", "not-a-record: list.csv, line 3: the line has 2 cells, and the header 9"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_line_and_the_rest_is_used(tmp_path, line, what):
    found = taken(written(tmp_path, HEAD, GOOD, line, GOOD.replace("1,", "3,", 1)))
    (said,) = told(found)
    assert said.startswith(what)
    assert [document.number for document in found.documents] == ["1", "3"]
    assert found.used == 2


CELLS = st.text(st.characters(codec="utf-8", exclude_characters='"\r\n,', exclude_categories=["Cs"]), max_size=8)
WORDS = st.sampled_from(["pump-01", "planned", "20260131", "nan", "-1", "1e999", "nothing", "x", "", "0", "9" * 300])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), CELLS | WORDS), max_size=12))
def test_whatever_a_cell_says_its_row_is_used_or_told_and_labels_can_be_read_again(changes):
    rows = [[cell if at == changed else good for at, good in enumerate(GOOD.split(","))] for changed, cell in changes]
    with TemporaryDirectory() as folder:
        found = taken(written(Path(folder), HEAD, *(",".join(cells) for cells in rows)))
    assert (found.rows, found.used + len(found.letters)) == (len(rows), len(rows))
    lines = encoded(merged((), found.documents).labels)
    assert encoded(decoded(lines)) == lines


def test_every_row_is_used_told_or_void(tmp_path):
    lines = [f"{n},pump-09,repair,20260131,,,,," for n in range(30)]
    found = taken(written(tmp_path, HEAD, GOOD, *lines))
    assert (found.rows, found.used, found.void) == (31, 1, 0)
    assert len(found.letters) == 21 and found.letters[-1].detail.endswith("10 more lines with unknown equipment")


def test_equipment_is_the_asset_that_a_map_or_a_file_says_with_or_without_zeros(tmp_path):
    path = written(tmp_path, "QMNUM;EQUNR;TPLNR;AUSVN", "1;000000000010012345;X-1;20260131", "2;;X-2;20260131")
    ids = written(tmp_path, "equipment;asset", "10012345;pump-01", "X-2;pump-02", name="ids.csv")
    found = taken(path, system="sap-pm", equipment=read_equipment(ids))
    assert [(one.number, one.asset) for one in found.documents] == [("1", "pump-01"), ("2", "pump-02")]


def test_a_file_of_equipment_without_its_columns_is_an_error(tmp_path):
    with pytest.raises(MapError, match="no columns 'equipment' and 'asset'"):
        read_equipment(written(tmp_path, "a,b"))


def test_numbers_of_sap_are_the_same_with_and_without_zeros(tmp_path):
    row = "{};pump-01;20260131"
    found = taken(
        written(tmp_path, "QMNUM;EQUNR;AUSVN", row.format("000010004711"), row.format("10004711")), system="sap-pm"
    )
    assert [one.number for one in found.documents] == ["10004711"]


def test_items_of_a_notification_are_one_document_and_the_first_names_the_mode(tmp_path):
    rows = ["1;pump-01;20260131;PMP;VIB", "1;pump-01;20260131;PMP;OHE"]
    found = taken(written(tmp_path, "QMNUM;EQUNR;AUSVN;FEGRP;FECOD", *rows), system="sap-pm")
    assert [(one.source, one.mode) for one in found.documents] == [("notification", "VIB")]


def test_equipment_that_is_mapped_to_no_asset_says_so(tmp_path):
    found = taken(written(tmp_path, "number,asset,reported", "1,77,20260131"), equipment={"077": "pump-9"})
    assert told(found) == [
        "unknown-asset: list.csv, line 2: '77' is mapped to 'pump-9', which is no asset of the plant"
    ]


def test_the_order_of_files_does_not_matter(tmp_path):
    lists = [written(tmp_path, "QMNUM;EQUNR;AUSVN;QMTXT", f"1;pump-01;2026013{n};{n}", name=f"{n}.csv") for n in (1, 0)]
    assert taken(*lists, system="sap-pm") == taken(*reversed(lists), system="sap-pm")


def test_a_notification_by_names_of_the_api_is_that_by_technical_names(tmp_path):
    technical = written(
        tmp_path, "QMNUM;QMART;EQUNR;MSAUS;AUSVN;AUZTV;FEGRP;FECOD;QMTXT", "1;M2;pump-01;X;20260131;070000;PMP;VIB;hot"
    )
    api = written(
        tmp_path,
        "MaintenanceNotification,NotificationType,TechnicalObject,MaintenanceObjectIsDown,MalfunctionStartDate,"
        "MalfunctionStartTime,MaintNotifDamageCodeGroup,MaintNotificationDamageCode,NotificationText",
        "1,M2,pump-01,true,2026-01-31,PT07H00M00S,PMP,VIB,hot",
        name="api.csv",
    )
    assert one(technical, system="sap-pm") == one(api, system="sap-pm")


def test_a_malfunction_without_a_start_was_reported_when_it_was_written(tmp_path):
    row = "1;pump-01;00000000;000000;20260131;070000"
    assert one(written(tmp_path, "QMNUM;EQUNR;AUSVN;AUZTV;QMDAT;MZEIT", row), system="sap-pm").reported_us == SIX_US


@pytest.mark.parametrize(
    ("system", "head", "status"),
    [
        ("maximo", "ticketid,assetnum,reportdate,status", "CANCELLED"),
        ("sap-pm", "QMNUM,EQUNR,AUSVN,STTXT", "MREL DLFL"),
    ],
)
def test_void_documents_are_said_to_be_void_and_what_is_wrong_with_them_is_no_matter(tmp_path, system, head, status):
    rows = (f"1,pump-01,20260131,{status}", f"2,pump-09,20260131,{status}")
    found = taken(written(tmp_path, head, *rows), system=system, own=())
    assert [(one.number, one.void) for one in found.documents] == [("1", True)]
    assert (found.letters, found.used, found.void) == ([], 0, 2)


def test_codes_are_modes_by_the_map_by_iso_14224_or_in_the_plants_own_words(tmp_path):
    text = (SHIPPED / "plain.toml").read_text() + '\n[modes]\nPMP-0010 = "VIB"\n0030 = "OHE"\n'
    own = written(tmp_path, text, name="own.toml")
    codes = ["PMP-0010", "PMP-0030", "pmp-brd", "drips"]
    lines = [f"{n},pump-01,repair,20260131,,{code},,," for n, code in enumerate(codes)]
    found = taken(written(tmp_path, HEAD, *lines), own=(own,))
    assert [one.mode for one in found.documents] == ["VIB", "OHE", "BRD", "drips"]


def test_a_list_without_numbers_is_known_by_its_reports(tmp_path):
    assert one(written(tmp_path, "asset,reported", "pump-01,2026-01-31")).number == "2026-01-31"


# Maps


def test_columns_that_are_there_twice_are_an_error(tmp_path):
    with pytest.raises(MapError, match=r"there twice: \['kind'\]"):
        taken(written(tmp_path, "number,asset,reported,kind,kind", "1,pump-01,20260131,repair,repair"))


def test_a_file_that_no_map_fits_is_an_error_that_names_what_is_missing(tmp_path):
    with pytest.raises(MapError, match=r"has no columns of number \(QMNUM, .*; it has \['a', 'b'\]: give a map"):
        taken(written(tmp_path, "a,b", "1,2"), system="sap-pm")


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(MapError, match="cannot be read"):
        taken(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'source = "list"\n[columns]\nnumber = ["n"]\nasset = ["a"]\nreported = []',
            "columns.reported names no column",
        ),
        ('source = "list"\nzone = "Mars"\n[columns]\nnumber = ["n"]\nasset = ["a"]\nreported = ["r"]', "IANA"),
        ('source = "list"\nkind = {}\n[columns]\nnumber = ["n"]\nasset = ["a"]\nreported = ["r"]', "line 2: kind"),
        ('source = "list"\n[columns]\nnumber = ["n"]\nasset = ["a"]\nreported = ["r"]\n[kinds]\nx = "mend"', "line 7"),
        (
            'source = "l"\ndate_formats = ["dmy"]\n[columns]\nnumber = ["n"]\nasset = ["a"]\nreported = ["r"]',
            "strptime",
        ),
    ],
)
def test_a_wrong_map_is_refused_with_what_to_do(tmp_path, text, said):
    with pytest.raises(MapError, match=said):
        read_map(written(tmp_path, text, name="map.toml"))


def test_a_map_replaces_the_shipped_one_of_its_source_alone(tmp_path):
    columns = '[columns]\nnumber = ["Auftrag"]\nasset = ["Platz"]\nreported = ["Tag"]\n'
    text = 'source = "order"\notherwise = "planned"\n' + columns
    own = written(tmp_path, text, name="own.toml")
    orders = written(tmp_path, "Auftrag;Platz;Tag", "7;pump-01;20260131", name="orders.csv")
    notes = written(tmp_path, "QMNUM;EQUNR;AUSVN", "8;pump-01;20260131", name="notes.csv")
    found = taken(orders, notes, system="sap-pm", own=(own,))
    assert [(one.source, one.kind.value) for one in found.documents] == [
        ("notification", "repair"),
        ("order", "planned"),
    ]


def test_a_map_may_name_another_delimiter_and_encoding(tmp_path):
    text = 'delimiter = "~"\nencoding = "utf-16"\n' + (SHIPPED / "plain.toml").read_text()
    own = written(tmp_path, text, name="own.toml")
    path = written(tmp_path, "number~asset~reported~text", "1~pump-01~20260131~läuft", encoding="utf-16")
    assert one(path, own=(own,)).text == "läuft"


def test_a_map_of_a_source_that_the_system_has_not_is_an_error(tmp_path):
    own = written(tmp_path, (SHIPPED / "plain.toml").read_text(), name="own.toml")
    with pytest.raises(MapError, match="use one of notification, order"):
        taken(written(tmp_path, HEAD, GOOD), system="sap-pm", own=(own,))


def test_a_system_that_there_is_not_is_an_error(tmp_path):
    with pytest.raises(MapError, match="use one of maximo, csv, sap-pm"):
        taken(written(tmp_path, HEAD, GOOD), system="sap")
