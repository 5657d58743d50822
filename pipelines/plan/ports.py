"""What the role needs of the store: rows of a time. It belongs to one event loop."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

import polars as pl


class Rows(Protocol):
    """The store's rows."""

    async def read(
        self, measurement: str, from_us: int, to_us: int, assets: Collection[str] | None = None
    ) -> pl.DataFrame:
        """All rows with from_us <= time < to_us: `asset`, `time_us`, then fields by name, sorted by the first two."""
        ...
