"""Every topic, declared once: its name, its record, what keys it, how long it keeps.

The partition of a key is pinned here (murmur2, as Java's default partitioner does), so that every client agrees.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

DAY_MS = 86_400_000
ALERTS_WHOLE_DAYS = 92
"""For so long the topic has every revision of a warning, then the last; InfluxDB has them all. Our choice: a quarter of
a year is what figures of a month and the one before are made of."""
MAX_MESSAGE_BYTES = 4 * 1024 * 1024
MAX_FRAME_BYTES = 1024 * 1024


class Topic(StrEnum):
    """Names without the prefix of the installation."""

    RECORDS = "records"
    FORECASTS = "forecasts"
    SHADOWS = "shadows"
    HEALTH = "health"
    ALERTS = "alerts"
    NOTICES = "notices"
    BASELINES = "baselines"
    DEAD_LETTERS = "dead-letters"
    QUARANTINE = "quarantine"
    STATE = "state"
    RELEASES = "model.releases"
    AUDIT = "audit"
    DRIFT = "model.drift"
    SUBSCRIPTIONS = "subscriptions"
    DELIVERIES = "deliveries"
    ORDERS = "production.orders"
    TARIFFS = "energy.tariffs"
    ENERGY = "energy.profiles"
    LOADS = "energy.loads"
    PLANS = "energy.plans"
    DEMAND = "energy.demand"
    SUGGESTIONS = "suggestions"
    QUALITY = "quality"


@dataclass(frozen=True, kw_only=True)
class TopicSpec:
    """What the broker is told about a topic. All topics share one number of partitions."""

    topic: Topic
    holds: str
    key: str
    config: dict[str, str] = field(default_factory=dict)


_ARRIVAL = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(MAX_MESSAGE_BYTES)}


def _keep(days: int) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(days * DAY_MS)}


TOPICS: tuple[TopicSpec, ...] = (
    TopicSpec(
        topic=Topic.RECORDS,
        holds="Frame, Tick, Maintenance, WorkOrder, FeedReport, PlantChange, ModelChange, ClockDecision, Rebuilt, "
        "HealthyBaseline, Action",
        key="plant/asset",
        config=_ARRIVAL | _keep(7),
    ),
    TopicSpec(topic=Topic.FORECASTS, holds="Forecast", key="plant/asset", config=_ARRIVAL | _keep(30)),
    TopicSpec(topic=Topic.SHADOWS, holds="Shadow", key="plant/asset", config=_ARRIVAL | _keep(30)),
    TopicSpec(topic=Topic.HEALTH, holds="Health", key="plant/asset", config=_ARRIVAL | _keep(365)),
    TopicSpec(
        topic=Topic.ALERTS,
        holds="Alert",
        key="plant/asset/id, on the partition of plant/asset",
        config=_ARRIVAL | {"cleanup.policy": "compact", "min.compaction.lag.ms": str(ALERTS_WHOLE_DAYS * DAY_MS)},
    ),
    TopicSpec(topic=Topic.NOTICES, holds="Notice", key="plant/asset", config=_ARRIVAL | _keep(365)),
    TopicSpec(
        topic=Topic.BASELINES, holds="HealthyBaseline", key="plant/asset", config=_ARRIVAL | {"retention.ms": "-1"}
    ),
    TopicSpec(topic=Topic.DEAD_LETTERS, holds="DeadLetter", key="plant/asset", config=_ARRIVAL | _keep(30)),
    TopicSpec(topic=Topic.QUARANTINE, holds="Frame, ClockDecision", key="plant/asset", config=_ARRIVAL | _keep(30)),
    TopicSpec(
        topic=Topic.STATE,
        holds="parts of snapshots and manifests of a partition",
        key="partition/part",
        config={
            "cleanup.policy": "compact",
            "segment.bytes": str(16 * 1024 * 1024),
            "max.message.bytes": str(MAX_MESSAGE_BYTES),
        },
    ),
    TopicSpec(
        topic=Topic.RELEASES,
        holds="Release, Appointment, Ready",  # all on partition 0, so that they have one order
        key="release/version, appointment/office, ready/partition",
        config={"cleanup.policy": "compact", "max.message.bytes": str(MAX_MESSAGE_BYTES)},
    ),
    TopicSpec(
        topic=Topic.AUDIT,
        holds="Appointment, ReleaseMove, AuditEntry",  # entries all on partition 0, so that they have one order
        key="plant/name, plant/audit/chain",
        config=_ARRIVAL | {"retention.ms": "-1"},
    ),
    TopicSpec(topic=Topic.DRIFT, holds="Drift, ModelUpdate", key="plant/name", config=_ARRIVAL | _keep(365)),
    TopicSpec(
        topic=Topic.SUBSCRIPTIONS,
        holds="Subscribed, Redelivery",  # all on partition 0, so that they have one order
        key="plant/subscription/name, plant/redelivery/id",
        config={"cleanup.policy": "compact"},
    ),
    TopicSpec(
        topic=Topic.DELIVERIES,
        holds="Delivery, Followed",  # all on partition 0: one role writes them
        key="plant/delivery/id, plant/followed/id",
        config={"cleanup.policy": "compact", "max.message.bytes": str(MAX_MESSAGE_BYTES)},
    ),
    TopicSpec(topic=Topic.ORDERS, holds="Order", key="plant/order", config={"cleanup.policy": "compact"}),
    TopicSpec(topic=Topic.TARIFFS, holds="Tariff", key="plant/begin_us", config=_ARRIVAL | _keep(400)),
    TopicSpec(topic=Topic.ENERGY, holds="EnergyProfile", key="plant/asset", config={"cleanup.policy": "compact"}),
    TopicSpec(topic=Topic.LOADS, holds="LoadForecast", key="plant/asset", config=_ARRIVAL | _keep(30)),
    TopicSpec(
        topic=Topic.PLANS, holds="Plan, PlanResult", key="plant/plan, plant/result", config=_ARRIVAL | _keep(400)
    ),
    TopicSpec(topic=Topic.DEMAND, holds="DemandWarning", key="plant/quarter_us", config=_ARRIVAL | _keep(400)),
    TopicSpec(
        topic=Topic.SUGGESTIONS,
        holds="Suggestion, SuggestionAnswer, SuggestionEffect, SuggestionRefused, TrialRequest, TuningSwitch",
        key="plant/asset",
        config=_ARRIVAL | _keep(400),
    ),
    TopicSpec(topic=Topic.QUALITY, holds="Part, QualityResult", key="plant/asset", config=_ARRIVAL | _keep(400)),
)


def named(prefix: str, topic: Topic) -> str:
    """The topic's name on the broker under an installation's prefix."""
    return f"{prefix}{topic}"


def murmur2(data: bytes) -> int:
    """Kafka's murmur2 (seed 0x9747b28c, as org.apache.kafka.common.utils.Utils), a 32-bit unsigned integer."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = (0x9747B28C ^ len(data)) & mask
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at : at + 4], "little") * m & mask
        h = (h * m & mask) ^ ((k ^ k >> 24) * m & mask)
    if whole < len(data):
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def partition_of(key: bytes, partitions: int) -> int:
    """Partition of a key among `partitions`, as Java's default partitioner."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


class Share(NamedTuple):
    """One of a topic's partitions, and so the keys that are its own."""

    partition: int
    partitions: int

    def has(self, key: bytes) -> bool:
        """Whether a key is one of them."""
        return partition_of(key, self.partitions) == self.partition
