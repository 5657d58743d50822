"""How answers of people rank what is suggested later: by parameter and direction, what is rejected often comes last.

The chance that a change is taken is a Beta's mean, begun as if each had been taken once: a rejected one counts half,
then a third, and an accepted one brings it up again. Nothing is excluded for good. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from models.records import Suggestion, SuggestionAnswer, SuggestionState, Verdict

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


def answered(suggestions: Mapping[str, Suggestion], answers: Iterable[SuggestionAnswer]) -> dict[Way, Answered]:
    """By parameter and direction, of suggestions that ended accepted or rejected."""
    found: dict[Way, Answered] = {}
    for answer in answers:
        of = suggestions.get(answer.suggestion)
        if of is None or of.state not in (
            SuggestionState.ACCEPTED,
            SuggestionState.REJECTED,
            SuggestionState.WITHDRAWN,
        ):
            continue
        for one in of.settings:
            way = (one.parameter, one.proposed > one.now)
            taken, rejected = found.get(way, Answered())
            no = answer.answer is Verdict.REJECTED
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
