"""Snapshots tell what changed, and all that is kept of them together is the state."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from models.records import encode
from pipelines import saving
from pipelines.hours import Hours
from pipelines.partition import Partition
from pipelines.ports import RawRecord, Snapshot
from pipelines.saving import load
from pipelines.state import State, arrays_of
from tests.kit import changes, streams, tiny, wild

HAZARDS = tiny.models()


def raw(values: list[bytes]) -> list[RawRecord]:
    return [RawRecord(at, 0, value) for at, value in enumerate(values)]


def same(found: State, wanted: State) -> None:
    """All that the state holds; of samples only those that are not final."""
    assert found.tick_us == wanted.tick_us
    assert found.ledger == wanted.ledger
    assert msgspec.json.encode(found.clocks) == msgspec.json.encode(wanted.clocks)
    assert found.plant == wanted.plant
    for ours, theirs in ((found.blocks, wanted.blocks), (found.gone, wanted.gone)):
        assert ours.keys() == theirs.keys()
        for name, block in ours.items():
            other = theirs[name]
            used = len(other.names)
            assert block.names == other.names
            assert block.small == other.small, name
            for key, array in arrays_of(block).items():
                assert np.array_equal(array[:used], arrays_of(other)[key][:used], equal_nan=True), (name, key)
            assert np.array_equal(block.watermark_us[:used], other.watermark_us[:used])
            assert np.array_equal(block.heard_us[:used], other.heard_us[:used])
            open_of = [
                sorted(
                    (a, s, t, v)
                    for a, s, t, v in zip(*(c.tolist() for c in each.open.all()), strict=True)
                    if (t // 60_000_000 + 1) * 60_000_000 > other.watermark_us[a]
                )
                for each in (block, other)
            ]
            assert open_of[0] == open_of[1]


def check(values: list[bytes], lateness_s: int, cuts: list[int]) -> None:
    partition = Partition(tiny.plant(), changes.models(), lateness_s)
    kept: Snapshot | None = None
    for batch in streams.cut(np.random.default_rng(cuts[0]), raw(values), cuts[1]):
        partition.receive(batch)
        partition.acknowledged()
        snapshot = partition.snapshot()
        if snapshot is not None:
            assert not set(snapshot.dropped) & snapshot.parts.keys()
            kept = snapshot.onto(kept)
            same(load(kept.parts, lateness_s), partition.state)


@pytest.mark.parametrize("round_of", [2, 5, 64])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_kept_is_the_state_after_each_snapshot(monkeypatch, seed, round_of):
    monkeypatch.setattr(saving, "ROUND", round_of)
    monkeypatch.setattr(saving, "PAGE_BYTES", 60_000)
    lateness_s = (0, 90, 120, 600)[seed]
    check(wild.wild(seed, lateness_s), lateness_s, [seed, 120])
    check([encode(record) for record in streams.stream(seed, minutes=90)], 120, [seed, 60])


def test_no_part_that_counts_is_older_than_a_round_of_snapshots(monkeypatch):
    """A restart reads the topic from the oldest of them on, also after restarts."""
    monkeypatch.setattr(saving, "ROUND", 7)
    partition, kept, written = Partition(tiny.plant(), HAZARDS), None, {}
    values = [encode(record) for record in streams.stream(2, minutes=60)]
    for number, batch in enumerate(streams.cut(np.random.default_rng(2), raw(values), 15)):
        partition.receive(batch)
        partition.acknowledged()
        snapshot = partition.snapshot()
        kept = snapshot.onto(kept)
        written |= dict.fromkeys(snapshot.parts, number)
        assert min(written[name] for name in kept.parts) >= number - 7
        if number % 10 == 0:
            partition = Partition.restore(tiny.plant(), HAZARDS, kept)
    assert number > 30


def test_a_state_that_does_not_fit_a_message_is_cut(monkeypatch):
    monkeypatch.setattr(saving, "SLICE_BYTES", 1000)
    partition = Partition(tiny.plant(), HAZARDS)
    kept = None
    for batch in streams.cut(np.random.default_rng(1), raw([encode(r) for r in streams.stream(1, minutes=20)])):
        partition.receive(batch)
        partition.acknowledged()
        snapshot = partition.snapshot()
        assert all(len(part) <= 1000 for part in snapshot.parts.values())
        kept = snapshot.onto(kept)
    assert kept.parts.keys() == partition.state.shelf
    same(load(kept.parts, 120), partition.state)


def test_a_snapshot_is_as_large_as_what_changed():
    """Of 200 assets one speaks: what is kept has its minute and not the rings of all."""
    partition = Partition(tiny.fleet(200), HAZARDS)
    records = [tiny.row(f"pump-{number:03}", second) for second in range(0, 300, 10) for number in range(200)]
    partition.receive(raw([encode(record) for record in records]))
    partition.acknowledged()
    first = partition.snapshot()
    more = [encode(tiny.row("pump-007", second)) for second in range(300, 420, 10)]
    partition.receive([RawRecord(len(records) + at, 0, value) for at, value in enumerate(more)])
    partition.acknowledged()
    second = partition.snapshot()
    sizes = [sum(map(len, snapshot.parts.values())) for snapshot in (first, second)]
    ring_bytes = sum(array.nbytes for array in arrays_of(partition.state.blocks["pump"]).values()) / 200
    assert sizes[1] < ring_bytes + 80_000  # the clocks of 200 sources, and one page whose turn it may be
    assert sizes[1] < sizes[0] / 5


def test_pages_of_which_there_are_fewer_than_before_are_dropped(monkeypatch):
    """Another health model follows other signals, so that more assets go on a page."""
    partition = Partition(tiny.fleet(9), HAZARDS)
    partition.receive(raw([encode(tiny.row(f"pump-{number:03}", 0)) for number in range(9)]))
    partition.acknowledged()
    block = partition.state.blocks["pump"]
    monkeypatch.setattr(saving, "PAGE_BYTES", 2 * sum(array[0].nbytes for array in arrays_of(block).values()))
    few, many = Hours.none(9, block.hours.tracks), Hours.none(9, 200)
    block.hours, block.written.anew = many, True
    kept = Snapshot(1, *saving.save(partition.state, 120)).onto(None)
    assert len(block.written.pages) == 9
    block.hours, block.written.anew = few, True
    kept = Snapshot(2, *saving.save(partition.state, 120)).onto(kept)
    same(load(kept.parts, 120), partition.state)
