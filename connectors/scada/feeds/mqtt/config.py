"""What the MQTT feed is told: the broker, and what to subscribe to. Checked here, before anything connects."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from connectors.scada.feed import FeedError
from connectors.scada.feeds.mqtt.topics import fault_of, filter_of
from connectors.scada.waveform import Waveform

Positive = Annotated[int, Meta(ge=1)]
Port = Annotated[int, Meta(ge=1, le=65_535)]
Qos = Literal[0, 1]
SPARKPLUG_KINDS = ("NBIRTH", "NDATA", "NDEATH", "DBIRTH/+", "DDATA/+", "DDEATH/+")


class Plain(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="payload", tag="plain"):
    """Messages that are a bare number or word, or JSON. The address of a reading is its topic.

    `value`, `time` and `quality` are dotted paths into JSON; without `value` and `fields` the payload is bare. With
    `fields` each key of the object at `value` (the whole of it, if empty) is a signal: its address is topic#key.
    `time_unit` is that of numbers; texts are ISO 8601 with a zone. With `arrival_time` a message without a time gets
    that of its arrival. Of the values at `quality`, `good` and `uncertain` are what they say, and all else is bad.
    """

    topic: str
    value: str = ""
    time: str = ""
    quality: str = ""
    fields: bool = False
    time_unit: Literal["iso", "s", "ms", "us"] = "iso"
    arrival_time: bool = False
    good: tuple[str | bool | int, ...] = ("good", True, 192)
    uncertain: tuple[str | bool | int, ...] = ("uncertain", 64)
    waveforms: tuple[Waveform, ...] = ()
    qos: Qos = 1

    @property
    def filters(self) -> tuple[str, ...]:
        """What to subscribe to."""
        return (filter_of(self.topic),)

    @property
    def is_bare(self) -> bool:
        """Whether a payload is the value itself."""
        return not (self.value or self.fields)


class SparkplugB(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="payload", tag="sparkplug-b"):
    """All edge nodes of a group (`+`: of all groups), by Eclipse Sparkplug 3.0.0.

    The address of a reading is group/edge/device/metric, or group/edge/metric for a node's own. `request_rebirth`
    allows the one message this feed can publish: the request to an edge node to send its births again.
    """

    group: str
    request_rebirth: bool = False
    qos: Qos = 1

    @property
    def filters(self) -> tuple[str, ...]:
        """What to subscribe to: births, data and deaths, no commands."""
        return tuple(
            f"spBv1.0/{self.group}/{kind.partition('/')[0]}/+{'/+' if '/' in kind else ''}" for kind in SPARKPLUG_KINDS
        )


Subscription = Plain | SparkplugB


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A broker and subscriptions. The broker keeps what comes while we are away for `client_id`: no two may share it.

    `queue_messages` and `queue_mb` bound what waits here, of QoS 0 and of QoS 1 each. What is over is dropped, counted
    and logged if of QoS 0, and stays with the broker if of QoS 1. A payload over `most_payload_kb` is not decoded, and
    with MQTT 5 not sent to us.
    """

    host: str
    client_id: Annotated[str, Meta(min_length=1)]
    subscriptions: Annotated[tuple[Subscription, ...], Meta(min_length=1)]
    port: Port | None = None
    protocol: Literal["3.1.1", "5"] = "3.1.1"
    user: str | None = None
    password_env: str | None = None
    tls: bool = False
    ca_file: str | None = None
    keep_alive_s: Annotated[int, Meta(ge=5, le=65_535)] = 30
    answer_within_s: Positive = 10
    session_expiry_s: Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)] = 86_400
    queue_messages: Positive = 10_000
    queue_mb: Positive = 64
    most_payload_kb: Annotated[int, Meta(ge=1, le=262_144)] = 1024

    @property
    def used_port(self) -> int:
        """The port given, or the registered one: 8883 with TLS, 1883 without (IANA)."""
        return self.port or (8883 if self.tls else 1883)


def check(config: Config) -> None:
    """Raise FeedError for what cannot work."""
    if config.ca_file and not config.tls:
        raise FeedError("ca_file is given, but tls is not: set tls = true, or leave ca_file out")
    if config.ca_file and not Path(config.ca_file).is_file():
        raise FeedError(f"ca_file '{config.ca_file}' is no file: give the certificate of the broker's authority (PEM)")
    if config.password_env and not config.user:
        raise FeedError("password_env is given, but user is not: give both or neither")
    for number, one in enumerate(config.subscriptions):
        where = f"subscriptions[{number}]"
        if isinstance(one, Plain):
            _check_plain(where, one)
        elif not one.group or any(sign in one.group for sign in "/#\0") or (one.group != "+" and "+" in one.group):
            raise FeedError(f"{where}.group is '{one.group}': give one group's name, or '+' for all")


def _check_plain(where: str, plain: Plain) -> None:
    fault = fault_of(plain.filters[0])
    if fault:
        raise FeedError(f"{where}.topic '{plain.topic}' is no topic filter: {fault}")
    if plain.is_bare and (plain.time or plain.quality):
        raise FeedError(f"{where} has a time or quality, but a bare payload has neither: give value, or fields = true")
    if not plain.time and not plain.arrival_time:
        raise FeedError(f"{where} has no time: give its path in the payload, or allow arrival_time = true")
