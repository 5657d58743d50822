"""How long a change of a model holds one partition up that scores pumps, by itself: no Kafka, no store."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from models.failure.learned import Lister
from models.records import ModelChange, encode
from pipelines.main import read_models
from pipelines.partition import Partition
from pipelines.plant_file import read_plant
from pipelines.ports import RawRecord
from pipelines.settings import STARTER
from tests.kit.loads import MINUTE_S, PLANT, Load, plant_text

BEGIN_US = 1_767_225_600_000_000
WARM_MIN = 5
"""Minutes of rows before the first change."""


class Held(NamedTuple):
    """Milliseconds, one of each change: its own step, the first minute of rows after it, and the one after that."""

    change_ms: list[float]
    first_ms: list[float]
    second_ms: list[float]


def held(folder: Path, shelf: Mapping[str, Lister], assets: int, changes: int) -> Held:
    """A partition's steps while the models on the shelf take each other's place, a change every second minute."""
    file = folder / "held.toml"
    file.write_text(plant_text(assets))
    plant = read_plant(file)
    partition = Partition(plant, read_models(plant, STARTER), shelf=shelf)
    minutes = _minutes(assets, WARM_MIN + 2 * changes)
    for _ in range(WARM_MIN):
        _step_ms(partition, next(minutes))
    found, versions = Held([], [], []), sorted(shelf)
    for number in range(1, changes + 1):
        change = ModelChange(plant=PLANT, name="pump", version=versions[number % len(versions)], number=number)
        found.change_ms.append(_step_ms(partition, [encode(change)]))
        found.first_ms.append(_step_ms(partition, next(minutes)))
        found.second_ms.append(_step_ms(partition, next(minutes)))
        assert partition.meant["pump"].number == number
    return found


def _minutes(assets: int, count: int) -> Iterator[list[bytes]]:
    load = Load(rows=assets * MINUTE_S * count, assets=assets, rows_a_frame=MINUTE_S)
    messages = (message for _, message in load.messages(BEGIN_US))
    for _ in range(count):
        yield [next(messages) for _ in range(assets)]


def _step_ms(partition: Partition, values: Sequence[bytes]) -> float:
    batch = [RawRecord(partition.next_offset + at, 0, value) for at, value in enumerate(values)]
    began = time.perf_counter()
    partition.receive(batch)
    took_ms = (time.perf_counter() - began) * 1e3
    partition.acknowledged()
    return took_ms
