"""Logs as producers and brokers may leave them: records twice, aborted, compacted away, told at times that go back.

What is expected is what partitions in memory make of the log as another client reads it; rows are those sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from itertools import pairwise

import pytest
from aiokafka import AIOKafkaProducer
from kafka import KafkaProducer

from connectors.kafka.plain import read
from models.records import AnyInput, Frame, Reject, Tick, decode, encode, key_of
from pipelines.topics import Topic, partition_of
from tests.faults.trace import log_of, taken_over
from tests.kit import streams
from tests.kit.installation import PARTITIONS, Installation, Undisturbed, check, check_outputs, check_rows

pytestmark = pytest.mark.servers

OUTPUTS = (Topic.FORECASTS, Topic.ALERTS)


def places(record: AnyInput) -> Sequence[int]:
    """The partitions a record goes to."""
    if isinstance(record, Tick):
        return range(PARTITIONS)
    return (partition_of(key_of(record.plant, record.asset), PARTITIONS),)


def test_of_two_producers_that_send_the_same_only_the_first_counts(servers, tmp_path, records, undisturbed):
    with Installation(tmp_path) as installation:
        worker = installation.worker_at_work()
        installation.feed(records, 8.0)
        time.sleep(0.3)
        installation.feed(records, 8.0)
        installation.finish()
        installation.stop(worker)
        check(installation, Undisturbed.of_log(installation), repeats=False)
        check_outputs(installation, undisturbed, repeats=False, topics=OUTPUTS)
        check_rows(installation, undisturbed)
        assert installation.ledger().rows_read == 2 * undisturbed.ledger.rows_read


def test_of_transactions_only_the_committed_count(servers, tmp_path, records, undisturbed):
    with Installation(tmp_path) as installation:
        worker = installation.worker_at_work()
        asyncio.run(in_transactions(installation, records))
        installation.send([Tick(plant="tiny", time_us=streams.START_US)])  # a marker at the end is nobody's to read
        installation.finish()
        installation.stop(worker)
        check(installation, Undisturbed.of_log(installation), repeats=False)
        check_outputs(installation, undisturbed, repeats=False, topics=OUTPUTS)
        check_rows(installation, undisturbed)
        assert "going back" not in log_of(installation, 0)


async def in_transactions(installation: Installation, records: Sequence[AnyInput], size: int = 150) -> None:
    """Send records in transactions; before each, another one with other values is aborted."""
    producer = AIOKafkaProducer(
        bootstrap_servers=installation.settings.kafka, transactional_id=installation.name, linger_ms=5
    )
    await producer.start()
    for at in range(0, len(records), size):
        part = records[at : at + size]
        for kept in (False, True):
            await producer.begin_transaction()
            sent = [
                await producer.send(installation.records, encode(record if kept else spoilt(record)), b"k", place)
                for record in part
                for place in places(record)
            ]
            await asyncio.gather(*sent)
            await (producer.commit_transaction() if kept else producer.abort_transaction())
    await producer.stop()


def spoilt(record: AnyInput) -> AnyInput:
    """A record that would show in outputs and rows."""
    if not isinstance(record, Frame):
        return record
    signals = {name: [24.0] * len(column) for name, column in record.signals.items()}
    return Frame(plant=record.plant, asset=record.asset, source="spoilt", times_us=record.times_us, signals=signals)


def test_holes_that_compaction_left_are_read_over(own, tmp_path, records, undisturbed):
    own.clean_logs_at_once()
    half = len(records) // 2
    with Installation(tmp_path, **own.settings) as installation:
        installation.configure(
            Topic.RECORDS,
            cleanup_policy="compact",
            min_cleanable_dirty_ratio="0.001",
            segment_ms="1",
        )
        first = installation.worker()
        padded(installation, records[:half], "a")
        installation.finish()
        installation.stop(first)
        padded(installation, records[half:], "b")
        installation.wait(lambda: holes(installation) > len(records) // 20, 60)
        second = installation.worker()
        installation.finish()
        installation.stop(second)
        print(f"{holes(installation)} offsets were compacted away")
        check_outputs(installation, undisturbed, repeats=False, topics=OUTPUTS)
        check_rows(installation, undisturbed)
        assert installation.ledger().balances
        assert "going back" not in log_of(installation, 0) + log_of(installation, 1)


def padded(installation: Installation, records: Sequence[AnyInput], name: str) -> None:
    """Send records, each under a key of its own, and old ticks between that share one, of which the last is kept."""
    old = encode(Tick(plant="tiny", time_us=streams.START_US))
    with contextlib.closing(KafkaProducer(bootstrap_servers=installation.settings.kafka, linger_ms=5)) as producer:
        for at, record in enumerate(records):
            for place in places(record):
                if at % 3 == 0:
                    producer.send(installation.records, old, b"old", partition=place)
                producer.send(installation.records, encode(record), f"{name}{at}".encode(), partition=place)
        producer.flush()
        time.sleep(0.1)  # a segment that is old enough ends where another record comes
        for place in range(PARTITIONS):
            producer.send(installation.records, old, b"last", partition=place)


def holes(installation: Installation) -> int:
    """How many offsets before the last record have none."""
    missing = 0
    following: dict[int, int] = {}
    for record in read(installation.settings.kafka, installation.records):
        missing += record.offset - following.get(record.partition, 0)
        following[record.partition] = record.offset + 1
    return missing


def test_arrivals_and_ticks_that_go_back_for_minutes_change_nothing(servers, tmp_path, records, undisturbed):
    with Installation(tmp_path) as installation:
        installation.configure(Topic.RECORDS, message_timestamp_type="CreateTime")
        worker = installation.worker()
        stepped(installation, records)
        installation.finish()
        installation.stop(worker)
        check(installation, Undisturbed.of_log(installation), repeats=False)
        check_outputs(installation, undisturbed, repeats=False, topics=OUTPUTS)
        check_rows(installation, undisturbed)
        assert installation.ledger().rejected_by_reason == undisturbed.ledger.rejected_by_reason


def stepped(installation: Installation, records: Sequence[AnyInput]) -> None:
    """Send records as a broker would have stamped them whose clock is put back by 8 minutes now and then."""
    with contextlib.closing(KafkaProducer(bootstrap_servers=installation.settings.kafka, linger_ms=5)) as producer:
        for at, record in enumerate(records):
            back_us = 8 * streams.MINUTE_US * (at // 500 % 2)
            arrived_ms = (streams.time_of(record) + 2 * streams.MINUTE_US - back_us) // 1000
            for place in places(record):
                producer.send(installation.records, encode(record), b"k", partition=place, timestamp_ms=arrived_ms)
                if isinstance(record, Tick):  # a second worker's, whose clock is behind
                    late = encode(Tick(plant="tiny", time_us=record.time_us - 7 * streams.MINUTE_US))
                    producer.send(installation.records, late, b"k", partition=place, timestamp_ms=arrived_ms)


def test_a_worker_whose_own_clock_is_put_back_by_an_hour_refuses_nothing(servers, tmp_path):
    minutes, hour_s = 90, 3600.0
    shift_us = time.time_ns() // 1000 - streams.START_US - minutes * streams.MINUTE_US
    past = [streams.moved(record, shift_us) for record in streams.stream(3, minutes=minutes)]
    with Installation(tmp_path) as installation:
        installation.send([record for record in past if isinstance(record, Frame)])
        ticking = installation.worker(program=("tests.kit.stepping", str(hour_s), "5"))
        installation.wait(lambda: len(taken_over(installation, 0)) == PARTITIONS, 30)
        live: list[AnyInput] = []
        for at in range(50):
            now_us = time.time_ns() // 1000
            signals: dict = {"pressure_bar": [5.0 + at / 100]}
            live.append(Frame(plant="tiny", asset="pump-01", source="live", times_us=[now_us], signals=signals))
            installation.send(live[-1:])
            time.sleep(0.1)
        installation.stop(ticking)
        last = installation.worker()
        installation.wait(lambda: len(taken_over(installation, 1)) == PARTITIONS, 30)
        installation.finish()
        installation.stop(last)
        made = Undisturbed.of_log(installation)
        ticks = ticks_of(installation)
        check_outputs(installation, made, repeats=False)
        check_rows(installation, made)
        ledger = installation.ledger()
    assert min(after - before for before, after in pairwise(ticks)) < -0.9 * hour_s * 1e6
    assert len(ticks) > 10
    assert ledger == made.ledger
    assert ledger.balances
    assert set(ledger.rejected_by_reason) <= {Reject.NOT_A_NUMBER, Reject.BAD_QUALITY}
    assert ledger.sources["live"].rows_stored == len(live)


def ticks_of(installation: Installation) -> list[int]:
    """Times of the ticks on the first partition."""
    every = (decode(record.value or b"") for record in read(installation.settings.kafka, installation.records)
             if record.partition == 0)  # fmt: skip
    return [record.time_us for record in every if isinstance(record, Tick)]
