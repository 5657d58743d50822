"""Which of many subscriptions a warning is for: an AND over keys of masks with a bit for each subscription.

A key's value is held against all patterns once, and its mask is kept: warnings name the same assets again and again.
"""

from __future__ import annotations

import fnmatch
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter

from models.delivery.facts import Facts
from models.delivery.subscriptions import Match, Subscription
from models.records import Advice

KEYS = ("site", "area", "line", "asset", "type", "mode")
KEPT = 100_000
"""Masks of a key; more values than that are assets of no plant, and all are found anew."""
_ADVICE = tuple(Advice)


class Column:
    """One key: masks of subscriptions by exact names, by patterns, and of those that do not ask."""

    def __init__(self, wanted: Iterable[tuple[str, ...]]) -> None:
        self._anything, self._exact, globs = 0, defaultdict[str, int](int), defaultdict[str, int](int)
        for number, patterns in enumerate(wanted):
            if not patterns:
                self._anything |= 1 << number
            for pattern in patterns:
                (globs if set(pattern) & set("*?[") else self._exact)[pattern] |= 1 << number
        self._globs = [(re.compile(fnmatch.translate(pattern)).match, mask) for pattern, mask in globs.items()]
        self._masks: dict[str, int] = {}

    def mask(self, value: str) -> int:
        """Subscriptions that a value fits."""
        found = self._masks.get(value)
        if found is None:
            if len(self._masks) >= KEPT:
                self._masks.clear()
            found = self._masks[value] = self._found(value)
        return found

    def mask_of_any(self, values: Iterable[str]) -> int:
        """Subscriptions that one of the values fits."""
        found = self._anything
        for value in values:
            found |= self.mask(value)
        return found

    def _found(self, value: str) -> int:
        mask = self._anything | self._exact.get(value, 0)
        for fits, its in self._globs:
            if fits(value):
                mask |= its
        return mask


class Index:
    """Subscriptions, made ready to be asked."""

    def __init__(self, subscriptions: Mapping[str, Subscription]) -> None:
        self.names = tuple(subscriptions)
        matches = [one.match for one in subscriptions.values()]
        self._columns = [(_of(key), Column(getattr(match, key) for match in matches)) for key in KEYS]
        self._tags = Column(match.tag for match in matches)
        self._severities: dict[tuple[int, Advice], int] = {}
        self._matches = matches

    def mask(self, facts: Facts) -> int:
        """A bit for each subscription that a warning is for, in the order of `names`."""
        mask = self._least(facts.severity, facts.advice)
        for value_of, column in self._columns:
            mask &= column.mask(value_of(facts))
            if not mask:
                return 0
        return mask & self._tags.mask_of_any(facts.tags)

    def of(self, facts: Facts) -> list[str]:
        """Names of the subscriptions that a warning is for, in their order."""
        mask, found = self.mask(facts), []
        while mask:
            low = mask & -mask
            found.append(self.names[low.bit_length() - 1])
            mask ^= low
        return found

    def _least(self, severity: int, advice: Advice) -> int:
        known = self._severities.get((severity, advice))
        if known is None:
            bits = (_bad_enough(match, severity, advice) << at for at, match in enumerate(self._matches))
            known = self._severities[severity, advice] = sum(bits)
        return known


def _bad_enough(match: Match, severity: int, advice: Advice) -> bool:
    return severity >= match.severity and _ADVICE.index(advice) >= _ADVICE.index(match.advice)


def _of(key: str) -> Callable[[Facts], str]:
    return attrgetter(key)
