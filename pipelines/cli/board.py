"""The board of releases from the command line: read as it is and as it changes, and written to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from kafka.structs import TopicPartition
from rich.console import Console

from connectors.kafka.plain import LogProducer, consumer_of
from models.failure.learned import card_of
from models.inference import ModelError
from models.records import Appointment, Release, ReleaseMove, encode
from models.release import Role
from pipelines.plant_file import read_plant
from pipelines.releases.board import PARTITION, Board, Odd, key_of
from pipelines.settings import Settings
from pipelines.topics import Topic, named, partition_of

PATIENCE_S = 30.0
"""How long workers may take to load a release: under two seconds where the registry is near."""
POLL_MS = 100


class ReleaseError(Exception):
    """A release cannot be moved as asked; the message says why and what to do."""


def send(settings: Settings, records: Sequence[Release | Appointment]) -> None:
    """Put releases and appointments on their topic."""
    with LogProducer(settings.kafka) as producer:
        for one in records:
            producer.send(named(settings.topic_prefix, Topic.RELEASES), key_of(one), encode(one), PARTITION)


def audit(settings: Settings, records: Sequence[Appointment | ReleaseMove]) -> None:
    """Put what came of them on the audit."""
    with LogProducer(settings.kafka) as producer:
        for one in records:
            key = f"{one.plant}/{one.name}".encode()
            place = partition_of(key, settings.partitions)
            producer.send(named(settings.topic_prefix, Topic.AUDIT), key, encode(one), place)


def board_of(settings: Settings) -> Board:
    """What the topic says now."""
    return next(_boards(settings))


def wait(settings: Settings, done: Callable[[Board], bool]) -> Board:
    """The board once it is as asked, or as it is after PATIENCE_S."""
    until_s = time.monotonic() + PATIENCE_S
    for board in _boards(settings):
        if done(board) or time.monotonic() > until_s:
            return board
    raise AssertionError("the topic has no end")


def _boards(settings: Settings) -> Iterator[Board]:
    """The board as it is, and again whenever something may have come."""
    board = Board(read_plant(settings.plant, settings.site).plant)
    place = TopicPartition(named(settings.topic_prefix, Topic.RELEASES), PARTITION)
    with consumer_of(settings.kafka, auto_offset_reset="earliest") as consumer:
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        end = consumer.end_offsets([place])[place]
        while True:
            for records in consumer.poll(timeout_ms=POLL_MS).values():
                for record in records:
                    with suppress(Odd):  # workers tell of it in their logs
                        board.take(record.key or b"", record.value)
            if consumer.position(place) >= end:
                yield board


def is_folders(settings: Settings, board: Board, name: str, version: str, console: Console) -> bool:
    """Whether a name means a version already as the folder's file, which is said: nothing is to run beside itself."""
    card = settings.models / f"{name}.json"
    if board.version_of(name, Role.CHAMPION) or not card.is_file():
        return False
    with suppress(OSError, ModelError):
        if card_of(card.read_bytes()).version == version:
            console.print(f"it is what '{name}' means already, the file in {settings.models}: it is offered, no more")
            return True
    return False


def check_ready(board: Board, version: str, partitions: int) -> None:
    """Raise ReleaseError where a partition's owner has not loaded a release."""
    refused = board.refused(version)
    if refused:
        raise ReleaseError(f"{version} is refused by the workers of partitions {listed(refused)}: {why_of(refused)}")
    lacking = board.lacking(version, partitions)
    if lacking:
        raise ReleaseError(
            f"{version} is not loaded by the workers of partitions {listed(lacking)} after {PATIENCE_S:g} s: do they "
            "run (`forewarn doctor`), and do they reach the registry (FOREWARN_REGISTRY)? Nothing was changed"
        )


def awaited(board: Board, version: str, partitions: int) -> list[int]:
    """Partitions whose owners have neither loaded nor refused it."""
    refused = board.refused(version)
    return [at for at in board.lacking(version, partitions) if at not in refused]


def why_of(refused: Mapping[int, str]) -> str:
    """Reasons, each once."""
    return "; ".join(sorted(set(refused.values())))


def listed(partitions: Iterable[int]) -> str:
    """Partitions, for people."""
    return ", ".join(map(str, partitions))
