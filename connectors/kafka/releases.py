"""The topic of releases as a worker follows it."""

from __future__ import annotations

from connectors.kafka.compacted import CompactedReader
from pipelines.cluster import Brokers
from pipelines.topics import Topic


class ReleaseReader(CompactedReader):
    """A `pipelines.releases.follower.ReleaseLog`. Belongs to one event loop; `stop` it at the end."""

    def __init__(self, brokers: Brokers, prefix: str) -> None:
        super().__init__(brokers, prefix, Topic.RELEASES)
