"""What is planned and suggested, folded to the last of everything: plans and what came of them, demand, suggestions.

Pure. How much is kept is bounded, since each plan takes the place of the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from models.plant import Plant
from models.records import (
    DemandWarning,
    Plan,
    PlanResult,
    Record,
    Suggestion,
    SuggestionAnswer,
    SuggestionState,
)
from pipelines.console.energy_shown import SuggestionNow, state_of, suggestion_now
from pipelines.console.feed import Change, Kind
from pipelines.console.shown import site_of

PLANS, RESULTS, DEMANDS = 20, 50, 50
CLOSED, CLOSED_US = 200, 30 * 86_400_000_000
"""Of closed suggestions the last so many of the last 30 days. Our choice, as are those above."""
FORGET_AT = 50
"""Closed ones are looked through each time that so many suggestions came, since each look is at all of them."""
_K = TypeVar("_K")
_V = TypeVar("_V")


class Energy:
    """Of one plant. Belongs to one event loop."""

    def __init__(self) -> None:
        self.plans: dict[str, Plan] = {}
        self.demand: dict[str, DemandWarning] = {}
        self.suggestions: dict[str, Suggestion] = {}
        self.answers: dict[str, SuggestionAnswer] = {}
        self._results: dict[tuple[str, int], PlanResult] = {}
        self._room = CLOSED

    def take(self, plant: Plant, record: Record) -> list[Change]:
        """What a record changes. Plans and demand are cut to who asks, so an event says no more than that there is one.

        Records of other kinds change nothing.
        """
        if isinstance(record, Plan):
            return _news(Kind.PLAN, record) if self._take_plan(record) else []
        if isinstance(record, PlanResult):
            return [Change(Kind.PLAN, None, {"id": record.plan})] if self._take_result(record) else []
        if isinstance(record, DemandWarning):
            return _news(Kind.DEMAND, record) if self._take_demand(record) else []
        if isinstance(record, Suggestion | SuggestionAnswer):
            return [
                Change(Kind.SUGGESTION, site_of(plant, one.asset), one) for one in self._take_suggested(plant, record)
            ]
        return []

    def made(self) -> list[Plan]:
        """Plans, the last made first."""
        return sorted(self.plans.values(), key=lambda one: (-one.made_us, -one.revision, one.id))

    def results(self) -> list[PlanResult]:
        """What came of plans, the last first."""
        return sorted(self._results.values(), key=lambda one: (-one.end_us, one.plan))

    def demands(self) -> list[DemandWarning]:
        """Demand warnings, the last first."""
        return sorted(self.demand.values(), key=lambda one: (-one.quarter_us, one.id))

    def suggested(self, plant: Plant, fits: Callable[[str], bool]) -> list[SuggestionNow]:
        """Suggestions for assets that fit: open ones first, then the last made."""
        found = [self.suggestion(plant, id_) for id_, one in self.suggestions.items() if fits(one.asset)]
        return sorted(found, key=lambda one: (one.state is not SuggestionState.OPEN, -one.made_us, one.id))

    def suggestion(self, plant: Plant, id_: str) -> SuggestionNow:
        """One of them. Raises KeyError."""
        return suggestion_now(plant, self.suggestions[id_], self.answers.get(id_))

    def _take_plan(self, plan: Plan) -> bool:
        if not _is_newer(plan, self.plans.get(plan.id)):
            return False
        self.plans[plan.id] = plan
        _trim(self.plans, PLANS, lambda one: (one.made_us, one.revision))
        return plan.id in self.plans

    def _take_result(self, result: PlanResult) -> bool:
        key = result.plan, result.begin_us
        if self._results.get(key) == result:
            return False
        self._results[key] = result
        _trim(self._results, RESULTS, lambda one: one.end_us)
        return key in self._results

    def _take_demand(self, warning: DemandWarning) -> bool:
        if not _is_newer(warning, self.demand.get(warning.id)):
            return False
        self.demand[warning.id] = warning
        _trim(self.demand, DEMANDS, lambda one: (one.is_open, one.quarter_us))
        return warning.id in self.demand

    def _take_suggested(self, plant: Plant, record: Suggestion | SuggestionAnswer) -> list[SuggestionNow]:
        """The suggestion as it is by now, if that is news; an answer to one that is not known says nothing."""
        if isinstance(record, Suggestion):
            id_ = record.id
            if not _is_newer(record, self.suggestions.get(id_)):
                return []
            self.suggestions[id_] = record
        else:
            id_ = record.suggestion
            known = self.suggestions.get(id_)
            if known is None or state_of(known, self.answers.get(id_)) is not SuggestionState.OPEN:
                return []
            self.answers[id_] = record
        told = self.suggestion(plant, id_)
        if len(self.suggestions) > self._room:
            self._forget_closed()
            self._room = len(self.suggestions) + FORGET_AT
        return [told] if id_ in self.suggestions else []

    def _forget_closed(self) -> None:
        """Closed ones that are too many, or were closed long before the last thing that was said."""
        closed_us = {
            id_: max(one.made_us, answer.time_us if (answer := self.answers.get(id_)) else 0)
            for id_, one in self.suggestions.items()
            if state_of(one, self.answers.get(id_)) is not SuggestionState.OPEN
        }
        latest_us = max(one.made_us for one in self.suggestions.values())
        kept = sorted(closed_us, key=lambda id_: -closed_us[id_])[:CLOSED]
        for id_ in closed_us.keys() - {id_ for id_ in kept if closed_us[id_] > latest_us - CLOSED_US}:
            del self.suggestions[id_]
            self.answers.pop(id_, None)


def _is_newer(record: Any, known: Any) -> bool:
    return known is None or record.revision > known.revision


def _news(kind: Kind, record: Plan | DemandWarning) -> list[Change]:
    return [Change(kind, None, {"id": record.id, "revision": record.revision})]


def _trim(kept: dict[_K, _V], most: int, rank: Callable[[_V], Any]) -> None:
    """Drop those of the lowest rank that are too many."""
    for key in sorted(kept, key=lambda key: rank(kept[key]))[: max(0, len(kept) - most)]:
        del kept[key]
