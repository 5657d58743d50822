"""`forewarn deliver`: the role as a process, which begins anew where a file changed or Kafka was away for a while."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path

import structlog
from aiokafka.errors import KafkaError as AiokafkaError

from connectors.delivery import Place, secrets_in
from connectors.kafka.actions import LogActions
from connectors.kafka.compacted import CompactedReader
from connectors.kafka.deliveries import KafkaDeliveryLog
from connectors.kafka.publisher import KafkaPublisher
from connectors.kafka.warnings import KafkaAlerts
from connectors.sinks import open_sink
from models.delivery.checks import doubts
from models.delivery.errors import SubscriptionError
from models.delivery.reading import Book
from models.plant import Plant
from models.records import Delivery
from pipelines.cli.book import book_of, text_of
from pipelines.cli.logs import to_stderr
from pipelines.cli.role_shown import of_deliveries, shown
from pipelines.deliver.role import Deliverer
from pipelines.main import WallClock, provision_log
from pipelines.meters import Doings
from pipelines.plant_file import PlantFile
from pipelines.ports import Fenced
from pipelines.settings import Settings
from pipelines.stopping import told_to_stop
from pipelines.topics import Topic

_log = structlog.get_logger()

WORDY = ("httpx2", "httpcore2", "apprise")
"""Libraries that tell of each request, with its address, which may be a secret."""
LOOK_S = 5.0
"""Between two looks at the file, and between two tries where Kafka is away."""
AWAY = (AiokafkaError, ConnectionError, TimeoutError)


class DeliveryError(Exception):
    """The role cannot go on; the message says what to do."""


class End(Enum):
    """Why a run of the role ended."""

    STOPPED = "it was asked to"
    CHANGED = "the subscriptions file is another"
    AWAY = "Kafka did not answer"


class BookFile:
    """The subscriptions file as it last said something that can be used."""

    def __init__(self, path: Path | None, plant: Plant, place: Place, look_s: float = LOOK_S) -> None:
        """Raises SubscriptionError where it begins wrong."""
        self._place, self._look_s = place, look_s
        self._text, self._path = text_of(path)
        self._seen = self._judged = self._text
        self.book = self._book(self._text, plant)

    async def changed(self, plant: Callable[[], Plant]) -> None:
        """Return once the file says something else, the same in two looks, that can be used."""
        while True:
            await asyncio.sleep(self._look_s)
            found = await asyncio.to_thread(self._found)
            same_twice, self._seen = found == self._seen, found
            if not same_twice or found == self._judged:
                continue
            self._judged = found
            try:
                self.book = self._book(found, plant())
            except SubscriptionError as wrong:
                _log.error("subscriptions-unusable", error=str(wrong), doing="those before go on")
                continue
            if found != self._text:
                self._text = found
                return

    def _found(self) -> str:
        try:
            return text_of(self._path)[0]
        except SubscriptionError as wrong:
            return str(wrong)

    def _book(self, text: str, plant: Plant) -> Book:
        try:
            book = book_of(text, plant, self._place)
        except SubscriptionError as wrong:
            raise SubscriptionError(f"{self._path}: {wrong}") from wrong
        for doubt in doubts(book.subscriptions, plant):
            _log.warning("subscription-in-doubt", doubt=doubt)
        return book


async def deliver(settings: Settings, *, loud: bool) -> int:
    """Deliver until SIGTERM or Ctrl-C. Raises SubscriptionError, SinkError, DeliveryError."""
    plant = PlantFile(settings.plant, settings.site)
    provision_log(settings)
    file = BookFile(settings.subscriptions, plant.plant, place_of(settings, plant.plant))
    to_stderr(loud, [*settings.secrets, *secrets_in(file.book.sinks.values(), os.environ)])
    for name in WORDY:
        logging.getLogger(name).setLevel(logging.WARNING)
    stopped = told_to_stop()
    publisher = KafkaPublisher(settings.cluster, settings.topic_prefix)
    now = _Now()
    try:
        async with shown(settings, "deliver", now.doings, lambda: of_deliveries(now.deliveries())):
            while (end := await _run(settings, plant, file, publisher, stopped, now)) is not End.STOPPED:
                _log.info("delivery-begins-anew", because=end.value)
                if end is End.AWAY:
                    await _pause(stopped)
    finally:
        await publisher.stop()
    return 0


class _Now:
    """The role that runs now, for who looks at it from outside, and what all of them did so far."""

    def __init__(self) -> None:
        self.doings = Doings()
        self.role: Deliverer | None = None

    def deliveries(self) -> Mapping[str, Delivery]:
        """As that role knows them."""
        return {} if self.role is None else self.role.deliveries


async def _run(
    settings: Settings, plant: PlantFile, file: BookFile, publisher: KafkaPublisher, stopped: asyncio.Event, now: _Now
) -> End:
    role = now.role = role_of(settings, plant.plant, file.book, publisher, now.doings)
    tasks = {
        asyncio.create_task(role.run()): End.STOPPED,
        asyncio.create_task(stopped.wait()): End.STOPPED,
        asyncio.create_task(file.changed(lambda: plant.plant)): End.CHANGED,
        asyncio.create_task(plant.follow(role.change_plant)): End.STOPPED,
    }
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        faults = [fault for task in done if (fault := task.exception()) is not None]
        return _judged(faults[0]) if faults else min((tasks[task] for task in done), key=tuple(End).index)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await role.close()


def place_of(settings: Settings, plant: Plant) -> Place:
    """Where sinks are."""
    return Place(plant.plant, settings.cluster, settings.topic_prefix, os.environ)


def role_of(
    settings: Settings, plant: Plant, book: Book, publisher: KafkaPublisher, doings: Doings | None = None
) -> Deliverer:
    """The role on Kafka. Raises SinkError."""
    kafka, prefix, place = settings.cluster, settings.topic_prefix, place_of(settings, plant)
    return Deliverer(
        plant,
        book.subscriptions,
        {name: open_sink(name, table, place) for name, table in book.sinks.items()},
        alerts=KafkaAlerts(kafka, prefix),
        log=KafkaDeliveryLog(kafka, prefix, f"{prefix}{settings.group}-deliver", plant.plant),
        wishes=CompactedReader(kafka, prefix, Topic.SUBSCRIPTIONS),
        actions=LogActions(publisher, settings.partitions),
        clock=WallClock(),
        doings=doings,
    )


def _judged(fault: BaseException) -> End:
    """Whether to begin anew. Raises what cannot be mended by that."""
    faults = list(_single(fault))
    if any(isinstance(one, Fenced) for one in faults):
        raise DeliveryError("another `forewarn deliver` runs for this plant and took over: one is enough") from fault
    if all(isinstance(one, AWAY) for one in faults):
        _log.error("kafka-away", error=repr(faults[0]), doing="begins anew with what the log has")
        return End.AWAY
    raise fault


def _single(fault: BaseException) -> list[BaseException]:
    if isinstance(fault, BaseExceptionGroup):
        return [one for inner in fault.exceptions for one in _single(inner)]
    return [fault]


async def _pause(stopped: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LOOK_S):
            await stopped.wait()
    except TimeoutError:
        return
