"""The MQTT feed as a process that a test kills: what it reads goes through a relay onto the disk, Kafka being away.

Called as `python -m tests.kit.mqtt_process PORT FOLDER`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from connectors.memory import ManualClock, MemoryPublisher
from connectors.scada import relay as module
from connectors.scada.feed import Read
from connectors.scada.feeds import mqtt
from connectors.scada.mapping import Mapper
from connectors.scada.relay import Relay
from connectors.scada.spool import SEGMENT_BYTES, Spool
from models.plant import parse
from tests.kit import tiny

TAG = "[[tags]]\naddress = 'plant/t1'\nasset = 'pump-01'\nsignal = 'temp_degc'\n"
CLIENT = "killed"
SLOW_S = 0.02
"""Between receipt and the disk, so that a kill falls there."""


def open_feed(port: int) -> mqtt.shell.MqttFeed:
    """Values of one signal, each with a time of its own, in a session that outlives the process."""
    plain = mqtt.Plain(topic="plant/+", value="v", time="t", time_unit="ms")
    return mqtt.open_feed(mqtt.Config(host="127.0.0.1", port=port, client_id=CLIENT, subscriptions=(plain,)))


async def _run(port: int, folder: Path) -> None:
    module.SEND_S, module.RETRY_S = 0.05, 0.01
    spool = Spool(folder, 8 * SEGMENT_BYTES)
    mapper = Mapper(parse(tiny.PLANT_TOML + TAG), "test")
    relay = Relay(mapper, MemoryPublisher(down=True), spool, "tiny", 3, ManualClock())

    async def take(read: Read, *, settled: bool = False) -> None:
        await asyncio.sleep(SLOW_S)
        await relay.take(read, settled=settled)

    await asyncio.gather(relay.run(), open_feed(port).run(take))


if __name__ == "__main__":
    asyncio.run(_run(int(sys.argv[1]), Path(sys.argv[2])))
