"""What a broker says while somebody listens: addresses of plain messages, and metrics of Sparkplug births.

The listener is sans-IO and stands in the decoder's place. `discover` connects under another client id and without a
session, so that the feed's own messages keep waiting for it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable

import msgspec

from connectors.scada.discover import Found, Limits, Progress, Survey, kind_of
from connectors.scada.feed import FeedError, Read
from connectors.scada.feeds.mqtt.config import Config, Plain
from connectors.scada.feeds.mqtt.decoder import Decoder
from connectors.scada.feeds.mqtt.metrics import Described, described, kind_of_datatype
from connectors.scada.feeds.mqtt.shell import open_feed
from connectors.scada.feeds.mqtt.sparkplug import CONTROL, NAMESPACE, Seen
from connectors.scada.feeds.mqtt.wire import Malformed
from models.plant import SignalKind
from models.records import Sample

_ASSET, _SIGNAL = "{asset}", "{signal}"


class Listener(Decoder):
    """A decoder that remembers what it saw of each address."""

    def __init__(self, config: Config, most: int) -> None:
        super().__init__(config)
        self._most = most
        self._found: dict[str, Found] = {}
        self._silent: set[str] = set()
        self._unread: Counter[str] = Counter()
        self._is_whole = True
        self.messages = 0

    def read(self, topic: str, payload: bytes, arrived_us: int, *, retained: bool = False) -> Seen:  # noqa: ARG002 - see below
        """As the decoder, and a look at what it is. A retained message tells of its address as well as a new one."""
        seen = super().read(topic, payload, arrived_us, retained=False)
        self.messages += 1
        plain = self.subscription_of(topic)
        births = {} if isinstance(plain, Plain) else _births(topic, payload)
        for address, one in births.items():
            its_kind = kind_of_datatype(one.datatype)
            if its_kind is not None and one.name != "bdSeq" and not one.name.startswith(CONTROL):
                self._note(address, _of_metric(topic, one.name), its_kind, None, one)
        for reading in seen.read.readings:
            if isinstance(plain, Plain):
                names = _of_topic(plain, reading.address)
            else:
                names = _of_metric(topic, _metric(topic, reading.address))
            self._note(reading.address, names, kind_of(reading.value), reading.value, births.get(reading.address))
        self._unread.update(f"messages that are {one.reason}, such as {topic}" for one in seen.read.unread[:1])
        return seen

    def survey(self) -> Survey:
        """All that was seen so far."""
        left_out = Counter(dict(self._unread.most_common(10)))
        if silent := len(self._silent - self._found.keys()):
            left_out["addresses that said no value"] = silent
        return Survey(list(self._found.values()), left_out, self._is_whole)

    def _note(
        self, address: str, names: tuple[tuple[str, ...], tuple[str, ...]], kind: SignalKind | None, value: Sample,
        birth: Described | None,
    ) -> None:  # fmt: skip
        known = self._found.get(address)
        if known is None and kind is None:
            self._silent.add(address)
            return
        if known is None and len(self._found) >= self._most:
            self._is_whole = False
            return
        known = known or Found(address, *names, kind or SignalKind.TEXT)
        if birth is not None:
            known = known._replace(unit=birth.unit, normal=birth.normal)
        self._found[address] = known if value is None else known._replace(value=value)


async def discover(config: Config, limits: Limits, tell: Progress) -> Survey:
    """Listen for so many seconds. Raises FeedError where the broker is away or says nothing."""
    listener = Listener(config, limits.most)
    ours = msgspec.structs.replace(config, client_id=f"{config.client_id}-discover", session_expiry_s=0)
    feed = open_feed(ours, decoder=listener, is_passing=True)
    telling = asyncio.create_task(_tell(limits.seconds, tell, time.monotonic))
    try:
        async with asyncio.timeout(limits.seconds):
            await feed.run(_forget)
    except TimeoutError:
        if not feed.was_connected:
            raise FeedError(
                f"no connection to {config.host}:{config.used_port} within {limits.seconds:g} s: see host, port and tls"
            ) from None
    finally:
        telling.cancel()
    survey = listener.survey()
    if not survey.found:
        why = "; ".join(f"{count} {words}" for words, count in survey.left_out.items()) or "no message came"
        raise FeedError(
            f"nothing was found within {limits.seconds:g} s: {why}. Listen longer with --seconds, see the topics of "
            "the subscriptions ('#' is all), and restart a Sparkplug node or set request_rebirth = true for its births"
        )
    return survey


async def _forget(read: Read, *, settled: bool = False) -> int:  # noqa: ARG001 - what `feed.Take` is called with
    """The listener has seen it."""
    return 0


async def _tell(seconds: float, tell: Progress, now_s: Callable[[], float]) -> None:
    began_s = now_s()
    while True:
        tell(int(now_s() - began_s), int(seconds))
        await asyncio.sleep(0.5)


def _births(topic: str, payload: bytes) -> dict[str, Described]:
    """What a birth says of its metrics, by address; nothing for what is none, or cannot be read."""
    levels = topic.split("/")
    if levels[0] != NAMESPACE or levels[2:3] not in (["NBIRTH"], ["DBIRTH"]):
        return {}
    try:
        return {f"{_device(topic)}/{one.name}": one for one in described(payload)}
    except Malformed:  # the decoder counts it as unread
        return {}


def _device(topic: str) -> str:
    """group/edge, or group/edge/device: what metrics' addresses begin with."""
    levels = topic.split("/")
    return "/".join((levels[1], *levels[3:]))


def _metric(topic: str, address: str) -> str:
    """A metric's name out of its address. A node's death tells of its devices, too, which are known by then."""
    return address.removeprefix(f"{_device(topic)}/")


def _of_metric(topic: str, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(_device(topic).split("/")), tuple(name.split("/"))


def _of_topic(plain: Plain, address: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Asset and signal by the template's {asset} and {signal}; without them, the last level is the signal."""
    topic, _, key = address.partition("#")
    levels, template = topic.split("/"), plain.topic.split("/")
    keys = (key,) if key else ()
    if _ASSET not in template:
        return (tuple(levels), keys) if keys else (tuple(levels[:-1]), tuple(levels[-1:]))
    at = template.index(_ASSET)
    if _SIGNAL in template:
        its = template.index(_SIGNAL)
        return tuple(level for place, level in enumerate(levels[: at + 1]) if place != its), (levels[its], *keys)
    after = tuple(levels[at + 1 :])
    if after or keys:
        return tuple(levels[: at + 1]), (*after, *keys)
    return (levels[at],), tuple(levels[:at])
