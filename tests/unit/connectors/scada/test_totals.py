"""What a feed counted is not forgotten when it is stopped, killed, or its disk is full."""

from __future__ import annotations

import json
from pathlib import Path

from connectors.scada.feed import Read, Reading
from connectors.scada.spool import SEGMENT_BYTES
from connectors.scada.totals import Totals
from tests.unit.connectors.scada.test_relay import Rig, play, unknown


def kept(file: Path) -> dict[str, int]:
    return json.loads(file.read_text())


def test_totals_are_those_of_all_processes(tmp_path: Path) -> None:
    file = tmp_path / "totals.json"
    Totals(file).keep({"rows": 5, "unread": 1}, 0.0)
    again = Totals(file)
    assert again.of({"rows": 2}) == {"rows": 7, "unread": 1}
    again.keep({"rows": 2}, 0.0)
    assert kept(file) == {"rows": 7, "unread": 1}


def test_totals_are_written_once_in_ten_seconds_and_only_if_they_changed(tmp_path: Path) -> None:
    file = tmp_path / "totals.json"
    totals = Totals(file)
    totals.keep({"rows": 1}, 0.0)
    totals.keep({"rows": 2}, 9.9)
    assert kept(file) == {"rows": 1}
    totals.keep({"rows": 2}, 10.0)
    assert kept(file) == {"rows": 2}
    file.unlink()
    totals.keep({"rows": 2}, 30.0)
    assert not file.exists()


def test_what_cannot_wait_is_written_at_once(tmp_path: Path) -> None:
    totals = Totals(tmp_path / "totals.json")
    totals.keep({"rows": 1}, 0.0)
    totals.keep({"rows": 2}, 0.1, at_once=True)
    assert kept(tmp_path / "totals.json") == {"rows": 2}


def test_a_file_that_is_no_totals_is_put_aside_and_not_lost(tmp_path: Path) -> None:
    (tmp_path / "totals.json").write_text('{"rows": "many"}')
    assert Totals(tmp_path / "totals.json").of({}) == {}
    assert (tmp_path / "totals.unreadable").read_text() == '{"rows": "many"}'


def test_a_disk_that_takes_no_totals_is_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    totals = Totals(folder / "totals.json")
    totals.keep({"rows": 1}, 0.0)
    folder.mkdir()
    totals.keep({"rows": 1}, 20.0)
    assert kept(folder / "totals.json") == {"rows": 1}


def test_the_report_goes_on_where_the_last_process_ended(tmp_path: Path) -> None:
    first = Rig(tmp_path)
    play(first, lambda: unknown(first, "x", "x", "y"))
    first.spool.close()
    second = Rig(tmp_path)
    play(second, lambda: second.take(1))
    report = second.relay.report()
    assert (report["readings"], report["unread"], report["unread:unknown-tag"], report["rows"]) == (4, 3, 3, 1)


def test_what_the_spool_dropped_is_reported_in_frames_and_bytes_though_the_process_was_killed(tmp_path: Path) -> None:
    first = Rig(tmp_path, down=True)
    words = "x" * 900

    async def scene() -> None:
        while not first.relay.counts["dropped"]:
            readings = [Reading("mode1", second, words) for second in range(500)]
            await first.relay.take(Read(readings), settled=True)
        before = first.relay.report()
        assert kept(tmp_path / "totals.json")["dropped"] == before["dropped"]

    play(first, scene)
    first.spool.close()
    report = Rig(tmp_path).relay.report()
    assert report["dropped"] == report["dropped_frames"] > 0
    assert report["dropped_bytes"] > SEGMENT_BYTES // 2


def test_dead_letters_that_were_dropped_are_no_frames(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.spool.dropped_of.update({"dead-letters": 2, "records": 3})
    assert rig.relay.report()["dropped_frames"] == 3 and rig.spool.dropped == 5
