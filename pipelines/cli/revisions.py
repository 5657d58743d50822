"""Warnings as the alerts topic has them: every revision, in the order of the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from connectors.kafka.plain import read
from models.records import Alert, decode
from pipelines.settings import Settings
from pipelines.topics import Topic, named


def revisions(records: Iterable[bytes]) -> Iterator[Alert]:
    """Those among records; what the log repeats comes again."""
    for value in records:
        try:
            one = decode(value)
        except msgspec.DecodeError:
            continue  # another version of Forewarn wrote it: `forewarn alerts watch` names it
        if isinstance(one, Alert):
            yield one


def revisions_of(settings: Settings) -> Iterator[Alert]:
    """Those on the topic. Raises KafkaUnreachable."""
    topic = named(settings.topic_prefix, Topic.ALERTS)
    return revisions(record.value or b"" for record in read(settings.kafka, topic))
