"""Which exceptions are the user's or the world's fault and carry their own advice; all others are ours."""

from __future__ import annotations

from pydantic import ValidationError

from connectors.files.table import MapError
from connectors.influx.target import InfluxMisconfigured, InfluxUnreachable
from connectors.kafka.admin import KafkaUnreachable, WrongPartitions
from connectors.kafka.plain import NotSent
from connectors.kafka.snapshots import StateUnusable
from infra.bin.layout import ServicesError
from models.inference import ModelError
from models.plant import PlantError
from pipelines.cli.feed import NotCaughtUp
from pipelines.ports import StoreDown
from pipelines.state import SnapshotError

TELLING = (
    InfluxMisconfigured,
    InfluxUnreachable,
    KafkaUnreachable,
    MapError,
    ModelError,
    NotCaughtUp,
    NotSent,
    PlantError,
    ServicesError,
    SnapshotError,
    StateUnusable,
    StoreDown,
    WrongPartitions,
)


def told(fault: Exception) -> str | None:
    """What to tell the user; None for a fault of ours, which shows its trace."""
    if isinstance(fault, ValidationError):
        wrong = fault.errors()[0]
        name = "_".join(str(part) for part in wrong["loc"]).upper()
        return f"setting FOREWARN_{name}: {wrong['msg']}, but it is {wrong['input']!r}"
    if isinstance(fault, TELLING):
        return str(fault)
    return None
