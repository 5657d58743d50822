"""A backfill onto the topics of a plant at which a worker goes on: told as a replay, and nobody is disturbed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from connectors.kafka.plain import LogRecord, read
from models.records import decode, encode
from pipelines.cli.observer import Observer
from pipelines.topics import Topic, named
from tests.kit.backfilling import backfill, killed
from tests.kit.installation import EVER_US, PARTITIONS, ROOT, Installation, Undisturbed
from tests.kit.streams import MINUTE_US, time_of
from tests.servers.test_backfill import FROM_US, SPAN, TO_US, arrivals_ms, environ, records

pytestmark = pytest.mark.servers

SAYS = (Topic.FORECASTS, Topic.ALERTS)
FEED_S = 12.0


class Replayed(NamedTuple):
    """What stands on the topics after a backfill went onto them while a worker went on, by topic."""

    run: str
    live: dict[Topic, dict[int, list[bytes]]]
    again: dict[Topic, list[LogRecord]]
    undisturbed: Undisturbed
    watched: str
    observer: Observer


@pytest.fixture(scope="module")
def replayed(servers, tmp_path_factory) -> Replayed:
    """The span comes again onto the topics while a worker works off the hours after it."""
    sent, out = records(), tmp_path_factory.mktemp("replayed")
    stamps_ms = arrivals_ms(sent)
    cut = next(at for at, record in enumerate(sent) if time_of(record) > TO_US + 10 * MINUTE_US)
    with Installation(out) as installation:
        installation.keep_stamps()
        worker = installation.worker()
        installation.send(sent[:cut], stamps_ms=stamps_ms[:cut])
        installation.finish()
        installation.feed(sent[cut:], FEED_S, stamps_ms[cut:])
        asked = (*SPAN, "--source", "kafka", "--to", "topics")
        # Killed once and gone on with: what is said again is the same.
        assert killed(environ(installation.settings), out / "run", "settled:3", *asked)
        made = backfill(environ(installation.settings), out / "run", *asked, "--resume")
        assert made.status == 0, made.said
        installation.finish()
        installation.stop(worker)
        found = {topic: list(read(installation.settings.kafka, named_in(installation, topic))) for topic in SAYS}
        watch = [sys.executable, "-m", "pipelines.cli", "alerts", "watch", "--once"]
        watched = subprocess.check_output(watch, cwd=ROOT, env=environ(installation.settings), text=True, timeout=60)
        observer = Observer(installation.settings, EVER_US)
        for topic, take in zip(SAYS, (observer._take_forecast, observer._take_alert), strict=True):
            for record in found[topic]:
                take(record)
        undisturbed = Undisturbed.of_log(installation)
    return Replayed(
        made.results.plan.name,
        {topic: by_partition(record for record in found[topic] if not marks(record)) for topic in SAYS},
        {topic: [record for record in found[topic] if marks(record)] for topic in SAYS},
        undisturbed,
        watched,
        observer,
    )


def named_in(installation: Installation, topic: Topic) -> str:
    return named(installation.settings.topic_prefix, topic)


def marks(record: LogRecord) -> list[bytes]:
    """Of which runs it is said to be."""
    return [value for name, value in record.headers if name == "replay"]


def by_partition(found: Iterable[LogRecord]) -> dict[int, list[bytes]]:
    out: dict[int, list[bytes]] = {number: [] for number in range(PARTITIONS)}
    for record in found:
        out[record.partition].append(record.value or b"")
    return out


@pytest.mark.parametrize("topic", SAYS)
def test_a_worker_beside_a_backfill_onto_the_topics_publishes_what_it_would_have(replayed, topic):
    assert replayed.live[topic] == replayed.undisturbed.outputs[topic]


@pytest.mark.parametrize("topic", SAYS)
def test_a_replay_has_the_bytes_of_live_but_for_its_mark_and_ids(replayed, topic):
    again = [decode(record.value or b"") for record in replayed.again[topic]]
    live = [decode(value) for values in replayed.live[topic].values() for value in values]
    assert {mark for record in replayed.again[topic] for mark in marks(record)} == {replayed.run.encode()}
    assert not {said.id for said in again} & {said.id for said in live}
    span = [said for said in live if FROM_US < said.window_end_us <= TO_US]
    assert len(span) > 3
    assert all(said.historical for said in again)
    unmarked = {encode(said): encode(replace(said, id="", historical=False)) for said in again}  # repeats once
    assert sorted(unmarked.values()) == sorted(encode(replace(said, id="")) for said in span)


def test_those_who_watch_warnings_see_which_are_a_replay(replayed):
    shown = [line for line in replayed.watched.splitlines() if " replay " in line]
    assert len(shown) == len({record.value for record in replayed.again[Topic.ALERTS]}) > 3


def test_observers_take_a_replay_for_nothing_live(replayed):
    live = {decode(value).id for values in replayed.live[Topic.ALERTS].values() for value in values}
    assert {warning for warning, _ in replayed.observer.alerts} == live
    assert replayed.observer.forecasts == sum(map(len, replayed.live[Topic.FORECASTS].values()))
