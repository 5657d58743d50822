"""Workers on a real broker: every record counts once, whatever happens to them."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from connectors.kafka.plain import Compression
from tests.servers.kafka.trial import BURST, Trial, kill, pids, stop, wait_for

pytestmark = pytest.mark.servers

CHECKPOINTS = ("received:9", "before-acknowledged:9", "before-snapshot:2", "after-snapshot:2")
SESSION_S = 6.0


def test_every_record_is_seen_once_and_in_order(trial: Trial) -> None:
    trial.send(3000)
    worker = trial.worker()
    trial.feed(20)
    trial.finish()
    stop(worker)
    trial.check_outputs(repeats=False)
    trial.check_state()
    assert trial.read_again() == 0


def test_a_stop_reads_nothing_again(trial: Trial) -> None:
    first = trial.opened(trial.worker())
    trial.feed(150)
    wait_for(lambda: len(trial.events("read")) > 10, 30, trial.told)
    stop(first)
    second = trial.worker()
    trial.finish()
    stop(second)
    assert len(pids(trial.events("read"))) == 2
    trial.check_outputs(repeats=False)
    assert trial.read_again() == 0


def survive_crashes(address: str, folder: Path, crashes: Sequence[str | float]) -> None:
    """Workers that die one after the other, at a checkpoint or after some seconds of work, and one that lives."""
    with Trial(address, f"test-{uuid.uuid4().hex[:8]}.", folder) as trial:
        dead = []
        for nth, crash in enumerate(crashes):
            dying = trial.opened(trial.worker("--crash-at", crash if isinstance(crash, str) else ""))
            if nth == 0:
                trial.feed(300 * len(crashes))
            dead.append(dying.pid)
            if isinstance(crash, str):
                assert dying.wait(60) == -signal.SIGKILL, trial.told()
            else:
                time.sleep(crash)
                kill(dying)
        last = trial.worker()
        trial.finish()
        stop(last)
        trial.check_outputs()
        trial.check_state()
        assert trial.read_again() <= trial.may_be_read_again(dead)


def test_a_killed_worker_loses_nothing_wherever_it_dies(kafka_address: str, tmp_path: Path) -> None:
    crashes: list[str | float] = [*CHECKPOINTS, random.Random(7).uniform(0.2, 1.0)]
    with ThreadPoolExecutor(len(crashes)) as pool:
        list(pool.map(lambda each: survive_crashes(kafka_address, tmp_path, [each]), crashes))


@pytest.mark.soak
def test_a_worker_killed_again_and_again_loses_nothing(kafka_address: str, tmp_path: Path) -> None:
    times = random.Random(os.environ.get("FOREWARN_SEED", "11"))
    survive_crashes(kafka_address, tmp_path, [times.uniform(0.0, 3.0) for _ in range(5)])


def test_a_stopped_worker_that_wakes_changes_nothing(trial: Trial) -> None:
    sleeper = trial.opened(trial.worker())
    trial.feed(700)
    wait_for(lambda: len(trial.events("read")) > 10, 30, trial.told)
    os.kill(sleeper.pid, signal.SIGSTOP)
    asleep_s = time.monotonic()
    other = trial.opened(trial.worker())
    time.sleep(max(0.0, 2 * SESSION_S - (time.monotonic() - asleep_s)))
    os.kill(sleeper.pid, signal.SIGCONT)
    trial.finish()
    stop(sleeper, other)
    trial.check_outputs()
    trial.check_state()


def test_the_share_of_a_dead_worker_is_taken_over_in_time(trial: Trial) -> None:
    workers = [trial.worker(), trial.worker()]
    wait_for(lambda: len(pids(trial.events("open"))) == 2, 30, trial.told)
    trial.feed(500)
    wait_for(lambda: pids(trial.events("read")[-6:]) == {each.pid for each in workers}, 30, trial.told)
    opened = len(trial.events("open", workers[0].pid))
    kill(workers[1])
    took_s = wait_for(lambda: len(trial.events("open", workers[0].pid)) >= opened + trial.partitions, 30, trial.told)
    trial.finish()
    stop(workers[0])
    trial.check_outputs()
    trial.check_state()
    assert took_s < 15


def test_batches_of_every_codec_are_read(trial: Trial) -> None:
    for compression in Compression:
        trial.send(300, compression)
    worker = trial.worker()
    trial.finish()
    stop(worker)
    trial.check_outputs(repeats=False)


def test_records_of_aborted_transactions_are_never_seen(trial: Trial) -> None:
    async def write() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=trial.address, transactional_id=f"{trial.prefix}feed")
        await producer.start()
        for keep in (True, False, False, True):
            await producer.begin_transaction()
            for value in (f"k{n}|1" if keep else "k0|1000000" for n in range(50)):
                await producer.send_and_wait(trial.records, value.encode(), b"test/k", 0)
                if keep:
                    trial.sent[0].append(value)
            await (producer.commit_transaction() if keep else producer.abort_transaction())
        await producer.stop()

    worker = trial.opened(trial.worker())
    asyncio.run(write())
    wait_for(lambda: sum(event.records for event in trial.events("read")) >= len(trial.sent[0]), 30, trial.told)
    trial.feed(20)
    wait_for(lambda: sum(len(values) for values in trial.outputs().values()) >= 100 + 2 * 20 * BURST, 30, trial.told)
    stop(worker)
    trial.check_outputs(repeats=False)
    assert trial.read_again() == 0
    assert "gap-read-again" not in trial.told()


def test_a_log_whose_beginning_was_deleted_is_read_from_what_is_left(trial: Trial) -> None:
    trial.send(100)
    trial.forget(40)
    worker = trial.worker()
    trial.finish()
    stop(worker)
    assert {event.offset for event in trial.events("read")} == {40}
    assert [len(found) for found in trial.outputs().values()] == [60, 60]


def test_a_record_that_a_step_fails_on_is_found_and_refused_and_the_rest_counts(trial: Trial) -> None:
    trial.send(300)
    trial.send_value("k|not a number")
    trial.send(300)
    worker = trial.worker()
    trial.finish()
    stop(worker)
    trial.check_outputs()
    trial.check_state()
    (letter,) = set(trial.dead_letters())
    assert letter.startswith("300: ValueError")


def test_a_step_that_fails_on_whatever_comes_ends_the_worker_and_says_on_which_offsets(trial: Trial) -> None:
    trial.send(5)
    for _ in range(20):
        trial.send_value("k|not a number")
    assert trial.worker().wait(60) == 1
    assert re.search(r"the step failed on offsets 10 to 10: ValueError.*\"level\": \"critical\"|CRITICAL", trial.told())


def test_a_snapshot_that_does_not_go_with_the_log_ends_the_worker(trial: Trial) -> None:
    trial.send(50)
    worker = trial.worker()
    trial.finish()
    stop(worker)
    trial.make_anew()
    assert trial.worker().wait(30) == 1
    assert "the topic was made anew" in trial.told()
