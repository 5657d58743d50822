"""Warnings as the alerts topic has them: every revision, in the order of the log, and what cannot be read of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
from rich.console import Console

from connectors.kafka.plain import LogRecord, read
from models.records import Alert, decode
from pipelines.cli.options import errors
from pipelines.settings import Settings
from pipelines.topics import Topic, named


class Revision(NamedTuple):
    """One of a warning, and the record that it came in."""

    alert: Alert
    record: LogRecord


def revisions(records: Iterable[LogRecord], errors: Console) -> Iterator[Revision]:
    """Those among records; what the log repeats comes again, and what another version wrote is named and left out."""
    for record in records:
        try:
            one = decode(record.value or b"")
        except msgspec.DecodeError as odd:
            place = f"partition {record.partition}, offset {record.offset}"
            errors.print(f"left out what cannot be read ({place}): {odd}", highlight=False, markup=False)
            continue
        if isinstance(one, Alert):
            yield Revision(one, record)


def revisions_of(settings: Settings) -> Iterator[Revision]:
    """Those on the topic. Raises KafkaUnreachable."""
    return revisions(read(settings.cluster, named(settings.topic_prefix, Topic.ALERTS)), errors)


def alerts_of(settings: Settings) -> Iterator[Alert]:
    """The same without their records."""
    return (one.alert for one in revisions_of(settings))
