"""Who is told of a champion, when, and what a worker says of itself."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from connectors.memory import MemoryPublisher
from models.records import ModelChange, Ready, decode, encode
from pipelines.releases.board import PARTITION, Board, key_of
from pipelines.releases.desk import Desk
from pipelines.state import Meant
from pipelines.topics import Topic
from tests.kit import releasing, tiny

A, B = releasing.release(0.5, 1), releasing.release(0.8, 2)


class Runner:
    """Knows what its heart's names mean."""

    def __init__(self, **meant: Meant) -> None:
        self.heart = SimpleNamespace(meant=meant, missing={})


class Shelf(dict):
    """What is loaded; `keep` loads all that is wanted."""

    def __init__(self) -> None:
        self.refused: dict[str, str] = {}

    async def keep(self, wanted) -> None:
        self |= {one.version: tiny.hazard() for one in wanted}


class Log:
    """What stands on the topic, and nothing more comes."""

    def __init__(self, *records) -> None:
        self.records = records

    async def known(self):
        return [(key_of(one), encode(one)) for one in self.records]

    async def more(self):
        await asyncio.Event().wait()
        yield b"", None


class Office:
    """A desk with two partitions."""

    def __init__(self, *records) -> None:
        self.board, self.shelf, self.publisher = Board("tiny"), Shelf(), MemoryPublisher()
        self.owned = {0: Runner(), 4: Runner()}
        self.desk = Desk(self.board, self.shelf, Log(*records), self.publisher, worker="w", names=lambda: ["tiny"])

    def look(self, seconds: float = 0.25) -> Office:
        async def run() -> None:
            await self.desk.catch_up()
            await asyncio.wait_for(self.desk.run(lambda: self.owned), seconds)

        try:
            asyncio.run(run())
        except TimeoutError:
            return self
        raise AssertionError("a desk does not end")

    def changes(self) -> list[tuple[int, ModelChange]]:
        found = self.publisher.published.items()
        return [(at, decode(one.value)) for (at, topic), all_ in found if topic is Topic.RECORDS for one in all_]

    def said(self) -> list[Ready]:
        return [decode(one.value) for one in self.publisher.published[PARTITION, Topic.RELEASES]]


def test_each_partition_is_told_once_of_a_champion_that_is_loaded():
    office = Office(A, B, releasing.champion(A.version, 1)).look()
    assert [at for at, _ in office.changes()] == [0, 4]
    assert {(one.version, one.number) for _, one in office.changes()} == {(A.version, 1)}


def test_a_partition_that_has_met_it_is_told_nothing():
    office = Office(A, releasing.champion(A.version, 2))
    office.owned[4] = Runner(tiny=Meant(A.version, 2))
    assert [at for at, _ in office.look().changes()] == [0]


def test_nobody_is_told_of_a_champion_that_cannot_be_loaded():
    office = Office(releasing.champion("tiny@000000000000", 1)).look()
    assert office.changes() == []


def test_the_file_of_that_name_need_not_be_loaded():
    office = Office(releasing.champion("", 2)).look()
    assert {one.version for _, one in office.changes()} == {""}


def test_a_worker_says_what_it_has_and_has_met_once_for_each_partition():
    office = Office(A, B, releasing.champion(A.version, 1))
    office.owned[4] = Runner(tiny=Meant(A.version, 1))
    said = office.look().said()
    assert [(one.partition, one.means) for one in said] == [(0, {}), (4, {"tiny": 1})]
    assert all(set(one.loaded) == {A.version, B.version} for one in said)


def test_what_kafka_does_not_take_is_told_again():
    office = Office(A, releasing.champion(A.version, 1))
    office.publisher.down = True
    office.look()
    office.publisher.down = False
    assert [at for at, _ in office.look().changes()] == [0, 4]


def test_a_partition_that_is_not_open_is_left_alone():
    office = Office(A, releasing.champion(A.version, 1))
    office.owned[0].heart = None
    assert [at for at, _ in office.look().changes()] == [4]


def test_a_partition_that_could_not_load_it_is_told_once_more_when_it_can():
    office = Office(A, releasing.champion(A.version, 2))
    office.owned = {0: Runner(tiny=Meant(A.version, 2)), 4: Runner(tiny=Meant(A.version, 2))}
    office.owned[4].heart.missing = {"tiny": "why"}
    assert [at for at, _ in office.look().changes()] == [4]
