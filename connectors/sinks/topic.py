"""A Kafka topic of one's own: each notification as a record, its id as a header; on this Kafka or another one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Literal

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from msgspec import Meta, Struct

from connectors.delivery import Place, SinkError, secret
from connectors.kafka.clients import KafkaUnreachable, client_options
from connectors.kafka.publisher import thrown_away
from models.delivery.outcomes import Delivered, Failed, Outcome, Refused
from models.records import Notification, encode
from pipelines.cluster import Brokers, Cluster
from pipelines.topics import MAX_MESSAGE_BYTES, Topic, named

BY_CASE = False
STOP_S = 5.0


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The topic, which has to be there; `bootstrap` is another Kafka than Forewarn's, and how that one lets us in.

    On Forewarn's own the sink is who the role is.
    """

    topic: Annotated[str, Meta(min_length=1, max_length=249, pattern=r"^[A-Za-z0-9._-]+$")]
    bootstrap: str | None = None
    user: str = ""
    password_env: str | None = None
    password_file: str | None = None
    mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = "SCRAM-SHA-512"
    tls: bool = False
    ca_file: str | None = None
    timeout_s: Annotated[float, Meta(gt=0, le=120)] = 10.0


class TopicSink:
    """A `pipelines.deliver.ports.Sink`; connects when it first sends. Belongs to one event loop."""

    def __init__(self, config: Config, brokers: Brokers) -> None:
        self._config, self._brokers = config, brokers
        self._producer: AIOKafkaProducer | None = None

    async def send(self, notification: Notification) -> Outcome:
        """Put it on the topic; warnings of one asset stay in order."""
        assets = {one.asset for one in notification.mentions}
        key = f"{notification.plant}/{assets.pop() if len(assets) == 1 else ''}".encode()
        try:
            async with asyncio.timeout(self._config.timeout_s):
                producer = await self._started()
                headers = [("id", notification.id.encode())]
                await producer.send_and_wait(self._config.topic, encode(notification), key, headers=headers)
        except MessageSizeTooLargeError as wrong:
            return Refused(f"{self._config.topic} takes no record of this size: {wrong}")
        except (KafkaError, TimeoutError, OSError) as wrong:
            await self.close()
            return Failed(f"{self._config.topic} at {self._brokers}: {wrong!r}")
        return Delivered()

    async def close(self) -> None:
        """Close the connection."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(STOP_S):
                    await producer.stop()
            except (KafkaError, TimeoutError, OSError):
                await thrown_away(producer)  # what waits in it is sent again from the log of deliveries

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **client_options(self._brokers),
                acks="all",
                enable_idempotence=True,
                max_request_size=MAX_MESSAGE_BYTES,
                compression_type="gzip",
                request_timeout_ms=round(self._config.timeout_s * 1000),
            )
            try:
                await producer.start()
            except BaseException:
                await thrown_away(producer)
                raise
            self._producer = producer
        return self._producer


def open_sink(config: Config, place: Place) -> TopicSink:
    """Raises SinkError for a topic of Forewarn's own: what it reads and writes is not for notifications."""
    brokers = _elsewhere(config, config.bootstrap, place) if config.bootstrap else place.kafka
    if str(brokers) == str(place.kafka) and config.topic in {named(place.prefix, topic) for topic in Topic}:
        raise SinkError(f"topic '{config.topic}' is one of Forewarn's own: give another one")
    return TopicSink(config, brokers)


def _elsewhere(config: Config, bootstrap: str, place: Place) -> Cluster:
    """Another Kafka. Raises SinkError for a secret or a file of no use."""
    password = secret("password", config.password_env, config.password_file, place.environ)
    if bool(config.user) != (password is not None):
        raise SinkError("user and a password (password_env or password_file) go together: give both, or neither")
    ca = Path(config.ca_file) if config.ca_file else None
    cluster = Cluster(bootstrap, config.user, password or "", config.mechanism, config.tls, ca)
    try:
        client_options(cluster)
    except KafkaUnreachable as wrong:
        raise SinkError(f"ca_file: {wrong}") from wrong
    return cluster
