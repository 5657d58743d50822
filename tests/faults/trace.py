"""What the workers of an installation left behind: who took what over from where, and how much was read again."""

from __future__ import annotations

import json
from collections import defaultdict

from connectors.kafka.plain import read
from pipelines.topics import Topic, named
from tests.kit.installation import Installation


def log_of(installation: Installation, nth: int) -> str:
    """All that the nth worker said."""
    path = installation.folder / f"worker-{nth}.log"
    return path.read_text() if path.exists() else ""


def taken_over(installation: Installation, nth: int) -> dict[int, int]:
    """From where the nth worker first read each partition that it took over."""
    lines = (line for line in log_of(installation, nth).splitlines() if '"partition-taken-over"' in line)
    found = [json.loads(line) for line in lines]
    return {each["partition"]: each["offset"] for each in reversed(found)}


def read_again_s(installation: Installation) -> float:
    """Over how many seconds of arrivals lie the records whose forecasts were published more than once, at most."""
    name = named(installation.settings.topic_prefix, Topic.FORECASTS)
    seen: dict[int, set[bytes]] = defaultdict(set)
    again_ms: dict[int, list[int]] = defaultdict(list)
    for record in read(installation.settings.kafka, name):
        value = record.value or b""
        if value in seen[record.partition]:
            again_ms[record.partition].append(int(dict(record.headers)["arrived_ms"]))
        seen[record.partition].add(value)
    return max((max(times) - min(times) for times in again_ms.values()), default=0) / 1000
