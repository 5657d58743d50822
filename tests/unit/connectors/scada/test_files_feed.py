"""The feed of a folder reads each file once it rests, remembers it once it is safe, and changes nothing."""

from __future__ import annotations

import ast
import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from connectors.scada.feed import FeedError, Read, Unread
from connectors.scada.feeds import files
from connectors.scada.feeds.files import Config, open_feed, opened
from connectors.scada.feeds.files.look import Look
from connectors.scada.feeds.files.opened import BATCH, stamp_of
from models.records import Reject

DEADLINE_S = 10.0
HEAD = "tag,time,value\n"


class Taken:
    """Stands for the relay: keeps what it is given; at the batch `fails_at` it fails, after each it calls `then`."""

    def __init__(self, fails_at: int = -1, then: Callable[[], object] = lambda: None) -> None:
        self.values: list[object] = []
        self.sizes: list[int] = []
        self.unread: list[Unread] = []
        self.unmapped: set[str] = set()
        self._fails_at, self._then = fails_at, then

    async def __call__(self, read: Read, *, settled: bool = False) -> int:
        assert settled
        if len(self.sizes) == self._fails_at:
            raise RuntimeError("crash")
        self.sizes.append(len(read.readings))
        self.values += [one.value for one in read.readings]
        self.unread += read.unread
        unmapped = sum(one.address in self.unmapped for one in read.readings)
        self._then()
        return len(read.unread) + unmapped


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in"
    made.mkdir()
    return made


def of(folder: Path, mapping: Callable[[], str] = str, **more) -> files.FilesFeed:
    state = str(folder.parent / "state.jsonl")
    settings = {"format": "long", "time_format": "s", "period_s": 0.01, "settle_s": 0.0, "state": state}
    return open_feed(Config(folder=str(folder), **(settings | more)), mapping=mapping)


async def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.005)


def follow(feed: files.FilesFeed, taken: Taken, *steps: Callable[[], object]) -> None:
    """Run the feed; a step that returns a bool is waited for, another is done. Then stop it."""

    async def main() -> None:
        task = asyncio.create_task(feed.run(taken))
        try:
            for step in steps:
                if isinstance(found := step(), bool) and not found:
                    await until(lambda step=step: task.done() or bool(step()))
                if task.done():
                    task.result()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    asyncio.run(main())


def remembered(folder: Path, count: int) -> Callable[[], bool]:
    return lambda: len((folder.parent / "state.jsonl").read_bytes().splitlines()) == count


def put(folder: Path, name: str, *values: float) -> Path:
    file = folder / name
    file.write_text(HEAD + "".join(f"a,{second},{value}\n" for second, value in enumerate(values)))
    return file


def test_files_are_read_the_oldest_first_and_those_that_come_later_too(folder: Path) -> None:
    os.utime(put(folder, "b.csv", 1), (1, 1))
    os.utime(put(folder, "a.csv", 2), (2, 2))
    taken = Taken()
    follow(of(folder), taken, remembered(folder, 2), lambda: put(folder, "c.csv", 3), lambda: 3 in taken.values)
    assert taken.values == [1, 2, 3]


def test_a_restart_reads_nothing_again(folder: Path) -> None:
    put(folder, "a.csv", 1)
    follow(of(folder), Taken(), remembered(folder, 1))
    taken = Taken()
    put(folder, "b.csv", 2)
    follow(of(folder), taken, remembered(folder, 2))
    assert taken.values == [2]


def test_a_changed_file_is_read_again(folder: Path) -> None:
    put(folder, "a.csv", 1)
    taken = Taken()
    follow(of(folder), taken, remembered(folder, 1), lambda: put(folder, "a.csv", 1, 2), remembered(folder, 2))
    assert taken.values == [1, 1, 2]


def test_a_file_that_grows_while_it_is_read_is_read_again_and_not_remembered_before(folder: Path) -> None:
    file = put(folder, "a.csv", 1)
    grown: list[bool] = []

    def grow() -> None:
        if not grown:
            grown.append(True)
            with file.open("a") as more:
                more.write("a,9,9\n")

    taken = Taken(then=grow)
    follow(of(folder), taken, remembered(folder, 1))
    assert taken.values == [1, 1, 9]


def test_a_crash_in_the_middle_of_a_file_reads_it_again(folder: Path) -> None:
    put(folder, "a.csv", *range(2 * BATCH))
    with pytest.raises(RuntimeError, match="crash"):
        follow(of(folder), Taken(fails_at=1), lambda: False)
    taken = Taken()
    follow(of(folder), taken, remembered(folder, 1))
    assert taken.values == list(range(2 * BATCH))


