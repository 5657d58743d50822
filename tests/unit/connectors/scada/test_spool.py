"""The spool keeps records in order over crashes, drops the oldest when it is full, and has one owner."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.scada import spool as module
from connectors.scada.feed import FeedError
from connectors.scada.spool import SEGMENT_BYTES, Spool, Spooled

MOST = 2 * SEGMENT_BYTES


def record(number: int, size: int = 10) -> Spooled:
    return Spooled("records", b"k", str(number).encode().ljust(size, b"."))


def numbers(records: list[Spooled]) -> list[int]:
    return [int(one.value.rstrip(b".")) for one in records]


def taken(spool: Spool) -> list[int]:
    found = []
    while chunk := spool.peek():
        found += numbers(chunk)
        spool.took()
    return found


def crashed(spool: Spool) -> None:
    spool.close()


def last_file(folder: Path) -> Path:
    return max(folder.glob("*.spool"))


def test_records_come_out_in_order_and_their_files_go(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MOST)
    spool.put([record(0), record(1)])
    spool.put([record(2)])
    assert taken(spool) == [0, 1, 2]
    assert spool.empty and spool.size == 0 and not list(tmp_path.glob("*.spool"))


def test_what_was_peeked_and_not_taken_comes_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MOST)
    spool.put([record(0)])
    assert spool.peek() == spool.peek() == [record(0)]


def test_a_piece_is_of_bounded_size_and_the_next_goes_on_behind_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MOST)
    spool.put([record(number, 100_000) for number in range(6)])
    assert numbers(spool.peek()) == [0, 1, 2]
    spool.took()
    assert numbers(spool.peek()) == [3, 4, 5]


def test_another_process_finds_what_was_not_taken(tmp_path: Path) -> None:
    first = Spool(tmp_path, MOST)
    first.put([record(0)])
    crashed(first)
    assert taken(Spool(tmp_path, MOST)) == [0]


@pytest.mark.parametrize("cut", [1, 5, 12, 20])
def test_a_torn_end_loses_that_record_alone_though_more_was_put_after_the_crash(tmp_path: Path, cut: int) -> None:
    first = Spool(tmp_path, MOST)
    first.put([record(0), record(1)])
    crashed(first)
    torn = last_file(tmp_path)
    os.truncate(torn, torn.stat().st_size - cut)
    second = Spool(tmp_path, MOST)
    second.put([record(2)])
    assert taken(second) == [0, 2]
    assert second.torn_bytes == 31 - cut


def test_zeros_that_a_power_cut_left_are_no_records(tmp_path: Path) -> None:
    first = Spool(tmp_path, MOST)
    first.put([record(0)])
    crashed(first)
    with last_file(tmp_path).open("ab") as file:
        file.write(bytes(4096))
    (tmp_path / "000000000001.spool").touch()
    assert taken(Spool(tmp_path, MOST)) == [0]


def test_the_oldest_go_when_it_is_full_and_are_counted(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MOST)
    count = 3 * SEGMENT_BYTES // 100_000
    for number in range(count):
        spool.put([record(number, 100_000)])
    assert spool.size <= MOST + 100_000
    kept = taken(spool)
    assert kept == list(range(spool.dropped, count)) and spool.dropped > 0


def test_what_was_dropped_while_it_was_under_way_takes_nothing_else_with_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MOST)
    spool.put([record(0, 100_000)])
    spool.peek()
    spool.put([record(number, 100_000) for number in range(1, 120)])
    spool.took()
    assert taken(spool) == list(range(spool.dropped, 120)) and spool.dropped > 0


def test_a_second_owner_is_told_what_to_do(tmp_path: Path) -> None:
    first = Spool(tmp_path, MOST)
    with pytest.raises(FeedError, match="stop it"):
        Spool(tmp_path, MOST)
    first.close()
    Spool(tmp_path, MOST)


def test_a_disk_that_is_full_leaves_no_torn_record_behind(tmp_path: Path, monkeypatch) -> None:
    spool = Spool(tmp_path, MOST)
    spool.put([record(0)])

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as broken:
        broken.setattr(module.os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            spool.put([record(1)])
    spool.put([record(2)])
    assert taken(spool) == [0, 2]


def test_what_was_put_is_synced_with_the_name_of_its_file(tmp_path: Path, monkeypatch) -> None:
    synced = []
    monkeypatch.setattr(
        module.os, "fsync", lambda handle: synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
    )
    spool = Spool(tmp_path, MOST)
    spool.put([record(0)])
    assert synced == [str(last_file(tmp_path)), str(tmp_path)]


def test_a_spool_that_is_too_small_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too small"):
        Spool(tmp_path, SEGMENT_BYTES)


@given(st.binary(max_size=200))
def test_any_bytes_in_a_segment_do_no_harm(tmp_path_factory, rubbish: bytes) -> None:
    folder = tmp_path_factory.mktemp("spool")
    (folder / "000000000000.spool").write_bytes(rubbish)
    spool = Spool(folder, MOST)
    spool.put([record(7)])
    assert taken(spool)[-1] == 7
    spool.close()
