"""The MQTT feed: plain payloads (a number, a word, JSON) and Sparkplug B, by subscription.

`plain` and `sparkplug` are decoders without a socket; `shell` is the connection, on aiomqtt. Nothing is ever published
but, if the config says so, the request for a new birth in `rebirth`, byte for byte what the specification has.
"""

from __future__ import annotations

from connectors.scada.feeds.mqtt.config import Config, Plain, SparkplugB
from connectors.scada.feeds.mqtt.listen import discover
from connectors.scada.feeds.mqtt.shell import open_feed

__all__ = ["Config", "Plain", "SparkplugB", "discover", "open_feed"]
