"""The topic of releases in memory and on Kafka: what is sent is on the board, what is withdrawn is not."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from connectors.kafka.admin import KafkaAdmin
from connectors.kafka.board import KafkaBoard
from connectors.kafka.plain import read
from connectors.memory import MemoryBoard
from models.records import decode
from models.release import Cause
from pipelines.releases.moves import Who, move_of
from pipelines.releases.offices import BoardLog
from pipelines.topics import Topic, named
from tests.kit import releasing

A, B = releasing.release(0.5, 1), releasing.release(0.8, 2)
CHAMPION = releasing.champion(A.version, 1)
MOVE = move_of(A, A.version, "checked", Cause.PROMOTED, Who("A. Person", ""), 5)


@contextmanager
def memory() -> Iterator[tuple[BoardLog, list[object]]]:
    board = MemoryBoard("tiny")
    yield board, board.audited


@contextmanager
def kafka() -> Iterator[tuple[BoardLog, list[object]]]:
    prefix = f"b{uuid.uuid4().hex[:8]}."
    bootstrap = os.environ["FOREWARN_TEST_KAFKA"]
    admin = KafkaAdmin(bootstrap, prefix)
    admin.create_topics(2)
    try:
        yield KafkaBoard(bootstrap, prefix, "tiny", 2), Audited(bootstrap, prefix)
    finally:
        admin.delete_all()
        admin.close()


class Audited(list):
    """What is on the audit when it is looked at."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._bootstrap, self._topic = bootstrap, named(prefix, Topic.AUDIT)

    def __iter__(self):
        return iter([decode(one.value or b"") for one in read(self._bootstrap, self._topic)])


@pytest.fixture(params=[memory, pytest.param(kafka, marks=pytest.mark.servers)])
def log(request):
    with request.param() as found:
        yield found


def test_a_board_has_what_was_sent_and_not_what_was_withdrawn(log):
    board, _ = log
    assert not board.now().releases
    board.send([A, B, CHAMPION])
    assert (list(board.now().releases), board.now().appointed) == ([A.version, B.version], {"tiny": CHAMPION})
    board.withdraw(B)
    assert list(board.now().releases) == [A.version]


def test_a_board_that_was_given_out_does_not_change(log):
    board, _ = log
    before = board.now()
    board.send([A])
    assert not before.releases


def test_whoever_waits_gets_the_board_as_asked_or_as_it_is(log):
    board, _ = log
    board.send([A])
    assert A.version in board.wait(lambda now: A.version in now.releases, 10.0).releases
    assert A.version in board.wait(lambda _: False, 0.0).releases


def test_the_audit_has_what_came_of_it(log):
    board, audited = log
    board.audit([CHAMPION, MOVE])
    assert list(audited) == [CHAMPION, MOVE]
