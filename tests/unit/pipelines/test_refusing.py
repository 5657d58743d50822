"""A step that fails: the record that is to blame is found, refused once, and everything else counts once."""

from __future__ import annotations

import numpy as np
import pytest

from models.records import DeadLetter, Reject, decode, encode
from pipelines.partition import Partition
from pipelines.ports import Effects, RawRecord
from pipelines.runner import StepFailed
from pipelines.suspects import MOST_REFUSED
from pipelines.topics import Topic
from tests.kit import streams, tiny
from tests.kit.running import Bench, Desk, Fetched, play, records, until

pytestmark = pytest.mark.usefixtures("short_pauses")

BAD = 27


class Log(Desk):
    """A desk that reads a log, from where it is told."""

    def __init__(self, bench: Bench, *values: bytes) -> None:
        super().__init__(bench)
        self.values = values

    async def rewind(self, partition: int, offset: int) -> None:
        await super().rewind(partition, offset)
        await self.read(offset)

    async def read(self, offset: int = 0) -> None:
        batch = Fetched(offset, len(self.values))
        batch.records = records(*self.values[offset:], start=offset)
        await self.partitions.accept(0, batch)


def test_a_record_that_fails_alone_is_refused_and_the_rest_goes_on() -> None:
    async def script(bench: Bench) -> None:
        log = Log(bench, b"a", b"b", b"c", b"bad", b"d", b"e")
        await log.partitions.take_over({0: 0})
        await log.read()
        await until(lambda: "published d e" in bench.notes)
        await log.partitions.give_up()
        assert not log.crashes
        assert log.partitions.committable() == {0: 6}

    notes = play(script).notes
    told = [note.split()[1:] for note in notes if note.startswith("published")]
    assert list(dict.fromkeys(value for values in told for value in values)) == ["a", "b", "c", "refused-3", "d", "e"]


def test_where_every_record_fails_the_worker_stops_and_keeps_nothing_of_the_last() -> None:
    async def script(bench: Bench) -> None:
        log = Log(bench, *[b"bad"] * 20)
        await log.partitions.take_over({0: 0})
        await log.read()
        await until(lambda: bool(log.crashes))
        assert isinstance(log.crashes[0], StepFailed)
        assert f"offsets {MOST_REFUSED} to {MOST_REFUSED}" in str(log.crashes[0])
        await log.partitions.give_up()
        assert log.partitions.committable() == {0: MOST_REFUSED}

    play(script)


def test_a_partition_given_up_while_a_failure_is_looked_for_is_given_up() -> None:
    async def script(bench: Bench) -> None:
        log = Log(bench, b"a", b"bad")
        await log.partitions.take_over({0: 0})
        await log.read()
        await until(lambda: bench.notes.count("opened") == 2)
        await log.partitions.give_up()
        assert not log.crashes
        assert not log.partitions.has_room(0)

    play(script)


class Failing(Partition):
    """A partition with a stage that fails on one time of a row."""

    def _step(self, block, columns, decoded, found):
        if streams.START_US + BAD * 30_000_000 in columns.row_time_us:
            raise FloatingPointError("a stage failed")
        return super()._step(block, columns, decoded, found)


def forecasts(*effects: Effects) -> list[bytes]:
    return [output.value for each in effects for output in each.outputs if output.topic is Topic.FORECASTS]


def test_a_refused_record_is_a_dead_letter_that_the_ledger_knows_and_the_rest_is_as_without_it() -> None:
    random = np.random.default_rng(2)
    times_us = [streams.START_US + at * 30_000_000 for at in range(60)]
    frames = [encode(streams._frame(random, "pump-01", [time_us], 1.0)) for time_us in times_us]
    log = [RawRecord(at, 0, value) for at, value in enumerate(frames)]
    (clean,), refusing = streams.partitions(), Failing(tiny.plant(), tiny.models())
    before, refused, after = (
        refusing.receive(log[:BAD]),
        refusing.refuse(log[BAD], "FloatingPointError('a stage failed')"),
        refusing.receive(log[BAD + 1 :]),
    )
    letter = decode(refused.outputs[0].value)
    assert isinstance(letter, DeadLetter)
    assert (letter.reason, letter.asset) == (Reject.STEP_FAILED, "pump-01")
    assert "a stage failed" in letter.detail
    assert forecasts(before, after) == forecasts(clean.receive(log[:BAD] + log[BAD + 1 :]))
    ledger = refusing.ledger
    assert (ledger.records_read, ledger.records_rejected) == (60, 1)
    assert (ledger.rows_stored, ledger.rows_rejected, refusing.next_offset) == (59, 1, 60)
    assert ledger.balances
    assert refusing.refuse(log[BAD], "again").outputs == ()
