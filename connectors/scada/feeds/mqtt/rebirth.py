"""The one message this feed can publish: the request to an edge node to send its births again.

It is a write to the edge node by the letter, so it is sent only where the config says `request_rebirth = true`; and it
is the metric 'Node Control/Rebirth' = true and nothing else, whatever it is called with. Eclipse Sparkplug 3.0.0,
tck-id-operational-behavior-data-commands-rebirth-action-1 and tck-id-payloads-ncmd-timestamp, -seq, -qos, -retain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.scada.feeds.mqtt.metrics import BOOLEAN, BOOLEAN_VALUE
from connectors.scada.feeds.mqtt.sparkplug import NAMESPACE, Doubt
from connectors.scada.feeds.mqtt.wire import length_field, varint_field

if TYPE_CHECKING:
    import aiomqtt

METRIC = "Node Control/Rebirth"


def request_of(time_ms: int) -> bytes:
    """The payload: time, no sequence number, one metric that is true."""
    metric = length_field(1, METRIC.encode()) + varint_field(3, time_ms)
    metric += varint_field(4, BOOLEAN) + varint_field(BOOLEAN_VALUE, 1)
    return varint_field(1, time_ms) + length_field(2, metric)


async def ask(client: aiomqtt.Client, doubt: Doubt, time_ms: int) -> None:
    """Ask the doubtful node for its births; QoS 0, not retained. Its names are levels of a topic that was received."""
    await client.publish(f"{NAMESPACE}/{doubt.group}/NCMD/{doubt.edge}", request_of(time_ms), qos=0, retain=False)
