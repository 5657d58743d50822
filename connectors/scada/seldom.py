"""What goes wrong over and over, told seldom: the first of each kind at once, then one a minute with their number.

The time comes in with each call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connectors.scada.feed import Unread
from models.records import Reject

AGAIN_S = 60.0
"""An address that nobody mapped, at one value a second, makes 1440 dead letters a day instead of 86,400; our choice."""
KINDS = 10_000
"""Addresses remembered; more are told as one. Our choice: a few MB."""
PAYLOAD_KEPT = 2048
"""Bytes of a payload that wait here; of a longer one the first letter alone tells."""
NAMED = 300
"""Characters of an address or a detail that a kind is known by."""

Kind = tuple[Reject, str]


class Seldom:
    """Remembers what was told when, and how many came since."""

    def __init__(self) -> None:
        self._told_s: dict[Kind, float] = {}
        self._since: dict[Kind, int] = {}
        self._last: dict[Kind, Unread] = {}
        self._swept_s = float("-inf")

    def tell(self, unread: Iterable[Unread], now_s: float) -> list[Unread]:
        """Those to tell of now, and what others are due for their count."""
        new = [one for one in unread if self._is_new(one, now_s)]
        if now_s - self._swept_s < AGAIN_S:
            return new
        self._swept_s = now_s
        return new + list(self._counted(now_s, now_s - AGAIN_S))

    def rest(self) -> list[Unread]:
        """What was counted and not told yet, at the end."""
        return list(self._counted(0.0, float("inf")))

    def _is_new(self, one: Unread, now_s: float) -> bool:
        kind = self._kind(one)
        if kind not in self._told_s:
            self._told_s[kind] = now_s
            return True
        self._since[kind] = self._since.get(kind, 0) + 1
        self._last[kind] = one if len(one.payload) <= PAYLOAD_KEPT else one._replace(payload=b"")
        return False

    def _kind(self, one: Unread) -> Kind:
        kind = one.reason, (one.address or one.detail)[:NAMED]
        return kind if kind in self._told_s or len(self._told_s) < KINDS else (one.reason, "")

    def _counted(self, now_s: float, told_before_s: float) -> Iterator[Unread]:
        for kind in [kind for kind in self._since if self._told_s[kind] <= told_before_s]:
            self._told_s[kind] = now_s
            one, count = self._last.pop(kind), self._since.pop(kind)
            yield one._replace(detail=f"{one.detail} ({count} since the last such letter)")
