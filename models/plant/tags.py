"""Which address of which feed was which signal, and when: history is read by the mapping of its date."""

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
    `feed` is a feed's name and its config file's without the ending, as `opcua:press-hall`: then no other feed's
    address is meant. Without it all feeds' are, but where a tag names the feed.
    """

    address: Name
    asset: Name
    signal: Name
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    from_us: TimeUs = 0
    to_us: TimeUs = ALWAYS_US
    feed: str = ""


class Tags:
    """All mappings of a plant, found by address, time and feed. Raises TagError where two hold at once."""

    def __init__(self, tags: Iterable[Tag]) -> None:
        self._of: dict[tuple[str, str], list[Tag]] = defaultdict(list)
        for tag in sorted(tags, key=lambda tag: (tag.address, tag.from_us)):
            if tag.feed and not all(tag.feed.partition(":")):
                raise TagError(
                    f"tag '{tag.address}': feed '{tag.feed}' is no feed and config file, such as 'opcua:press-hall'"
                )
            if not (math.isfinite(tag.scale) and math.isfinite(tag.offset)) or tag.scale == 0:
                raise TagError(
                    f"tag '{tag.address}': scale {tag.scale} and offset {tag.offset} must be finite, scale not 0"
                )
            before = self._of[tag.feed, tag.address]
            if tag.to_us <= tag.from_us:
                raise TagError(f"tag '{tag.address}' ends at or before it begins: give a later `valid_to`")
            if before and before[-1].to_us > tag.from_us:
                raise TagError(
                    f"tag '{tag.address}' is both {before[-1].asset}.{before[-1].signal} and {tag.asset}.{tag.signal} "
                    f"at the same time: end the first with `valid_to`"
                )
            before.append(tag)

    def find(self, address: str, time_us: int, feed: str) -> Tag | None:
        """What an address of a feed meant at a time: what a tag of this feed says goes before what one of all does."""
        return self._at((feed, address), time_us) or self._at(("", address), time_us)

    def _at(self, place: tuple[str, str], time_us: int) -> Tag | None:
        known = self._of.get(place)
        if known is None:
            return None
        at = bisect_right(known, time_us, key=lambda tag: tag.from_us) - 1
        return known[at] if at >= 0 and time_us < known[at].to_us else None
