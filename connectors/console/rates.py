"""How often somebody may ask, in a moving window: callers by name, and wrong credentials by where they come from.

In memory, of one process. However many addresses send wrong credentials, some thousands are told apart.
"""

from __future__ import annotations

import ipaddress
import math
import time
from typing import NamedTuple

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

MOST_PLACES = 4_000
"""Addresses that are told apart; those on top share one count, which keeps nobody out who has a key. Our choice."""
NET_BITS = 64
"""Of IPv6: whoever has one address there has all of these."""
ELSEWHERE = "elsewhere"
CALLER, PLACE = "caller", "place"


class Limits(NamedTuple):
    """So many requests a caller, so many wrong credentials an address, as `limits` writes them. Our choice."""

    api_rate: str = "600/minute"
    wrong_keys: str = "30/minute"


class Rates:
    """Counts; each answer is how many seconds to wait, 0 for not at all."""

    def __init__(self, limits: Limits) -> None:
        self._of_caller, self._of_place = parse(limits.api_rate), parse(limits.wrong_keys)
        self._places = MemoryStorage()
        self._by_caller = MovingWindowRateLimiter(MemoryStorage())
        self._by_place = MovingWindowRateLimiter(self._places)

    def asked(self, caller: str) -> int:
        """That a caller asks."""
        if self._by_caller.hit(self._of_caller, CALLER, caller):
            return 0
        return _left_s(self._by_caller, self._of_caller, CALLER, caller)

    def blocked(self, address: str) -> int:
        """Whether so much was wrong that nothing is looked up any more for who asks from there."""
        place = place_of(address)
        if not self._knows(place) or self._by_place.test(self._of_place, PLACE, place):
            return 0
        return _left_s(self._by_place, self._of_place, PLACE, place)

    def wrong(self, address: str) -> int:
        """That somebody there sent a wrong credential."""
        place = place_of(address)
        if not self._knows(place) and self._is_full():
            place = ELSEWHERE
        if self._by_place.hit(self._of_place, PLACE, place):
            return 0
        return _left_s(self._by_place, self._of_place, PLACE, place)

    def _knows(self, place: str) -> bool:
        return bool(self._places.events.get(self._of_place.key_for(PLACE, place)))

    def _is_full(self) -> bool:
        """After those are forgotten of which nothing is in the window any more: `limits` keeps their names."""
        if len(self._places.events) >= MOST_PLACES:
            for key in [key for key, events in self._places.events.items() if not events]:
                self._places.clear(key)
        return len(self._places.events) >= MOST_PLACES


def place_of(address: str) -> str:
    """What is counted as one: an IPv4 address, a net of IPv6, else the text as a proxy told it, cut off."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:NET_BITS]
    if found.version == 6 and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(found), NET_BITS), strict=False))
    return str(found.ipv4_mapped or found) if found.version == 6 else str(found)


def _left_s(window: MovingWindowRateLimiter, item: RateLimitItem, *names: str) -> int:
    return max(1, math.ceil(window.get_window_stats(item, *names).reset_time - time.time()))
