"""The topic of releases as a worker follows it."""

from __future__ import annotations

from connectors.kafka.compacted import CompactedReader
from pipelines.topics import Topic


class ReleaseReader(CompactedReader):
    """A `pipelines.releases.follower.ReleaseLog`. Belongs to one event loop; `stop` it at the end."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        super().__init__(bootstrap, prefix, Topic.RELEASES)
