"""How Faust is made to hand on record batches, and to start and commit where our snapshots say.

Faust's cost is per event, so one event here is all that was fetched of a partition (`Fetched`). The thread fetches raw
batches, the schema passes them through, and the topic takes no part in Faust's acks: steps run in order and a restart
begins at the last snapshot, so no record of single offsets is kept. Who owns which partition, and from where it is
read, is asked of an `Owner`; what the consumer commits to Kafka is the offset of its snapshots, for lag tools only.

Hooks: `seek_to_committed` (after each rebalance: take over, seek), `wait_empty` (before each rebalance and at the end:
give up, commit), `_getmany` (fetch only where there is room). `pause_partitions` is never called by us: it loses
records that were fetched. Faust does call it around a rebalance; what it drops is seen as a gap and read again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import aiokafka
from aiokafka import TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import ConsumerStoppedError, KafkaError
from aiokafka.structs import OffsetAndMetadata
from faust.serializers.schemas import Schema
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT, ConsumerMessage

from connectors.kafka import inflating
from connectors.kafka.clients import client_options
from connectors.kafka.fetching import Fetched, fetch
from pipelines.cluster import Brokers

FETCH_WAIT_MS = 100
"""Longest wait of a fetch at the broker. aiokafka has one request a broker in flight, so a partition that is read again
waits for the idle ones: Faust's 1500 ms would be added to every answer."""

POLL_S = 0.25
POLL_SHORT_S = 0.02
COMMIT_TIMEOUT_S = 5.0


class Owner(Protocol):
    """Who works the partitions. All calls come from the app's loop."""

    def has_room(self, partition: int) -> bool:
        """Whether the partition's queue takes another batch."""
        ...

    async def take_over(self, beginnings: Mapping[int, int]) -> Mapping[int, int]:
        """Own these partitions, whose logs begin there; answer from which offset each is to be read."""
        ...

    async def give_up(self) -> None:
        """Finish what is in work, keep a last snapshot, own nothing."""
        ...

    def fail(self, error: Exception) -> None:
        """Stop the worker in good order, and say why."""
        ...

    def committable(self) -> Mapping[int, int]:
        """Offset of the last snapshot of each partition, also of those just given up."""
        ...


