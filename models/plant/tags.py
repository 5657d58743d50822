"""Which address of a feed was which signal, and when: history is read by the mapping of its date."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable

from msgspec import Struct

from models.records import Name, TimeUs

ALWAYS_US = 253_402_300_800_000_000
"""The end of the year 9999: a mapping without an end."""


class TagError(ValueError):
    """The mappings contradict one another; the message says which and what to do."""


class Tag(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address that means a signal of an asset from `from_us` until before `to_us`.

    A number that is read times `scale` plus `offset` is in the signal's unit; `unit` is the feed's own, for people.
    """

    address: Name
    asset: Name
    signal: Name
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    from_us: TimeUs = 0
    to_us: TimeUs = ALWAYS_US


class Tags:
    """All mappings of a plant, found by address and time. Raises TagError where two hold at once."""

    def __init__(self, tags: Iterable[Tag]) -> None:
        self._of: dict[str, list[Tag]] = defaultdict(list)
        for tag in sorted(tags, key=lambda tag: (tag.address, tag.from_us)):
            if not (math.isfinite(tag.scale) and math.isfinite(tag.offset)) or tag.scale == 0:
                raise TagError(
                    f"tag '{tag.address}': scale {tag.scale} and offset {tag.offset} must be finite, scale not 0"
                )
            before = self._of[tag.address]
            if tag.to_us <= tag.from_us:
                raise TagError(f"tag '{tag.address}' ends at or before it begins: give a later `valid_to`")
            if before and before[-1].to_us > tag.from_us:
                raise TagError(
                    f"tag '{tag.address}' is both {before[-1].asset}.{before[-1].signal} and {tag.asset}.{tag.signal} "
                    f"at the same time: end the first with `valid_to`"
                )
            before.append(tag)

    @property
    def addresses(self) -> tuple[str, ...]:
        """All addresses, in order."""
        return tuple(self._of)

    def find(self, address: str, time_us: int) -> Tag | None:
        """What an address meant at a time."""
        known = self._of.get(address)
        if known is None:
            return None
        at = bisect_right(known, time_us, key=lambda tag: tag.from_us) - 1
        return known[at] if at >= 0 and time_us < known[at].to_us else None
