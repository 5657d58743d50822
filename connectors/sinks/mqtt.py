"""An MQTT topic: each notification as JSON, by QoS 1, with a connection of its own: warnings are seldom."""

from __future__ import annotations

import asyncio
import ssl
from typing import Annotated

import aiomqtt
from msgspec import Meta, Struct

from connectors.delivery import Place, SinkError, secret
from models.delivery.outcomes import Delivered, Failed, Outcome
from models.records import Notification, encode

BY_CASE = False


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A broker and a topic, in which `{plant}`, `{subscription}` and `{asset}` stand for what the notification has.

    `{asset}` is `many` where it tells of several machines.
    """

    host: str
    topic: Annotated[str, Meta(min_length=1, max_length=1000)]
    port: Annotated[int, Meta(ge=1, le=65_535)] | None = None
    user: str | None = None
    password_env: str | None = None
    password_file: str | None = None
    tls: bool = False
    ca_file: str | None = None
    retain: bool = False
    timeout_s: Annotated[float, Meta(gt=0, le=120)] = 10.0


class MqttSink:
    """A `pipelines.deliver.ports.Sink`."""

    def __init__(self, config: Config, password: str | None, context: ssl.SSLContext | None) -> None:
        self._config, self._password, self._context = config, password, context

    async def send(self, notification: Notification) -> Outcome:
        """Connect, publish, wait for the broker's acknowledgement, and leave."""
        config = self._config
        port = config.port or (8883 if config.tls else 1883)  # as registered with IANA
        try:
            async with (
                asyncio.timeout(config.timeout_s),
                aiomqtt.Client(
                    config.host,
                    port,
                    username=config.user,
                    password=self._password,
                    tls_context=self._context,
                    timeout=config.timeout_s,
                ) as client,
            ):
                topic = topic_of(config.topic, notification)
                await client.publish(topic, encode(notification), qos=1, retain=config.retain)
        except (aiomqtt.MqttError, TimeoutError, OSError) as wrong:
            return Failed(f"{config.host}:{port}: {str(wrong) or repr(wrong)}")
        return Delivered()

    async def close(self) -> None:
        """Nothing is open between two notifications."""


def open_sink(config: Config, place: Place) -> MqttSink:
    """Raises SinkError for a topic that is none, a certificate that is none, and a password that is not there."""
    topic = config.topic
    for word in ("{plant}", "{subscription}", "{asset}"):
        topic = topic.replace(word, "x")
    if any(sign in topic for sign in "+#{}\0"):
        raise SinkError(f"topic is '{config.topic}': it must have no + and #, and of braces {{plant}}, ... alone")
    if config.ca_file and not config.tls:
        raise SinkError("ca_file is given, but tls is not: set tls = true, or leave ca_file out")
    password = secret("password", config.password_env, config.password_file, place.environ)
    if password is not None and config.user is None:
        raise SinkError("password is given, but user is not: give both or neither")
    try:
        context = ssl.create_default_context(cafile=config.ca_file) if config.tls else None
    except OSError as wrong:
        raise SinkError(f"ca_file '{config.ca_file}' cannot be used: {wrong}") from wrong
    return MqttSink(config, password, context)


def topic_of(template: str, notification: Notification) -> str:
    """The topic of a notification; signs that mean something to a broker are taken out of names."""
    assets = {one.asset for one in notification.mentions}
    values = {
        "{plant}": notification.plant,
        "{subscription}": notification.subscription,
        "{asset}": assets.pop() if len(assets) == 1 else "many",
    }
    for word, value in values.items():
        template = template.replace(word, "".join("_" if sign in "+#/\0" else sign for sign in value))
    return template
