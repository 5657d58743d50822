"""Layouts of snapshots: an older one is taken over by its steps, of an unknown one it is said what to do."""

from __future__ import annotations

import msgspec
import pytest

from models.records import encode
from pipelines import layouts
from pipelines.partition import Partition
from pipelines.ports import RawRecord, Snapshot
from pipelines.saving import clocks_of, load
from pipelines.state import SnapshotError
from tests.kit import next_layout, streams, tiny

RECORDS = [RawRecord(at, 0, encode(record)) for at, record in enumerate(streams.stream(3, minutes=40))]
HALF = len(RECORDS) // 2


def stepped(partition: Partition, records: list[RawRecord]) -> list[bytes]:
    outputs = partition.receive(records).outputs
    partition.acknowledged()
    return [output.value for output in outputs]


def kept(upto: int) -> Snapshot:
    partition = Partition(tiny.plant(), tiny.models())
    stepped(partition, RECORDS[:upto])
    snapshot = partition.snapshot()
    assert snapshot is not None
    return snapshot


def restored(snapshot: Snapshot) -> Partition:
    return Partition.restore(tiny.plant(), tiny.models(), snapshot)


def test_an_older_layout_is_taken_over_and_goes_on_as_if_nothing_were():
    before, whole = kept(HALF), Partition(tiny.plant(), tiny.models())
    stepped(whole, RECORDS[:HALF])
    with next_layout.in_place():
        partition = restored(before)
        assert partition.ledger == whole.ledger
        assert stepped(partition, RECORDS[HALF:]) == stepped(whole, RECORDS[HALF:])
        assert partition.ledger.balances and partition.ledger.forecasts > 0


def test_after_an_older_layout_all_is_written_anew_and_nothing_of_it_is_needed_or_dropped():
    before = kept(HALF)
    with next_layout.in_place():
        partition = restored(before)
        stepped(partition, RECORDS[HALF:])
        first = partition.snapshot()
        assert first is not None and first.dropped == ()
        alone = restored(first)
        assert alone.ledger == partition.ledger
        assert alone.state.blocks["pump"].names == partition.state.blocks["pump"].names


def test_what_a_later_version_wrote_is_refused_with_what_to_do():
    with next_layout.in_place():
        later = kept(HALF)
    with pytest.raises(SnapshotError, match=rf"layout {next_layout.NEXT}, this program reads .*{layouts.LAYOUT}"):
        load(later.parts, 120)
    with pytest.raises(SnapshotError, match="another version wrote it"):
        clocks_of(later.parts)


def test_what_comes_before_all_steps_is_refused_with_what_to_do():
    """No steps lead from layouts that were never released."""
    parts = dict(kept(HALF).parts)
    head = msgspec.msgpack.decode(parts["head#0"])
    parts["head#0"] = msgspec.msgpack.encode(head | {"version": min(layouts.known()) - 1})
    with pytest.raises(SnapshotError, match="start a new group"):
        load(parts, 120)


def test_keys_of_the_first_layout_do_not_name_it_and_those_of_others_do():
    assert layouts.place_of("g", 2, layouts.UNNAMED) == "g/2/"
    assert layouts.place_of("g", 2, 8) == "g/2@8/"


def test_steps_lead_from_each_layout_that_is_known_to_this_one():
    assert layouts.known() == tuple(range(layouts.LAYOUT, min(layouts.STEPS, default=layouts.LAYOUT) - 1, -1))
