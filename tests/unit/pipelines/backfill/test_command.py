"""`forewarn backfill` on files, without servers: bad ones among good ones, Ctrl-C, and a parent that is killed."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from connectors.cmms.labels import write_labels
from models.failure.labels import confirmed
from models.records import DeadLetter
from pipelines.cli.backfill.work import Job, run
from tests.kit import tiny
from tests.kit.backfilling import backfill, ended, left_by, started
from tests.kit.documents import label

ASSETS = ("pump-01", "pump-02", "gear-01")
HOURS = 8
SPAN = ("--from", "2026-01-01T04:00", "--to", "2026-01-02", "--source", "csv", "--files", "*.csv")


def lines(asset: str, first: int, step_s: int = 20) -> list[str]:
    """Rows of an asset, over some hours."""
    seconds = range(first, HOURS * 3600, step_s)
    return [f"{asset},{tiny.ROWS_BEGIN_US + s * 10**6},{5 + s % 7 / 10},{60 + s % 11}" for s in seconds]


@pytest.fixture(scope="module")
def environ(tmp_path_factory) -> dict[str, str]:
    """A plant, its model, and files of which two are not as they should be; no server answers."""
    folder = tmp_path_factory.mktemp("place")
    tiny.write(folder)
    (folder / "plant.toml").write_text(tiny.PLANT_TOML)
    header = "asset,time_us,pressure_bar,temp_degc\n"
    bad = lines("pump-01", 0)
    bad[3], bad[700] = "pump-01,yesterday,5,60", bad[700].rpartition(",")[0] + ",warm"
    (folder / "bad.csv").write_text(header + "\n".join(bad))
    (folder / "good.csv").write_text(header + "\n".join([*lines("pump-02", 1), *lines("gear-01", 2)]))
    (folder / "broken.csv").write_bytes(bytes(range(256)))
    return os.environ | {
        "FOREWARN_PLANT": str(folder / "plant.toml"), "FOREWARN_MODELS": str(folder), "FOREWARN_KAFKA": "127.0.0.1:1",
        "FOREWARN_INFLUX_URL": "http://127.0.0.1:1", "COLUMNS": "200", "FILES": str(folder / "*.csv"),
    }  # fmt: skip


def asked(environ: dict[str, str]) -> tuple[str, ...]:
    return (*SPAN[:-1], environ["FILES"])


@pytest.fixture(scope="module")
def whole(environ, tmp_path_factory):
    return backfill(environ, tmp_path_factory.mktemp("whole"), *asked(environ))


def until(true, process: subprocess.Popen[str], timeout_s: float = 60) -> None:
    began_s = time.monotonic()
    while not true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() - began_s < timeout_s
        time.sleep(0.05)


def at_work(environ, out: Path) -> subprocess.Popen[str]:
    """A slow run of which a lane has a point to go on from, and none is through."""
    process = started(environ, out, *asked(environ), spec="slow")
    until(lambda: any(out.glob("*/lane-*/point")), process)
    assert not list(out.glob("*/lane-*/ledger.json"))
    return process


def alive(group: int) -> list[int]:
    """Processes of a group that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, of = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # it ended meanwhile
            continue
        if int(of) == group and state != "Z":
            found.append(int(stat.parent.name))
    return found


def test_bad_lines_and_files_are_each_told_once_with_their_place_and_the_status_says_so(whole):
    letters = [record.detail for record in whole.results.records() if isinstance(record, DeadLetter)]
    told = {detail.rpartition("/")[2].split(":")[0] for detail in letters}
    assert (len(letters), told) == (3, {"bad.csv, line 5", "bad.csv, line 702", "broken.csv"})
    report = json.loads((whole.results.folder / "report.json").read_text())
    assert sum(report["letters_by_reason"].values()) == 3
    assert whole.status == 1
    assert "could be used: 3 dead letters say what, and where" in whole.said


def test_all_that_bad_lines_stand_beside_is_worked_off(whole):
    rows = len(ASSETS) * HOURS * 180
    ledger = whole.results.ledger()
    assert (ledger.rows_read, ledger.balances) == (rows - 1, True)
    assert set(whole.results.forecasts()["asset"]) == set(ASSETS)


def test_files_are_staged_once_before_lanes_begin(whole):
    (staged,) = whole.out.glob("stage/*/done.json")
    lanes = list(whole.results.folder.glob(".lane-*"))  # each is made as the lane begins
    assert len(lanes) == 2
    assert all(staged.stat().st_mtime_ns < lane.stat().st_mtime_ns for lane in lanes)


def test_after_ctrl_c_the_same_command_goes_on_if_it_is_told_to(environ, whole, tmp_path):
    process = at_work(environ, tmp_path)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    stopped = ended(process, tmp_path)
    assert stopped.status == 1
    assert "stopped; the same command with --resume goes on from" in stopped.said
    assert "error" not in stopped.said
    again = backfill(environ, tmp_path, *asked(environ))
    assert again.status == 1
    assert "begun and not ended: give --resume, or remove the folder" in again.said
    last = backfill(environ, tmp_path, *asked(environ), "--resume", "--processes", "1")
    assert left_by(last) == left_by(whole)
    assert last.results.plan.lanes > 1, "lanes are those it was begun with"


def test_one_that_came_to_its_end_is_told_of_again_and_not_worked_off(environ, whole):
    before = {part: part.stat().st_mtime_ns for part in whole.results.folder.glob("lane-*/*")}
    again = backfill(environ, whole.out, *asked(environ), "--resume")
    assert again.status == whole.status
    assert "In short" in again.said
    assert {part: part.stat().st_mtime_ns for part in whole.results.folder.glob("lane-*/*")} == before


def test_a_report_is_told_again_by_labels_that_were_confirmed_since(environ, whole, tmp_path):
    reported_us = tiny.ROWS_BEGIN_US + 5 * 3_600_000_000
    file = tmp_path / "labels.jsonl"
    before = label("1", "pump-02", reported_us=reported_us, finished_us=None)
    write_labels(file, [before])
    again = backfill(environ, whole.out, *asked(environ), "--resume", "--labels", str(file))
    assert again.status == 1 and "has 1 labels, and none that counts" in again.said
    write_labels(file, [confirmed(before, "ann", reported_us)])
    again = backfill(environ, whole.out, *asked(environ), "--resume", "--labels", str(file))
    report = json.loads((again.results.folder / "report.json").read_text())
    (failure,) = report["outcome"]["failures"]
    assert (failure["asset"], failure["time_us"], report["labels"]) == ("pump-02", reported_us, 1)
    assert [one["days"] for one in report["shifted"]] == [-3, 0, 3]


def test_lanes_whose_parent_is_killed_end_and_the_next_run_goes_on(environ, whole, tmp_path):
    process = at_work(environ, tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    next_one = started(environ, tmp_path, *asked(environ), "--resume")  # beside the lanes, which have not heard of it
    until(lambda: not alive(process.pid), next_one, 15)
    assert left_by(ended(next_one, tmp_path)) == left_by(whole)


def test_a_lane_waits_for_a_process_that_still_works_it_off(tmp_path):
    job = Job(settings=None, asked=None, plan=None, turns=(), lane=0, folder=tmp_path)
    asked = iter([False, False, True])
    with (tmp_path / ".lane-0").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert not run(job, lambda *_: None, lambda: next(asked))
    assert list(tmp_path.iterdir()) == [tmp_path / ".lane-0"]