class Lease:
    """Whether the group has confirmed us lately: the age of the last acknowledged heartbeat, from its sending."""

    def __init__(self, max_age_s: float = 5.0, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._max_age_s = max_age_s
        self._monotonic_s = monotonic_s
        self._sent_s = float("-inf")

    def __call__(self) -> bool:
        """True while a write can be ours."""
        return self.age_s < self._max_age_s

    @property
    def age_s(self) -> float:
        """Seconds since the sending of the last heartbeat that was acknowledged; infinite before the first."""
        return self._monotonic_s() - self._sent_s

    def renew(self) -> None:
        """The group knows us as of now."""
        self._sent_s = self._monotonic_s()

    def watch(self, coordinator: Any) -> None:
        """Learn of each heartbeat of an aiokafka group coordinator."""
        beat = coordinator._do_heartbeat

        async def watched() -> bool:
            sent_s = self._monotonic_s()
            acknowledged: bool = await beat()
            if acknowledged:
                self._sent_s = sent_s
            return acknowledged

        coordinator._do_heartbeat = watched


class BatchSchema(Schema[Any, Any]):
    """Passes a fetched batch through as the event's value."""

    def compile(self, app: AppT, **_: Any) -> Any:
        """What Faust calls for each message, which is a batch here."""
        create_event = app.create_event

        async def decode(message: Any, **_: Any) -> Any:
            return create_event(None, message.value, message.headers, message)

        return decode


class OneEventPerPartition:
    """Faust's `ConsumerScheduler`: the records of a partition are one batch already, so each is handed on once."""

    def iterate(self, records: Mapping[TP, Fetched]) -> Iterator[tuple[TP, Fetched]]:
        """In the order of the fetch."""
        return iter(records.items())


class BatchThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread, fetching raw batches; commits of it may fail, since nothing rests on them."""

    transport: BatchTransport

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        inflating.install()
        conf = self.app.conf
        self._assignor = RoundRobinPartitionAssignor
        return aiokafka.AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            **client_options(transport.brokers),
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_interval_ms=int(conf.broker_max_poll_interval * 1000),
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            isolation_level="read_committed",
        )

    async def on_start(self) -> None:
        """Start the consumer, then watch its heartbeats."""
        await super().on_start()
        self.transport.lease.watch(self._ensure_consumer()._coordinator)

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: Any,
        timeout: float | None = None,
        max_records: int | None = None,  # noqa: ARG002 - Faust passes it; a wire batch is never cut
    ) -> Any:
        fetcher = consumer._fetcher
        if not self.consumer.flow_active:
            return {}
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        with fetcher._subscriptions.fetch_context():
            taken = await fetch(fetcher, (TopicPartition(*tp) for tp in active_partitions), timeout or 0.0)
        return {TP(*tp): batch for tp, batch in taken.items()}

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        mine = self.assignment()
        wanted = {TopicPartition(*tp): OffsetAndMetadata(at, "") for tp, at in offsets.items() if tp in mine}
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT_S):
                await self._ensure_consumer().commit(wanted)
        except (KafkaError, TimeoutError) as error:
            self.log.warning(
                "committed offsets of %s not updated (only lag tools read them): %r", self.app.conf.id, error
            )
            return False
        return True


class BatchConsumer(driver.Consumer):
    """Faust's consumer with our rule of starting and committing."""

    transport: BatchTransport
    _revoking = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seeking = asyncio.Lock()

    @property
    def joined(self) -> bool:
        """Whether the group has told us what is ours, and takes nothing of it back now."""
        return not self._revoking

    def _new_consumer_thread(self) -> BatchThread:
        return BatchThread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        generation = self.app.consumer_generation_id
        # Faust drops a message whose offset is below the last one's, so a batch bears its start.
        return ConsumerMessage(
            tp.topic, tp.partition, record.start, 0.0, 0, {}, None, record, None, 0, 0, tp, generation_id=generation
        )

    async def _getmany(self, active_partitions: Any, timeout: float) -> Any:
        active = active_partitions or set()
        roomy = {tp for tp in active if self.transport.owner.has_room(tp.partition)}
        held_back = len(roomy) < len(active)
        return await self._thread.getmany(roomy, min(timeout, POLL_SHORT_S if held_back else POLL_S))

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """From here to the next assignment nothing is taken over: it could be another's already."""
        self._revoking = True
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """We have just been confirmed as a member."""
        self.transport.lease.renew()
        self._revoking = False
        await super().on_partitions_assigned(assigned, generation_id)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Take the assigned partitions over and read each from where its snapshot ends."""
        async with self._seeking:
            assigned = set() if self._revoking else self.assignment()
            if not assigned:
                return {}
            try:
                beginnings = await self.earliest_offsets(*(TopicPartition(*tp) for tp in assigned))
                starts = await self.transport.owner.take_over({tp.partition: at for tp, at in beginnings.items()})
            except Exception as error:
                self.transport.owner.fail(error)
                return {}
            topic = next(iter(assigned)).topic
            await self.seek_wait({TopicPartition(topic, partition): at for partition, at in starts.items()})
            return {TP(topic, partition): at for partition, at in starts.items()}

    async def wait_empty(self) -> None:
        """Before a rebalance and at the end: what is in work is finished and kept, then committed."""
        await self.transport.owner.give_up()
        await super().wait_empty()

    def _filter_tps_with_pending_acks(
        self,
        topics: Any = None,  # noqa: ARG002 - Faust passes it; there is one topic
    ) -> Iterator[TP]:
        return iter([tp for tp in self.assignment() if tp.partition in self.transport.owner.committable()])

    def _new_offset(self, tp: TP) -> int | None:
        return self.transport.owner.committable().get(tp.partition)

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's watchdog reads its own acks, of which there are none."""


class BatchTransport(driver.Transport):
    """Faust's Kafka transport with the consumer above."""

    Consumer = BatchConsumer

    def __init__(self, url: Any, app: AppT, *, brokers: Brokers, owner: Owner, lease: Lease) -> None:
        super().__init__(url, app)
        self.brokers = brokers
        self.owner = owner
        self.lease = lease


def transport_factory(brokers: Brokers, lease: Lease) -> Callable[[AppT, Owner], BatchTransport]:
    """What `pipelines.agents.build_app` wants: makes the transport of an app whose partitions `owner` works."""

    def make(app: AppT, owner: Owner) -> BatchTransport:
        return BatchTransport(app.conf.broker_consumer, app, brokers=brokers, owner=owner, lease=lease)

    return make


def faust_settings() -> dict[str, Any]:
    """Faust settings that go with the transport."""
    return {"ConsumerScheduler": OneEventPerPartition}
