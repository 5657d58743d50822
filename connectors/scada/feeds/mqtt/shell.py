"""The connection: subscribe, hand on what comes, connect again. Logic is in the decoder."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog

from connectors.scada.feed import FeedError, Read, Reading, Take, Unread
from connectors.scada.feeds.mqtt.config import Config, check
from connectors.scada.feeds.mqtt.decoder import Decoder
from connectors.scada.feeds.mqtt.queue import Waiting
from connectors.scada.feeds.mqtt.rebirth import ask
from connectors.scada.feeds.mqtt.sparkplug import Doubt

if TYPE_CHECKING:
    import aiomqtt

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
"""Between attempts to connect, doubling: our choice."""
BATCH = 500
"""Messages that go on together when several wait: our choice."""
_HOPELESS = {132, 133, 134, 135, 138, 140}
"""Refusals that waiting does not mend: protocol, client id, user or password, not authorized, banned, bad
authentication method (MQTT 5.0 section 3.2.2.2; paho gives MQTT 3.1.1's by the same numbers)."""
_REFUSED = 0x80
"""From here on a reason code is a failure, in MQTT 3.1.1 section 3.9.3 and 5.0 section 2.4."""

_log = structlog.get_logger()


def _now_us() -> int:
    return time.time_ns() // 1_000


def open_feed(config: Config, clock_us: Callable[[], int] = _now_us) -> MqttFeed:
    """Check the config. Raises FeedError that says what to do."""
    check(config)
    try:
        import aiomqtt  # noqa: F401
    except ImportError as missing:
        raise FeedError(f"the MQTT feed needs aiomqtt ({missing}): pip install forewarn[scada]") from missing
    password = os.environ.get(config.password_env) if config.password_env else None
    if config.password_env and password is None:
        raise FeedError(f"password_env names {config.password_env}, which is not set: put the password there")
    return MqttFeed(config, password, clock_us)


class MqttFeed:
    """Reads for ever what the broker has for us."""

    def __init__(self, config: Config, password: str | None, clock_us: Callable[[], int]) -> None:
        self._config, self._password, self._clock_us = config, password, clock_us
        self._decoder = Decoder(config)
        self._waiting: Waiting | None = None
        self._was_connected = False
        try:
            self._tls = ssl.create_default_context(cafile=config.ca_file) if config.tls else None
        except (OSError, ssl.SSLError) as wrong:
            raise FeedError(f"ca_file '{config.ca_file}' holds no certificate in PEM: {wrong}") from wrong

    @property
    def dropped(self) -> int:
        """Messages lost because too many waited."""
        return self._waiting.dropped if self._waiting else 0

    async def run(self, take: Take) -> None:
        """Read until cancelled. Raises FeedError where the broker refuses us, or a subscription, at the first time."""
        import aiomqtt

        wait_s = FIRST_WAIT_S
        while True:
            client = self._client()
            try:
                async with client:
                    await self._subscribe(client)
                    self._was_connected, wait_s = True, FIRST_WAIT_S
                    _log.info("mqtt-connected", host=self._config.host, port=self._config.used_port)
                    await self._read(client, take)
            except aiomqtt.MqttError as fault:
                self._raise_hopeless(fault)
                _log.warning("mqtt-away", host=self._config.host, error=str(fault), retry_s=wait_s)
            finally:
                _let_go(client)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _client(self) -> aiomqtt.Client:
        import aiomqtt

        config = self._config
        waiting = self._waiting = self._waiting or Waiting(config.queue_messages, config.queue_mb * 1_000_000)
        is_5 = config.protocol == "5"
        session: Any = {"clean_start": False, "properties": self._session()} if is_5 else {"clean_session": False}
        return aiomqtt.Client(
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

    def _session(self) -> Any:
        """How long the broker keeps our session, and what it need not send: MQTT 5.0 section 3.1.2.11."""
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        wanted = Properties(PacketTypes.CONNECT)
        wanted.SessionExpiryInterval = self._config.session_expiry_s
        wanted.MaximumPacketSize = self._config.most_payload_kb * 1024 + 70_000  # a topic and the header beside it
        return wanted

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        for its in self._config.subscriptions:
            for one in its.filters:
                codes = await client.subscribe(one, qos=its.qos)
                if any(_number(code) >= _REFUSED for code in codes):
                    raise FeedError(f"the broker refuses a subscription to '{one}': have its access list allow it")

    async def _read(self, client: aiomqtt.Client, take: Take) -> None:
        async for message in client.messages:
            batch = [message]
            while self._waiting and not self._waiting.empty() and len(batch) < BATCH:
                batch.append(self._waiting.get_nowait())
            readings: list[Reading] = []
            unread: list[Unread] = []
            doubts: list[Doubt] = []
            for one in batch:
                topic = str(one.topic)
                seen = self._decoder.read(topic, _bytes(one.payload), self._clock_us(), retained=one.retain)
                readings += seen.read.readings
                unread += seen.read.unread
                doubts += [doubt for doubt in seen.doubts if self._told(doubt, asked=self._decoder.may_ask(topic))]
            await take(Read(readings, unread))
            for doubt in doubts:
                await ask(client, doubt, self._clock_us() // 1_000)

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


def _let_go(client: aiomqtt.Client) -> None:
    """Close the socket that aiomqtt leaves open when a broker never answers, or sends what paho cannot parse."""
    with suppress(OSError, ValueError):
        client._client._sock_close()