def test_many_lines_come_in_batches_of_bounded_size(folder: Path) -> None:
    put(folder, "a.csv", *range(200_000))
    taken = Taken()
    follow(of(folder), taken, remembered(folder, 1))
    assert max(taken.sizes) == BATCH
    assert taken.values == list(range(200_000))


def test_what_cannot_be_read_is_told_once_and_again_only_when_it_changed(folder: Path) -> None:
    file = folder / "a.csv"
    file.write_bytes(b"\xff\x00\xfe")
    taken = Taken()
    steps = (remembered(folder, 1), lambda: put(folder, "b.csv", 5), remembered(folder, 2))
    follow(of(folder), taken, *steps, lambda: file.write_bytes(b""), remembered(folder, 3))
    assert [one.reason for one in taken.unread] == [Reject.UNREADABLE, Reject.UNREADABLE]
    again = Taken()
    put(folder, "c.csv", 6)
    follow(of(folder), again, remembered(folder, 4))
    assert (again.values, again.unread) == ([6], [])


def test_a_file_with_errors_is_read_again_after_the_config_changed(folder: Path) -> None:
    put(folder, "good.csv", 7)
    (folder / "x.csv").write_text("tag,time,wert\na,1,8\n")
    follow(of(folder), Taken(), remembered(folder, 2))
    taken = Taken()
    follow(of(folder, columns=files.Columns(value="wert")), taken, remembered(folder, 3))
    assert taken.values == [8]


def test_a_file_with_an_address_that_no_tag_has_is_read_again_once_the_mapping_is_another(folder: Path) -> None:
    put(folder, "a.csv", 1)
    taken, mapping = Taken(), ["before"]
    taken.unmapped = {"a"}
    mend = taken.unmapped.clear
    steps = (remembered(folder, 1), mend, lambda: put(folder, "b.csv", 2), remembered(folder, 2))
    follow(of(folder, lambda: mapping[-1]), taken, *steps, lambda: mapping.append("after"), remembered(folder, 3))
    assert taken.values == [1, 2, 1]


@pytest.mark.parametrize(("mapping", "again"), [("before", []), ("after", [1])])
def test_a_restart_reads_it_again_only_by_another_mapping(folder: Path, mapping: str, again: list[int]) -> None:
    put(folder, "a.csv", 1)
    taken = Taken()
    taken.unmapped = {"a"}
    follow(of(folder, lambda: "before"), taken, remembered(folder, 1))
    put(folder, "b.csv", 2)
    after = Taken()
    follow(of(folder, lambda: mapping), after, lambda: 2 in after.values)
    assert after.values == [*again, 2]


def test_a_mapping_that_changes_while_a_file_is_read_has_it_read_again(folder: Path) -> None:
    put(folder, "a.csv", 1)
    mapping = ["before"]

    def change() -> None:
        taken.unmapped.clear()
        mapping.append("after")

    taken = Taken(then=change)
    taken.unmapped = {"a"}
    follow(of(folder, lambda: mapping[-1]), taken, remembered(folder, 2))
    assert taken.values == [1, 1]


def test_what_was_read_is_remembered_in_the_folder_that_a_feed_is_given(folder: Path, tmp_path: Path) -> None:
    put(folder, "a.csv", 1)
    config = Config(folder=str(folder), format="long", time_format="s", period_s=0.01, settle_s=0.0)
    for name in ("one", "other"):
        taken = Taken()
        follow(open_feed(config, folder=tmp_path / name), taken, lambda taken=taken: 1 in taken.values)
        assert (tmp_path / name / "files.jsonl").is_file()


