"""Rows of pumps on the log, as fast as Kafka takes them: what benchmarks feed to workers and to other programs."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from models.records import key_of
from pipelines.settings import STARTER, Settings
from pipelines.topics import Topic, named, partition_of

SIGNALS = ("speed_rpm", "flow_m3_h", "discharge_pressure_bar", "oil_temp_degc")
_MIDDLE = np.array([2900.0, 180.0, 6.0, 55.0])
_SPREAD = np.array([5.0, 2.0, 0.03, 0.5])
_RUNNING = """[types.pump.operating]
signal = "speed_rpm"
running_above = 2500
off_below = 60
hysteresis = 50
settle = "0s"
"""
PLANT = "bench"
SECOND_US, MINUTE_S = 1_000_000, 60
MOST_BYTES, CODEC = 2 * 1024 * 1024, 2
"""Of a batch before it is compressed, and snappy's number on the wire (KIP-98)."""


def plant_text(assets: int, scored: bool = True) -> str:
    """The starter's pumps, so many of them, running by their speed and scored from the first minute on, or never."""
    text = (STARTER / "pumps.toml").read_text().partition("[assets")[0].replace('"demo"', f'"{PLANT}"')
    before, _, rest = text.partition("[types.pump.operating]")
    if not scored:
        before = re.sub(r"^(model|health) = .*\n", "", before, flags=re.MULTILINE)
    after = rest[rest.index("[types.pump.signals") :]
    pumps = "\n".join(f'[assets.{name}]\ntype = "pump"' for name in names(assets))
    return f"{before}{_RUNNING}\n{after}\n{pumps}\n"


def names(assets: int) -> list[str]:
    """Of all assets."""
    return [f"p{number:05d}" for number in range(assets)]


@dataclass(frozen=True, kw_only=True)
class Load:
    """`rows` rows a second apart, of so many assets in turn, in messages of `rows_a_frame` rows; they end now.

    Each has the first few of SIGNALS.
    """

    rows: int
    assets: int = 50
    rows_a_frame: int = 1
    signals: int = len(SIGNALS)

    @property
    def seconds(self) -> int:
        """Length of the plant's time in it, whole frames of each asset."""
        return self.rows // self.assets // self.rows_a_frame * self.rows_a_frame

    @property
    def total(self) -> int:
        """Rows in it."""
        return self.seconds * self.assets

    def messages(self, begin_us: int) -> Iterator[tuple[int, bytes]]:
        """Number of the asset and message, in order of time."""
        random, step, told = np.random.default_rng(1), self.rows_a_frame, SIGNALS[: self.signals]
        heads = [f'{{"type":"frame","plant":"{PLANT}","asset":"{name}","source":"plc"' for name in names(self.assets)]
        for second in range(0, self.seconds, step):
            drawn = random.normal(_MIDDLE[:, None], _SPREAD[:, None], (self.assets, len(SIGNALS), step))
            times = ",".join(str(begin_us + (second + at) * SECOND_US) for at in range(step))
            for asset, columns in enumerate(np.round(drawn, 3).tolist()):
                said = ",".join([f'"{name}":{column}' for name, column in zip(told, columns, strict=False)])
                yield asset, f'{heads[asset]},"times_us":[{times}],"signals":{{{said.replace(" ", "")}}}}}'.encode()


Round = list[tuple[int, BatchBuilder]]
"""Batches that go out together, by partition."""


def rounds(load: Load, begin_us: int, partitions: int, rows: int | None = None) -> Iterator[Round]:
    """The load as batches ready to send: of so many rows, or as large as is quick."""
    keys = [key_of(PLANT, name) for name in names(load.assets)]
    places = [partition_of(key, partitions) for key in keys]
    made: dict[int, BatchBuilder] = {}
    count = size = 0
    for asset, message in load.messages(begin_us):
        batch = made.setdefault(places[asset], BatchBuilder(MOST_BYTES, CODEC))
        assert batch.append(timestamp=None, key=keys[asset], value=message), "a batch is full"
        count, size = count + load.rows_a_frame, size + len(message)
        if size > MOST_BYTES // 2 or (rows is not None and count >= rows):
            yield _closed(made)
            made, count, size = {}, 0, 0
    yield _closed(made)


def _closed(made: dict[int, BatchBuilder]) -> Round:
    for batch in made.values():
        batch.close()
    return list(made.items())


async def send(settings: Settings, load: Iterable[Round], every_s: float = 0.0) -> float:
    """Put rounds on the installation's log, one each `every_s`; seconds that this took."""
    topic = named(settings.topic_prefix, Topic.RECORDS)
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka, acks=1, max_request_size=2 * MOST_BYTES)
    async with producer:
        began = time.monotonic()
        for number, batches in enumerate(load):
            await asyncio.sleep(max(0.0, began + number * every_s - time.monotonic()))
            for partition, batch in batches:
                await producer.send_batch(batch, topic, partition=partition)
        await producer.flush()
        return time.monotonic() - began


def fill(settings: Settings, load: Load) -> None:
    """Put the load on the installation's log; its newest row is of now."""
    begin_us = (int(time.time()) // MINUTE_S * MINUTE_S - load.seconds) * SECOND_US
    asyncio.run(send(settings, rounds(load, begin_us, settings.partitions)))


def write_plant(folder: Path, assets: int, scored: bool = True) -> Path:
    """The plant file in the folder."""
    path = folder / f"plant-{assets}{'' if scored else '-unscored'}.toml"
    path.write_text(plant_text(assets, scored))
    return path
