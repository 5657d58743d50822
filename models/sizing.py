"""How large a cluster has to be for a plant: what was measured of rows, messages, values and forecasts, multiplied.

Constants come from `models/sizing.json`, which `tests/bench/sizing.py` writes; each says how it was measured. Where a
plant goes beyond what was, the size says so. Pure: who calls reads the file.
"""

from __future__ import annotations

import math
from enum import StrEnum

from msgspec import Struct

DAY_S = 86_400
FORECAST_EVERY_S = 60.0
"""A machine is scored once a minute."""
FORECASTS_KEPT_DAYS = 30
"""`pipelines/topics.py` keeps forecasts so long; a test compares."""
BUSY = 0.5
"""Share of its core that a worker is to be busy with. Our choice: the other half takes what a worker leaves behind that
goes, and backlogs; latency was measured there."""
CORES_A_WORKER = 1.0
"""Steps of a worker run on one core, one after the other; what is beside them is not counted on. Our choice."""
PARTITIONS = (6, 12, 24, 48, 96, 192)
"""Numbers that most numbers of workers divide well. They are fixed once topics are made."""
SHARE_OF_PARTITIONS = 4
"""Partitions a worker, so that twice as many workers still share them well. Our choice."""


class Codec(StrEnum):
    """How records are compressed on their topic."""

    NONE = "none"
    SNAPPY = "snappy"


class Figure(Struct, frozen=True, kw_only=True):
    """A constant: its value, in which unit, and how it was measured."""

    value: float
    unit: str
    how: str


class Cost(Struct, frozen=True, kw_only=True):
    """What a message, a row in it and a value in that take, and a forecast; each in `unit`.

    Where rows come as they are made, an `asset` takes so much each second beside that, in snapshots and in steps of few
    rows; a `worker` and a `partition` take theirs however few rows there are.
    """

    unit: str
    how: str
    message: float = 0.0
    row: float = 0.0
    value: float = 0.0
    forecast: float = 0.0
    asset: float = 0.0
    worker: float = 0.0
    partition: float = 0.0

    def of(self, load: Load, workers: int = 1, partitions: int = 0) -> float:
        """In a second of a load that comes as it is made, of all workers together."""
        return self.of_backlog(load) + self.asset * load.assets + self.worker * workers + self.partition * partitions

    def of_backlog(self, load: Load) -> float:
        """For what comes in a second of a load, as part of a backlog."""
        return (
            self.message * load.messages_per_s
            + self.row * load.rows_per_s
            + self.value * load.values_per_s
            + self.forecast * load.forecasts_per_s
        )


class Wait(Struct, frozen=True, kw_only=True):
    """Milliseconds from a record's arrival to its forecast, where a worker reads a share of the most that it can."""

    share: float
    p50_ms: float
    p99_ms: float


class Fleet(Struct, frozen=True, kw_only=True):
    """What so many workers took together while each asset sent a row a second, and what the constants say of it."""

    workers: int
    partitions: int
    assets: int
    cores: float
    predicted_cores: float

    @property
    def off(self) -> float:
        """Share by which the prediction is off."""
        return self.predicted_cores / self.cores - 1


class Range(Struct, frozen=True, kw_only=True):
    """What was measured, at most."""

    signals: int
    rows_a_frame: int
    assets_a_worker: int
    workers: int


class Constants(Struct, frozen=True, kw_only=True):
    """All that was measured: when, on which machine, of which commit, how busy it was with other things."""

    made: str
    commit: str
    machine: str
    others_cores: float
    worker_cpu_us: Cost
    kafka_cpu_us: Cost
    influx_cpu_us: Cost
    log_bytes: dict[Codec, Cost]
    influx_bytes: Figure
    forecast_bytes: Figure
    worker_mib: Figure
    asset_mib: Figure
    waits: tuple[Wait, ...]
    fleets: tuple[Fleet, ...]
    measured: Range


class Load(Struct, frozen=True, kw_only=True):
    """A plant: assets with so many signals each, a row every so many seconds, in frames of rows; scored or not."""

    assets: int
    signals: int
    every_s: float = 1.0
    rows_a_frame: int = 1
    scored: bool = True

    def __post_init__(self) -> None:
        if min(self.assets, self.signals, self.rows_a_frame) < 1 or not 0 < self.every_s < math.inf:
            raise ValueError("assets, signals and rows a frame are 1 or more, and a row comes every so many seconds")

    @property
    def rows_per_s(self) -> float:
        """Of all assets."""
        return self.assets / self.every_s

    @property
    def messages_per_s(self) -> float:
        """Frames."""
        return self.rows_per_s / self.rows_a_frame

    @property
    def values_per_s(self) -> float:
        """Of all signals."""
        return self.rows_per_s * self.signals

    @property
    def forecasts_per_s(self) -> float:
        """At most: one an asset and minute that has a row, told only where it says something new."""
        return self.assets / max(FORECAST_EVERY_S, self.every_s) if self.scored else 0.0


