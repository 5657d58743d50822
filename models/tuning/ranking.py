"""How answers of people rank what is suggested later: by parameter and direction, what is rejected often comes last.

The chance that a change is taken is a Beta's mean, begun as if each had been taken once: a rejected one counts half,
then a third, and an accepted one brings it up again. Nothing is excluded for good. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from models.records import Suggestion, SuggestionState

Way = tuple[str, bool]
"""A parameter, and whether it goes up."""


class Answered(NamedTuple):
    """How often changes of one parameter in one direction were taken, or not."""

    taken: int = 0
    rejected: int = 0

    @property
    def liked(self) -> float:
        """The chance that people take the next, 1 before anybody answered."""
        return (1.0 + self.taken) / (1.0 + self.taken + self.rejected)


def answered(suggestions: Iterable[Suggestion]) -> dict[Way, Answered]:
    """By parameter and direction, each suggestion once, by what people made of it: one that failed had been taken."""
    found: dict[Way, Answered] = {}
    for of in suggestions:
        no = of.state is SuggestionState.REJECTED
        if not (no or of.failed or of.state is SuggestionState.ACCEPTED):
            continue
        for one in of.settings:
            way = (one.parameter, one.proposed > one.now)
            taken, rejected = found.get(way, Answered())
            found[way] = Answered(taken + (not no), rejected + no)
    return found


def told(found: Mapping[Way, Answered], ways: Iterable[Way]) -> str:
    """In words, what answers did to the rank of a change; empty where nobody rejected anything like it."""
    said = [
        f"{name} {'up' if up else 'down'} was rejected {one.rejected} of {one.taken + one.rejected} times and ranks "
        f"by {one.liked:.2f}"
        for name, up in ways
        if (one := found.get((name, up), Answered())).rejected
    ]
    return "; ".join(said)
