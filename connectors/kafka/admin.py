"""Makes and inspects topics, synchronously: for the command line, start-up and tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

import structlog
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourceType,
)
from kafka.errors import KafkaError, UnknownTopicOrPartitionError
from kafka.structs import TopicPartition

from connectors.kafka.clients import check_reachable, client_options, opened
from pipelines.access import Permission
from pipelines.cluster import Brokers
from pipelines.topics import TOPICS, Topic, named

PATIENCE_S = 15.0

T = TypeVar("T")

_log = structlog.get_logger()


class WrongPartitions(Exception):
    """A topic exists with another number of partitions."""


def _acl(user: str, permission: Permission) -> ACL:
    pattern = ACLResourcePatternType.PREFIXED if permission.prefixed else ACLResourcePatternType.LITERAL
    kind = ResourceType[permission.resource.replace("-", "_").upper()]
    return ACL(
        f"User:{user}",
        "*",
        ACLOperation[permission.operation.upper()],
        ACLPermissionType.ALLOW,
        ResourcePattern(kind, permission.name, pattern),
    )


def _patiently(ask: Callable[[], T]) -> T:
    """Ask again for a while where Kafka says so: a new cluster's first question about groups makes their topic."""
    until_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return ask()
        except KafkaError as error:
            if not error.retriable or time.monotonic() > until_s:
                raise
        time.sleep(0.1)


class KafkaAdmin:
    """The topics of one installation (its prefix) on one cluster.

    A context manager; raises KafkaUnreachable at once.
    """

    def __init__(self, brokers: Brokers, prefix: str = "") -> None:
        check_reachable(brokers)
        self._brokers = brokers
        self._prefix = prefix
        self._client = opened(KafkaAdminClient, brokers, request_timeout_ms=30_000)

    def __enter__(self) -> KafkaAdmin:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def partitions(self) -> dict[Topic, int]:
        """Number of partitions of each of our topics that exists."""
        names = {named(self._prefix, topic): topic for topic in Topic}
        found = self._client.describe_topics(list(names))
        return {names[each["name"]]: len(each["partitions"]) for each in found if each["error_code"] == 0}

    def allowed(self) -> dict[Topic, frozenset[str]]:
        """What this user may do with each of our topics that it may see: READ, WRITE, DESCRIBE and more."""
        names = {named(self._prefix, topic): topic for topic in Topic}
        found = self._client.describe_topics(list(names))
        return {
            names[each["name"]]: frozenset(each["authorized_operations"]) for each in found if not each["error_code"]
        }

    def create_topics(self, partitions: int, replication: int = -1) -> list[Topic]:
        """Create what is missing; which topics that were. -1 replicas: as the broker is set.

        Raises WrongPartitions, having made nothing, where a topic exists with another number.
        """
        existing = self.partitions()
        wrong = {topic: count for topic, count in existing.items() if count != partitions}
        if wrong:
            told = ", ".join(f"{named(self._prefix, topic)} has {count}" for topic, count in wrong.items())
            raise WrongPartitions(
                f"{partitions} partitions are wanted, but {told}. All topics share one number, and keys would move:"
                " use the number there is, or another topic prefix."
            )
        missing = [spec for spec in TOPICS if spec.topic not in existing]
        if missing:
            wanted = {
                named(self._prefix, spec.topic): {
                    "num_partitions": partitions,
                    "replication_factor": replication,
                    "configs": dict(spec.config),
                }
                for spec in missing
            }
            self._client.create_topics(wanted, raise_errors=True)
            self._client.wait_for_topics(list(wanted))
        return [spec.topic for spec in missing]

    def grant(self, user: str, permissions: Collection[Permission]) -> None:
        """Give a user what it lacks of these; what it has besides stays. Raises KafkaError, as where we may not."""
        self._client.create_acls([_acl(user, one) for one in permissions])

    def delete_all(self) -> None:
        """Delete this installation's topics and all they hold. For tests."""
        names = [named(self._prefix, topic) for topic in self.partitions()]
        if names:
            try:
                self._client.delete_topics(names)
            except UnknownTopicOrPartitionError:
                _log.info("topics-deleted-already", topics=names)

    def end_offsets(self, topic: Topic) -> dict[int, int]:
        """The next offset that will be written, by partition."""
        name = named(self._prefix, topic)
        with KafkaConsumer(**client_options(self._brokers)) as consumer:
            places = [TopicPartition(name, p) for p in sorted(consumer.partitions_for_topic(name) or ())]
            return {place.partition: offset for place, offset in consumer.end_offsets(places).items()}

    def lag(self, group: str) -> dict[int, int]:
        """How many records of `records` a group has not yet kept in a snapshot, by partition."""
        name = named(self._prefix, Topic.RECORDS)
        committed = self._committed(group)
        return {
            p: end - committed.get(TopicPartition(name, p), 0) for p, end in self.end_offsets(Topic.RECORDS).items()
        }

    def kept(self, group: str) -> dict[int, int]:
        """The offset of `records` before which all is in a group's snapshots, for partitions that have one."""
        name = named(self._prefix, Topic.RECORDS)
        return {place.partition: offset for place, offset in self._committed(group).items() if place.topic == name}

    def _committed(self, group: str) -> Mapping[TopicPartition, int]:
        answer = _patiently(lambda: self._client.list_group_offsets({group: None}))
        return {place: each.offset for place, each in answer[group].items() if each.offset >= 0}