def failing_once(monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    """The first file that is opened gives the error; root may read everything, so a mode would not do."""
    left = [error]

    def reads(*args) -> Iterator[Read]:
        if left:
            raise left.pop()
        yield from opened.reads(*args)

    monkeypatch.setattr(files, "reads", reads)


def test_a_file_that_may_not_be_read_is_told_once_and_read_after_a_restart(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_once(monkeypatch, PermissionError("no"))
    put(folder, "a.csv", 1)
    taken = Taken()
    follow(of(folder), taken, lambda: bool(taken.unread), lambda: put(folder, "b.csv", 2), remembered(folder, 1))
    assert (taken.values, len(taken.unread)) == ([2], 1)
    again = Taken()
    follow(of(folder), again, remembered(folder, 2))
    assert again.values == [1]


def test_a_disk_that_errs_once_costs_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing_once(monkeypatch, OSError(5, "Input/output error"))
    put(folder, "a.csv", 1)
    taken = Taken()
    follow(of(folder), taken, remembered(folder, 1))
    assert (taken.values, taken.unread) == ([1], [])


def test_a_torn_line_of_the_state_costs_one_file(folder: Path) -> None:
    put(folder, "a.csv", 1)
    follow(of(folder), Taken(), remembered(folder, 1))
    put(folder, "b.csv", 2)
    follow(of(folder), Taken(), remembered(folder, 2))
    state = folder.parent / "state.jsonl"
    state.write_bytes(state.read_bytes()[:-9])
    taken = Taken()
    follow(of(folder), taken, remembered(folder, 3))
    assert taken.values == [2]
    follow(of(folder), silent := Taken(), lambda: put(folder, "c.csv", 3), remembered(folder, 4))
    assert silent.values == [3]


def test_a_name_that_is_no_utf8_is_remembered(folder: Path) -> None:
    try:
        put(folder, os.fsdecode(b"p\xff.csv"), 1)
    except OSError:
        pytest.skip("this file system has no such names")
    follow(of(folder), Taken(), remembered(folder, 1))
    put(folder, "b.csv", 2)
    taken = Taken()
    follow(of(folder), taken, remembered(folder, 2))
    assert taken.values == [2]


def test_a_folder_that_is_away_for_a_while_is_read_when_it_is_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BACK_OFF_S", (0.01, 0.02))
    away = folder.with_name("away")
    put(folder, "a.csv", 1)
    feed = of(folder)
    folder.rename(away)
    taken = Taken()
    follow(feed, taken, lambda: time.sleep(0.05), lambda: away.rename(folder), lambda: 1 in taken.values)


def test_a_state_that_cannot_be_written_is_an_error_that_says_so(folder: Path) -> None:
    (folder.parent / "plain").write_text("")
    with pytest.raises(FeedError, match="state"):
        of(folder, state=str(folder.parent / "plain" / "state.jsonl"))


def test_a_pipe_a_folder_and_a_hidden_file_are_left_alone(folder: Path) -> None:
    os.mkfifo(folder / "pipe.csv")
    (folder / "d.csv").mkdir()
    put(folder, ".a.csv.part", 1)
    put(folder, "a.txt", 2)
    put(folder, "a.csv", 3)
    assert [path.name for path, _ in Look(folder, "*.csv", 0).due(lambda *_: False, 0)] == ["a.csv"]
    assert len(Look(folder, "*", 0).due(lambda *_: False, 0)) == 2


def test_a_file_is_due_once_it_did_not_change_for_the_time_it_is_given(folder: Path) -> None:
    file, look = put(folder, "a.csv", 1), Look(folder, "*", 5.0)

    def due(now_s: float) -> int:
        return len(look.due(lambda *_: False, now_s))

    assert [due(100.0), due(104.9)] == [0, 0]
    put(folder, "a.csv", 1, 2)
    assert [due(105.1), due(110.0)] == [0, 0]
    os.utime(file, ns=(1, stamp_of(file).mtime_ns + 1))
    assert [due(110.2), due(115.1), due(115.3)] == [0, 0, 1]


def test_the_folder_is_the_same_after_it_was_read(folder: Path) -> None:
    put(folder, "a.csv", 1)
    (folder / "b.csv.gz").write_bytes(b"rubbish")
    (folder / "c.parquet").write_bytes(b"PAR1")

    def all_of_it() -> list:
        return [
            (p.name, p.read_bytes(), stamp_of(p), p.stat().st_mode, p.stat().st_ctime_ns)
            for p in sorted(folder.iterdir())
        ]

    before, of_folder = all_of_it(), folder.stat().st_mtime_ns
    follow(of(folder), Taken(), remembered(folder, 3))
    assert (all_of_it(), folder.stat().st_mtime_ns) == (before, of_folder)


def test_nothing_that_changes_a_file_is_named_but_where_the_state_is_kept() -> None:
    changing = {
        *(
            "write",
            "write_text",
            "write_bytes",
            "unlink",
            "remove",
            "rename",
            "replace_file",
            "touch",
            "chmod",
            "utime",
        ),
        *("rmdir", "mkdir", "makedirs", "truncate", "symlink_to", "hardlink_to", "move", "rmtree", "sink_parquet"),
    }
    for source in Path(files.__file__).parent.glob("*.py"):
        tree = ast.parse(source.read_text())
        named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        opens = [
            [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "open"
        ]
        if source.name == "taken.py":
            assert named & changing == {"write", "mkdir"}
        else:
            assert not named & changing, source.name
            assert all(modes == ["rb"] for modes in opens), source.name