class Kept(Struct, frozen=True, kw_only=True):
    """How long and how often all is kept."""

    kafka_days: float = 7.0
    influx_days: float = 365.0
    replicas: int = 1
    codec: Codec = Codec.SNAPPY


class Size(Struct, frozen=True, kw_only=True):
    """What a load takes. GB are 1e9 bytes; disks without what file systems and other topics want."""

    rows_per_s: float
    values_per_s: float
    worker_cores: float
    workers: int
    partitions: int
    worker_mib: float
    kafka_cores: float
    kafka_disk_gb: float
    kafka_in_mb_per_s: float
    kafka_out_mb_per_s: float
    influx_cores: float
    influx_disk_gb: float
    p99_low_ms: float
    p99_high_ms: float
    frame_waits_s: float
    beyond: tuple[str, ...]


def size(load: Load, kept: Kept, constants: Constants) -> Size:
    """What a load takes, and where it goes beyond what was measured."""
    workers, partitions, cores = _workers(load, constants.worker_cpu_us)
    bytes_per_s = constants.log_bytes[kept.codec].of(load)
    said_per_s = constants.forecast_bytes.value * load.forecasts_per_s
    kept_bytes = DAY_S * (bytes_per_s * kept.kafka_days + said_per_s * FORECASTS_KEPT_DAYS)
    low, high = p99_ms(cores / workers / CORES_A_WORKER, constants.waits)
    return Size(
        rows_per_s=load.rows_per_s,
        values_per_s=load.values_per_s,
        worker_cores=cores,
        workers=workers,
        partitions=partitions,
        worker_mib=constants.worker_mib.value + constants.asset_mib.value * math.ceil(load.assets / workers),
        kafka_cores=constants.kafka_cpu_us.of(load, workers, partitions) / 1e6,
        kafka_disk_gb=kept_bytes * kept.replicas / 1e9,
        kafka_in_mb_per_s=(bytes_per_s + said_per_s) / 1e6,
        kafka_out_mb_per_s=(bytes_per_s + (bytes_per_s + said_per_s) * (kept.replicas - 1)) / 1e6,
        influx_cores=constants.influx_cpu_us.of(load, workers, partitions) / 1e6,
        influx_disk_gb=constants.influx_bytes.value * load.values_per_s * DAY_S * kept.influx_days / 1e9,
        p99_low_ms=low,
        p99_high_ms=high,
        frame_waits_s=(load.rows_a_frame - 1) * load.every_s,
        beyond=tuple(_beyond(load, workers, constants)),
    )


def _workers(load: Load, cost: Cost) -> tuple[int, int, float]:
    """How many workers and partitions, and the cores of all: each further worker and partition takes some of its own.

    Raises ValueError where one worker's own share is more than it may be busy.
    """
    if cost.worker + SHARE_OF_PARTITIONS * cost.partition >= CORES_A_WORKER * BUSY * 1e6:
        raise ValueError("a worker without rows takes all that it may by the constants: measure them anew")
    workers = 1
    while True:
        least = workers * SHARE_OF_PARTITIONS
        partitions = next((n for n in PARTITIONS if n >= least), least)
        cores = cost.of(load, workers, partitions) / 1e6
        wanted = math.ceil(cores / (CORES_A_WORKER * BUSY))
        if wanted <= workers:
            return workers, partitions, cores
        workers = wanted


def p99_ms(share: float, waits: tuple[Wait, ...]) -> tuple[float, float]:
    """Between which of the measured shares of a worker's most a share lies, by what 99 of 100 forecasts wait there.

    Below the least that is 0 and that one's, above the greatest its own and infinity.
    """
    low = max((one.p99_ms for one in waits if one.share <= share), default=0.0)
    high = min((one.p99_ms for one in waits if one.share >= share), default=math.inf)
    return min(low, high), max(low, high)


def _beyond(load: Load, workers: int, constants: Constants) -> list[str]:
    most, said = constants.measured, []
    if load.signals > most.signals:
        said.append(f"{load.signals} signals a row; measured with 1 and {most.signals}: costs grow by the value")
    if load.rows_a_frame > most.rows_a_frame:
        said.append(f"frames of {load.rows_a_frame} rows; measured with 1 and {most.rows_a_frame}")
    if math.ceil(load.assets / workers) > most.assets_a_worker:
        each = math.ceil(load.assets / workers)
        said.append(f"{each:,} assets a worker; memory was measured up to {most.assets_a_worker:,}")
    if workers > most.workers:
        said.append(f"{workers} workers; measured with up to {most.workers}, on one machine")
    if load.every_s > FORECAST_EVERY_S:
        said.append(f"a row every {load.every_s:g} s; measured with a row a second")
    return said
