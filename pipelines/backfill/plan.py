"""What a backfill will do, worked out before it starts: shown, kept beside its results, and what `--resume` goes by."""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256

import msgspec
from msgspec import Struct

from pipelines.backfill.stretch import Found


class What(StrEnum):
    """What is made of history."""

    INGEST = "ingest"
    FORECASTS = "forecasts"
    ALERTS = "alerts"
    FEATURES = "features"


SCORED = frozenset({What.FORECASTS, What.ALERTS, What.FEATURES})
"""What needs a model."""


class Into(StrEnum):
    """Where it goes, beside the run's own folder."""

    PARQUET = "parquet"
    INFLUX = "influx"
    TOPICS = "topics"


class Plan(Struct, frozen=True, kw_only=True):
    """One backfill. Times are microseconds since 1970 UTC, from_us <= time < to_us.

    `read_from_us` is where reading begins so that windows are full at `from_us`; what is made before that is left out.
    `where` says in words what is read. `models` has by asset type the version of its model, `every_min` the cadence at
    which minutes are scored, 1 as live does. With `replays_onto`, records of the history are published onto topics of
    that prefix and nothing else is made of them here. `inputs` is a digest of what else was given: the shape of files,
    failures and repairs, when models change.
    """

    plant: str
    plant_version: str
    source: str
    where: str
    read_from_us: int
    from_us: int
    to_us: int
    assets: tuple[str, ...]
    models: dict[str, str]
    what: tuple[What, ...]
    into: tuple[Into, ...]
    lateness_s: int
    every_min: int = 1
    replays_onto: str | None = None
    inputs: str = ""
    lanes: int
    found: Found

    @property
    def name(self) -> str:
        """The same for the same work: how it is shared out, and what there was to read, are no part of it."""
        same = msgspec.structs.replace(self, found=Found(None, None, None, None, 0), lanes=0, read_from_us=0)
        return sha256(msgspec.json.encode(same)).hexdigest()[:12]
