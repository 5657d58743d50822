"""What births said of each Sparkplug edge node, kept on disk: after a restart its data can be read without a new one.

Names, aliases and datatypes alone, no values: a file a node, replaced as a whole and only when that changed. As many
nodes and metrics are kept as `sparkplug` keeps in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

from connectors.scada import kept
from connectors.scada.feeds.mqtt.sparkplug import Born

MOST_BYTES = 64 * 1024 * 1024
"""A larger file is not read: some 500,000 metrics of 100 bytes."""


class Births:
    """The folder of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self) -> Iterator[Born]:
        """All that were kept; a spoilt file is logged and passed over."""
        for file in sorted(self._folder.glob("*.json")):
            born = kept.get(file, Born, MOST_BYTES)
            if born is not None:
                yield born

    def keep(self, births: Iterable[Born]) -> None:
        """Each in its file; what the disk does not take is logged, and the node is then unknown after a restart."""
        for born in births:
            name = sha256(f"{born.group}/{born.edge}".encode()).hexdigest()  # a node's name may be no file's name
            kept.put(self._folder / f"{name}.json", born)
