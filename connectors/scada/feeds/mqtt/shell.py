"""The connection: subscribe, hand on what comes, acknowledge it, connect again. Logic is in the decoder.

A message of QoS 1 is acknowledged once Kafka or the disk has what it held; until then the broker keeps it for our
session. How many it sends ahead of that is bounded by Receive Maximum (MQTT 5), or by the broker's own setting.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from connectors.scada.feed import INSTALL, FeedError, Read, Reading, Take, Unread
from connectors.scada.feeds.mqtt.births import Births
from connectors.scada.feeds.mqtt.config import Config, check
from connectors.scada.feeds.mqtt.decoder import Decoder
from connectors.scada.feeds.mqtt.queue import Waiting
from connectors.scada.feeds.mqtt.rebirth import ask
from connectors.scada.feeds.mqtt.sparkplug import Doubt
from pipelines.stopping import end_if_asked

if TYPE_CHECKING:
    import aiomqtt

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
"""Between attempts to connect, doubling: our choice."""
BATCH = 500
"""Messages that go on, are settled and acknowledged together when several wait: our choice."""
MOST_AHEAD = 4 * BATCH
"""Receive Maximum of MQTT 5: messages that wait while a batch is settled. Our choice: a broker looks for each
acknowledged one among all of them."""
_HOPELESS = {132, 133, 134, 135, 138, 140}
"""Refusals that waiting does not mend: protocol, client id, user or password, not authorized, banned, bad
authentication method (MQTT 5.0 section 3.2.2.2; paho gives MQTT 3.1.1's by the same numbers)."""
_REFUSED = 0x80
"""From here on a reason code is a failure, in MQTT 3.1.1 section 3.9.3 and 5.0 section 2.4."""

_log = structlog.get_logger()


def _now_us() -> int:
    return time.time_ns() // 1_000


def open_feed(
    config: Config,
    clock_us: Callable[[], int] = _now_us,
    decoder: Decoder | None = None,
    *,
    is_passing: bool = False,
    folder: Path | None = None,
) -> MqttFeed:
    """Check the config; Sparkplug's births are kept in `folder`. Raises FeedError that says what to do.

    For who listens once, `is_passing` leaves no session at the broker.
    """
    check(config)
    try:
        import aiomqtt  # noqa: F401
    except ImportError as missing:
        raise FeedError(f"the MQTT feed needs aiomqtt ({missing}): {INSTALL}") from missing
    password = os.environ.get(config.password_env) if config.password_env else None
    if config.password_env and password is None:
        raise FeedError(f"password_env names {config.password_env}, which is not set: put the password there")
    births = Births(folder) if folder else None
    return MqttFeed(config, password, clock_us, decoder or Decoder(config), births, is_passing=is_passing)


class MqttFeed:
    """Reads for ever what the broker has for us."""

    def __init__(
        self,
        config: Config,
        password: str | None,
        clock_us: Callable[[], int],
        decoder: Decoder,
        births: Births | None,
        *,
        is_passing: bool,
    ) -> None:
        self._config, self._password, self._clock_us, self._is_passing = config, password, clock_us, is_passing
        self._decoder, self._births = decoder, births
        self._waiting = Waiting(config.queue_messages, config.queue_mb * 1_000_000)
        self._was_connected = False
        try:
            self._tls = ssl.create_default_context(cafile=config.ca_file) if config.tls else None
        except (OSError, ssl.SSLError) as wrong:
            raise FeedError(f"ca_file '{config.ca_file}' holds no certificate in PEM: {wrong}") from wrong

    @property
    def was_connected(self) -> bool:
        """Whether the broker ever let us in."""
        return self._was_connected

    @property
    def counts(self) -> Counter[str]:
        """As `feed.Counted` has it."""
        return Counter(overflowed_messages=self.dropped)

    @property
    def dropped(self) -> int:
        """Messages of QoS 0 lost because too many waited."""
        return self._waiting.dropped

    async def run(self, take: Take) -> None:
        """Read until cancelled. Raises FeedError where the broker refuses us, or a subscription, at the first time."""
        import aiomqtt

        for born in self._births.load() if self._births else ():
            self._decoder.sessions.restore(born)
        wait_s = FIRST_WAIT_S
        while True:
            client = self._client(self._waiting)
            try:
                async with client:
                    await self._subscribe(client)
                    self._was_connected, wait_s = True, FIRST_WAIT_S
                    _log.info("mqtt-connected", host=self._config.host, port=self._config.used_port)
                    await self._read(client, take)
            except aiomqtt.MqttError as fault:
                self._raise_hopeless(fault)
                _log.warning("mqtt-away", host=self._config.host, error=str(fault.__cause__ or fault), retry_s=wait_s)
            finally:
                _let_go(client)
            end_if_asked()
            await self._hand_on_rest(take)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _client(self, waiting: Waiting) -> aiomqtt.Client:
        import aiomqtt

        config = self._config
        waiting.left = 0
        is_5 = config.protocol == "5"
        session: Any = (
            {"clean_start": self._is_passing, "properties": self._session()}
            if is_5
            else {"clean_session": self._is_passing}
        )
        client = aiomqtt.Client(
            config.host,
            config.used_port,
            username=config.user,
            password=self._password,
            identifier=config.client_id,
            protocol=aiomqtt.ProtocolVersion.V5 if is_5 else aiomqtt.ProtocolVersion.V311,
            keepalive=config.keep_alive_s,
            timeout=config.answer_within_s,
            tls_context=self._tls,
            queue_type=lambda maxsize: waiting,  # type: ignore[arg-type]  # noqa: ARG005
            **session,
        )
        client._client.manual_ack_set(True)  # aiomqtt has no name of its own for it
        _bound(client, self._most_packet)
        return client

    @property
    def _most_packet(self) -> int:
        """Bytes of a packet: the payload, and a topic and the header beside it."""
        return self._config.most_payload_kb * 1024 + 70_000

    def _session(self) -> Any:
        """How long the broker keeps our session, and what it need not send: MQTT 5.0 section 3.1.2.11."""
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        wanted = Properties(PacketTypes.CONNECT)
        wanted.SessionExpiryInterval = self._config.session_expiry_s
        wanted.ReceiveMaximum = min(self._config.queue_messages, MOST_AHEAD)
        wanted.MaximumPacketSize = self._most_packet
        return wanted

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        for its in self._config.subscriptions:
            for one in its.filters:
                codes = await client.subscribe(one, qos=its.qos)
                if any(_number(code) >= _REFUSED for code in codes):
                    raise FeedError(f"the broker refuses a subscription to '{one}': have its access list allow it")

    async def _read(self, client: aiomqtt.Client, take: Take) -> None:
        import aiomqtt

        async for message in client.messages:
            batch = self._batch(message)
            doubts = await self._hand_on(batch, take)
            for one in batch:
                client._client.ack(one.mid, one.qos)  # nothing for QoS 0
            for doubt in doubts:
                await ask(client, doubt, self._clock_us() // 1_000)
            if self._waiting.left and self._waiting.empty():
                raise aiomqtt.MqttError(
                    f"{self._waiting.left} messages of QoS 1 came beyond queue_messages or queue_mb: none is lost, the "
                    "broker sends them on the next connection"
                )

    def _batch(self, first: aiomqtt.Message) -> list[aiomqtt.Message]:
        batch = [first]
        while not self._waiting.empty() and len(batch) < BATCH:
            batch.append(self._waiting.get_nowait())
        return batch

    async def _hand_on(self, batch: list[aiomqtt.Message], take: Take) -> list[Doubt]:
        """Decode and give; with one of QoS 1 among them, until it is safe. The doubts to ask a node about."""
        readings: list[Reading] = []
        unread: list[Unread] = []
        doubts: list[Doubt] = []
        for one in batch:
            topic = str(one.topic)
            seen = self._decoder.read(topic, _bytes(one.payload), self._clock_us(), retained=one.retain)
            readings += seen.read.readings
            unread += seen.read.unread
            doubts += [doubt for doubt in seen.doubts if self._told(doubt, asked=self._decoder.may_ask(topic))]
        if self._births and (changed := self._decoder.sessions.changed()):
            await asyncio.to_thread(self._births.keep, changed)
        await take(Read(readings, unread), settled=any(one.qos for one in batch))
        return doubts

    async def _hand_on_rest(self, take: Take) -> None:
        """Hand on what a connection that is lost had brought.

        What was not acknowledged on it comes again, unless the broker lost our session: rather twice than never. And
        nothing of it is here when the next connection gives its numbers to other messages.
        """
        while not self._waiting.empty():
            await self._hand_on(self._batch(self._waiting.get_nowait()), take)

    def _told(self, doubt: Doubt, *, asked: bool) -> bool:
        """Log a doubt the first time; whether to ask the node."""
        if not doubt.again:
            hint = "asking for its births" if asked else "uncertain until its next birth: see request_rebirth"
            _log.warning("sparkplug-doubt", node=f"{doubt.group}/{doubt.edge}", why=doubt.why, doing=hint)
        return asked

    def _raise_hopeless(self, fault: aiomqtt.MqttError) -> None:
        """Raise FeedError for a refusal, unless we were let in before: then it may be the broker's passing state."""
        import aiomqtt

        refused = isinstance(fault, aiomqtt.exceptions.MqttConnectError) and _number(fault.rc) in _HOPELESS
        if refused and not self._was_connected:
            raise FeedError(
                f"{self._config.host} refuses us: {fault}. See user, password_env, client_id and protocol"
            ) from fault


def _bytes(payload: Any) -> bytes:
    return bytes(payload) if isinstance(payload, bytes | bytearray) else str(payload).encode()


def _number(code: Any) -> int:
    """A reason code as a number: MQTT 5 and paho wrap it."""
    return int(getattr(code, "value", code))


def _bound(client: aiomqtt.Client, most_bytes: int) -> None:
    """Have a connection end with a packet that is longer: paho would make room for all of it at once, up to 256 MiB."""
    paho: Any = client._client
    receive = paho._sock_recv

    def bounded(size: int) -> Any:
        if size > most_bytes:
            paho._sock_close()
            raise ValueError(f"a packet has {size} bytes to come, over {most_bytes}: see most_payload_kb")
        return receive(size)

    paho._sock_recv = bounded


def _let_go(client: aiomqtt.Client) -> None:
    """Close the socket that aiomqtt leaves open when a broker never answers, or sends what paho cannot parse."""
    with suppress(OSError, ValueError):
        client._client._sock_close()
