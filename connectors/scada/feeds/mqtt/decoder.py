"""From a message to what it holds, by the subscription it belongs to. Sans-IO, and never raises on what comes."""

from __future__ import annotations

from connectors.scada.feed import Read, Unread
from connectors.scada.feeds.mqtt.config import Config, Plain, Subscription
from connectors.scada.feeds.mqtt.plain import read_plain
from connectors.scada.feeds.mqtt.sparkplug import Seen, Sessions
from connectors.scada.feeds.mqtt.topics import matches
from models.records import Reject


class Decoder:
    """The feed's memory: the Sparkplug sessions."""

    def __init__(self, config: Config) -> None:
        self._most_bytes = config.most_payload_kb * 1024
        self._filters = [(one.split("/"), its) for its in config.subscriptions for one in its.filters]
        self.sessions = Sessions()

    def read(self, topic: str, payload: bytes, arrived_us: int, *, retained: bool = False) -> Seen:
        """Readings of a message; doubts only of nodes that may be asked or must be told of: see `may_ask`."""
        its = self.subscription_of(topic)
        if its is None:
            return Seen(Read(unread=(Unread(Reject.UNREADABLE, f"'{topic}' was not subscribed to", payload),)))
        if len(payload) > self._most_bytes:
            told = f"'{topic}' has {len(payload)} bytes, over {self._most_bytes}: see most_payload_kb"
            return Seen(Read(unread=(Unread(Reject.TOO_LARGE, told, payload),)))
        if isinstance(its, Plain):
            return Seen(read_plain(its, topic, payload, arrived_us, retained=retained))
        return self.sessions.read(topic, payload, arrived_us)

    def may_ask(self, topic: str) -> bool:
        """Whether the node that sends on a topic may be asked for its births."""
        its = self.subscription_of(topic)
        return its is not None and not isinstance(its, Plain) and its.request_rebirth

    def subscription_of(self, topic: str) -> Subscription | None:
        """The first subscription that a topic is within."""
        return next((its for levels, its in self._filters if matches(levels, topic)), None)
