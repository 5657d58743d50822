"""Publishes what a backfill says, marked as a replay, on the topics that live publishes on."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

from connectors.kafka.plain import LogProducer
from models.records import Alert, DeadLetter, Forecast, Health, HealthyBaseline, Notice, encode, key_of, key_of_case
from pipelines.backfill.said import replayed
from pipelines.ports import Refusal, Rows
from pipelines.topics import Topic, named


class TopicKeeper:
    """A `pipelines.backfill.lane.Keeper` of what history says, through a producer that somebody else closes.

    They are historical, with ids and a header `replay` of the run; nobody who is notified of warnings is, of these.
    """

    def __init__(self, producer: LogProducer, prefix: str, run: str, *, forecasts: bool, alerts: bool) -> None:
        self._producer, self._prefix, self._run = producer, prefix, run
        every = (Forecast, Topic.FORECASTS, forecasts), (Health, Topic.HEALTH, forecasts), (Alert, Topic.ALERTS, alerts)
        self._topics: dict[type, Topic] = {kind: topic for kind, topic, wanted in every if wanted}

    def take(
        self,
        rows: Sequence[Rows],  # noqa: ARG002 - a keeper of rows as well has them from here
        records: Sequence[Forecast | Health | Alert | Notice | HealthyBaseline | DeadLetter],
    ) -> Future[Sequence[Refusal | DeadLetter]]:
        """Queue what is to be published; nothing is refused."""
        for record in records:
            topic = self._topics.get(type(record))
            if topic is not None and isinstance(record, Forecast | Health | Alert):
                again, beside = replayed(record, self._run), key_of(record.plant, record.asset)
                key = key_of_case(again) if isinstance(again, Alert) else beside
                headers = [("replay", self._run.encode())]
                self._producer.send(named(self._prefix, topic), key, encode(again), headers=headers, beside=beside)
        done: Future[Sequence[Refusal | DeadLetter]] = Future()
        done.set_result(())
        return done

    def settle(self) -> None:
        """Wait until Kafka has all. Raises NotSent."""
        self._producer.flush()
