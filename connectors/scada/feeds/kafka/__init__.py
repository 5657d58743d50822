"""Reads Kafka topics that somebody else designed: one message a reading or one of many fields, in JSON or in Avro.

Offsets are committed only after what was read is safe, so nothing is lost, and a crash may read some of it twice. A
reader only: it sends nothing to a topic.
"""

from __future__ import annotations

import asyncio
import os
import re
from asyncio import get_running_loop
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import structlog
from msgspec import Struct

from connectors.kafka.admission import refusal_in
from connectors.kafka.clients import KafkaUnreachable, security
from connectors.scada.feed import INSTALL, FeedError, Read, Take
from connectors.scada.feeds.kafka.avro import schema_id
from connectors.scada.feeds.kafka.bounded import bound
from connectors.scada.feeds.kafka.messages import NO_SCHEMAS, ManyFields, Message, OneReading, Telegraf, decode
from connectors.scada.feeds.kafka.refusals import check_admitted, check_topics, told
from connectors.scada.feeds.kafka.registry import Registry, RegistryAway, RegistryConfig
from models.records import Name
from pipelines.cluster import Cluster
from pipelines.stopping import end_if_asked, goodbye

MESSAGES_AT_ONCE = 500
FETCH_BYTES = 8 * 1024 * 1024
"""What is fetched at once at most, but for a single message that is larger; our choice, as the number above."""
BACK_OFF_S = (1.0, 30.0)
STOP_S = 10.0
LOOK_S = 60.0
"""After so long a silence Kafka is asked whether it is there; our choice. aiokafka reconnects for ever in silence."""

RUBBISH = AssertionError, NotImplementedError
"""What aiokafka raises of versions that make no sense, of a peer that took another's place after it was looked at."""

_log = structlog.get_logger()


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the topics are and what is in them. The password is in the environment variable `password_env`."""

    bootstrap: str
    topics: tuple[OneReading | ManyFields | Telegraf, ...]
    group: Name = "forewarn-connect"
    start: Literal["earliest", "latest"] = "earliest"
    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    username: str = ""
    password_env: str = ""
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    registry: RegistryConfig | None = None


class KafkaFeed:
    """`connectors.scada.feed.Feed` on aiokafka."""

    def __init__(self, config: Config, security: Mapping[str, Any], registry: Registry | None = None) -> None:
        self._config, self._security, self._registry = config, security, registry
        self._layouts = {layout.topic: layout for layout in config.topics}
        self._wait_s = BACK_OFF_S[0]
        self._began = False

    async def run(self, take: Take) -> None:
        """Read until cancelled.

        Raises FeedError where Kafka or the registry refuses us, where Kafka is too old, or has no such topic.
        """
        from aiokafka.errors import KafkaError

        while True:
            try:
                await self._follow(take)
            except RegistryAway as fault:  # nothing was committed: what was read comes again
                _log.warning("schema-registry-away", error=str(fault), retry_s=self._wait_s)
            except (KafkaError, OSError, *RUBBISH) as fault:
                if refusal := refusal_in(fault):
                    raise told(self._config.bootstrap, refusal) from fault
                _log.warning("kafka-feed-away", error=str(fault) or repr(fault), retry_s=self._wait_s)
            end_if_asked()
            await asyncio.sleep(self._wait_s)
            self._wait_s = min(2 * self._wait_s, BACK_OFF_S[1])

    async def _follow(self, take: Take) -> None:
        await check_admitted(self._config.bootstrap, self._security)
        consumer = self._consumer()
        try:
            await consumer.start()
            if not self._began:  # later a topic may be missing for a moment, of a cluster that starts
                check_topics(self._config.bootstrap, self._layouts, await consumer.topics())
            self._began, heard_s = True, get_running_loop().time()
            while True:
                batch = await consumer.getmany(timeout_ms=500, max_records=MESSAGES_AT_ONCE)
                if batch or get_running_loop().time() - heard_s > LOOK_S:
                    await self._handle(consumer, batch, take)
                    heard_s = get_running_loop().time()
        finally:
            await goodbye(consumer.stop(), STOP_S)  # what ended the reading is on its way up

    async def _handle(self, consumer: Any, batch: Mapping[Any, Sequence[Any]], take: Take) -> None:
        """Take and commit what came; of a long silence ask whether anybody is there, which raises if not."""
        if not batch:
            await check_admitted(self._config.bootstrap, self._security)
            await consumer.topics()
            return
        records = [record for of in batch.values() for record in of]
        if self._registry:
            await self._registry.learn(self._schema_ids(records))
        await take(self._decoded(records), settled=True)
        await consumer.commit({place: of[-1].offset + 1 for place, of in batch.items()})
        self._wait_s = BACK_OFF_S[0]

    def _schema_ids(self, records: Sequence[Any]) -> set[int]:
        avro = [r.value for r in records if r.value and self._layouts[r.topic].encoding == "avro"]
        return {number for value in avro if (number := schema_id(value)) is not None}

    def _decoded(self, records: Sequence[Any]) -> Read:
        schemas = self._registry.schemas if self._registry else NO_SCHEMAS
        messages = (Message(r.topic, r.key, r.value, r.timestamp) for r in records)
        reads = [decode(self._layouts[message.topic], message, schemas) for message in messages]
        return Read([one for read in reads for one in read.readings], [one for read in reads for one in read.unread])

    def _consumer(self) -> Any:
        from aiokafka import AIOKafkaConsumer

        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._config.bootstrap,
            group_id=self._config.group,
            client_id="forewarn-connect",
            enable_auto_commit=False,
            auto_offset_reset=self._config.start,
            isolation_level="read_committed",
            fetch_max_bytes=FETCH_BYTES,
            **self._security,
        )
        # By a pattern: asking for a topic by its name makes it, on a broker with auto.create.topics.enable.
        consumer.subscribe(pattern=f"^(?:{'|'.join(map(re.escape, self._layouts))})$")
        return consumer


def open_feed(config: Config) -> KafkaFeed:
    """The feed of a config. Raises FeedError where it cannot work."""
    topics = [layout.topic for layout in config.topics]
    if not topics or len(set(topics)) < len(topics):
        raise FeedError(f"topics must be some, each once, but are {topics}")
    bound()
    return KafkaFeed(config, _security(config), _registry(config))


def _registry(config: Config) -> Registry | None:
    if config.registry is None:
        if avro := [layout.topic for layout in config.topics if layout.encoding == "avro"]:
            raise FeedError(f"{avro[0]} is in Avro: say in [registry] where its schemas are, as `url`")
        return None
    try:
        import fastavro  # noqa: F401
    except ImportError as missing:
        raise FeedError(f"Avro needs fastavro ({missing}): {INSTALL}") from missing
    return Registry(config.registry)


def _security(config: Config) -> dict[str, Any]:
    """aiokafka's options. Raises FeedError for a missing password or an unusable file."""
    user, password = "", None
    if config.security.startswith("SASL"):
        user, password = config.username, os.environ.get(config.password_env) if config.password_env else None
        if not user or password is None:
            raise FeedError(
                f"{config.security} needs `username`, and `password_env` naming a variable that is set: "
                f"'{config.password_env}' is not"
            )
    cluster = Cluster(
        config.bootstrap,
        user=user,
        password=password or "",
        mechanism=config.sasl_mechanism,
        tls=config.security.endswith("SSL"),
        ca=_path(config.ca_file),
        certificate=_path(config.cert_file),
        key=_path(config.key_file),
    )
    try:
        return security(cluster)
    except KafkaUnreachable as wrong:
        raise FeedError(f"ca_file, cert_file or key_file: {wrong}") from wrong


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
