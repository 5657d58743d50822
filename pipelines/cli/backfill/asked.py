"""What the user asked for, checked: times, assets, what to make and where to put it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from models.plant import Plant
from pipelines.backfill.plan import Into, What

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class BackfillError(Exception):
    """What was asked cannot be done; the message says what to do."""


class Source(StrEnum):
    """Where history is read from."""

    INFLUX = "influx"
    PARQUET = "parquet"
    CSV = "csv"
    KAFKA = "kafka"

    @property
    def is_files(self) -> bool:
        """Whether files are given with it."""
        return self in (Source.PARQUET, Source.CSV)


class Asked(Struct, frozen=True, kw_only=True):
    """A command line. Times are microseconds since 1970 UTC; `models` are NAME@VERSION.

    `labels` is a file of labels of which those count that are confirmed, and with `proposed` those that are open.
    """

    from_us: int
    to_us: int
    source: Source
    what: tuple[What, ...]
    into: tuple[Into, ...]
    assets: tuple[str, ...] = ("*",)
    files: tuple[str, ...] = ()
    shape: Path | None = None
    events: Path | None = None
    labels: Path | None = None
    proposed: bool = False
    models: tuple[str, ...] = ()
    as_of: bool = False
    spec: Path | None = None
    every_min: int = 1
    warm_up_days: float | None = None
    processes: int = 2
    out: Path = Path("build/backfill")
    replay_prefix: str | None = None


E = TypeVar("E", bound=StrEnum)


def moment(text: str) -> int | None:
    """Microseconds of a date or an ISO 8601 time, UTC where it says no zone; None where it is none."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return (when - _EPOCH) // timedelta(microseconds=1)


def from_and_to(begin: str, to: Sequence[str]) -> tuple[int, int, tuple[Into, ...]]:
    """Both times, and where results go: `--to` is said of both. Raises BackfillError."""
    from_us, ends = moment(begin), [us for text in to if (us := moment(text)) is not None]
    if from_us is None:
        raise BackfillError(f"--from {begin} is no time: write 2026-01-31 or 2026-01-31T06:00+01:00")
    if len(ends) != 1:
        raise BackfillError("give one --to with the time at which to end, such as --to 2026-03-01")
    if ends[0] <= from_us:
        raise BackfillError(f"--to {to[0]} is not after --from {begin}")
    into = chosen(Into, [text for text in to if moment(text) is None], "--to")
    return from_us, ends[0], into or (Into.PARQUET,)


def chosen(kind: type[E], texts: Iterable[str], option: str) -> tuple[E, ...]:
    """Members named in texts with commas, each once. Raises BackfillError for a word that is none."""
    words = [word.strip() for text in texts for word in text.split(",") if word.strip()]
    for word in words:
        if word not in set(kind):
            raise BackfillError(f"{option} {word}: use one or more of {', '.join(kind)}, with commas between")
    return tuple(kind(word) for word in dict.fromkeys(words))


def source(text: str) -> Source:
    """The source of a name. Raises BackfillError."""
    if text not in set(Source):
        raise BackfillError(f"--source {text}: use one of {', '.join(Source)}")
    return Source(text)


def what(texts: Sequence[str]) -> tuple[What, ...]:
    """What to make. Raises BackfillError."""
    if any("plans" in text.split(",") for text in texts):
        raise BackfillError("--what plans: nothing makes plans yet; use ingest, forecasts, alerts or features")
    return chosen(What, texts, "--what")


def check_spec(asked: Asked) -> None:
    """Raise BackfillError where a feature list goes with what takes a model."""
    if asked.spec is None:
        return
    if What.FEATURES not in asked.what or {What.FORECASTS, What.ALERTS} & set(asked.what):
        raise BackfillError("--spec names features alone, and takes --what features: forecasts and alerts take a model")
    if asked.models or asked.as_of:
        raise BackfillError("--spec is in the place of models: leave --model and --as-of out")


def check_replay(asked: Asked, live_prefix: str) -> str | None:
    """The prefix of topics to publish history's records on, if that was asked for. Raises BackfillError."""
    if not (What.INGEST in asked.what and Into.TOPICS in asked.into):
        if asked.replay_prefix is not None:
            raise BackfillError("--replay-prefix goes with --what ingest --to topics")
        return None
    if asked.what != (What.INGEST,) or asked.into != (Into.TOPICS,) or asked.source is Source.KAFKA:
        raise BackfillError(
            "--what ingest --to topics publishes history as records for other workers, and goes with nothing else: "
            "give what they shall do to the workers, and read from influx, parquet or csv"
        )
    if not asked.replay_prefix or asked.replay_prefix == live_prefix:
        raise BackfillError(
            "--what ingest --to topics needs topics of its own, since live reads those there are: give "
            "--replay-prefix replay. and start workers with FOREWARN_TOPIC_PREFIX=replay."
        )
    return asked.replay_prefix


def assets_of(plant: Plant, patterns: Sequence[str]) -> tuple[str, ...]:
    """Assets whose names match a pattern, in order. Raises BackfillError where one matches nothing."""
    for pattern in patterns:
        if not any(fnmatchcase(asset, pattern) for asset in plant.assets):
            some = ", ".join(sorted(plant.assets)[:10])
            raise BackfillError(f"--asset {pattern} is none of the plant file's assets, which are {some} ...")
    return tuple(sorted(a for a in plant.assets if any(fnmatchcase(a, pattern) for pattern in patterns)))
