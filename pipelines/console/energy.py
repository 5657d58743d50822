"""What is planned and suggested, folded to the last of everything: plans and what came of them, demand, suggestions.

Pure. How much is kept is bounded, since each plan takes the place of the one before. Answers, effects and refused
wishes go with their suggestion.
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
    SuggestionEffect,
    SuggestionRefused,
    SuggestionState,
    TrialRequest,
    Verdict,
)
from pipelines.console.energy_shown import SuggestionNow, state_of, suggestion_now
from pipelines.console.feed import Change, Kind
from pipelines.console.shown import site_of

PLANS, RESULTS, DEMANDS = 20, 50, 50
TRIALS, STATIONS = 50, 500
"""Requests for trials, and stations whose newest refusal is kept."""
ANSWERS, WISHES = 50, 20
"""Of a suggestion the last so many answers and refused wishes."""
CLOSED, CLOSED_US = 200, 30 * 86_400_000_000
"""Of closed suggestions the last so many of the last 30 days. Our choice, as are those above."""
FORGET_AT = 50
"""Closed ones are looked through each time that so many suggestions came, since each look is at all of them."""
Suggested = Suggestion | SuggestionAnswer | SuggestionEffect | SuggestionRefused
_K = TypeVar("_K")
_V = TypeVar("_V")


class Energy:
    """Of one plant. Belongs to one event loop."""

    def __init__(self) -> None:
        self.plans: dict[str, Plan] = {}
        self.demand: dict[str, DemandWarning] = {}
        self.suggestions: dict[str, Suggestion] = {}
        self.answers: dict[str, list[SuggestionAnswer]] = {}
        self._wishes: dict[str, list[SuggestionRefused]] = {}
        self._effects: dict[str, SuggestionEffect] = {}
        self._trials: dict[str, TrialRequest] = {}
        self._refused: dict[str, SuggestionRefused] = {}
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
        if isinstance(record, TrialRequest):
            return _of_station(plant, record) if self._take_trial(record) else []
        if isinstance(record, SuggestionRefused) and not record.suggestion:
            return _of_station(plant, record) if self._take_refused(record) else []
        if isinstance(record, Suggested):
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

    def trials(self, fits: Callable[[str], bool]) -> list[TrialRequest]:
        """Trials that are asked for at assets that fit, the last first."""
        found = [one for one in self._trials.values() if fits(one.asset)]
        return sorted(found, key=lambda one: (-one.made_us, one.id))

    def refused(self, fits: Callable[[str], bool]) -> list[SuggestionRefused]:
        """The newest that a rail did not let pass, of each asset that fits, the last first."""
        found = [one for one in self._refused.values() if fits(one.asset)]
        return sorted(found, key=lambda one: (-one.time_us, one.asset))

    def suggested(self, plant: Plant, fits: Callable[[str], bool]) -> list[SuggestionNow]:
        """Suggestions for assets that fit: open ones first, then the last made."""
        found = [self.suggestion(plant, id_) for id_, one in self.suggestions.items() if fits(one.asset)]
        return sorted(found, key=lambda one: (one.state is not SuggestionState.OPEN, -one.made_us, one.id))

    def suggestion(self, plant: Plant, id_: str) -> SuggestionNow:
        """One of them. Raises KeyError."""
        told = self.answers.get(id_, ()), self._wishes.get(id_, ()), self._effects.get(id_)
        return suggestion_now(plant, self.suggestions[id_], *told)

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

    def _take_trial(self, trial: TrialRequest) -> bool:
        if self._trials.get(trial.id) == trial:
            return False
        self._trials[trial.id] = trial
        _trim(self._trials, TRIALS, lambda one: one.made_us)
        return trial.id in self._trials

    def _take_refused(self, refused: SuggestionRefused) -> bool:
        known = self._refused.get(refused.asset)
        if known is not None and known.time_us >= refused.time_us:
            return False
        self._refused[refused.asset] = refused
        _trim(self._refused, STATIONS, lambda one: one.time_us)
        return refused.asset in self._refused

    def _take_suggested(self, plant: Plant, record: Suggested) -> list[SuggestionNow]:
        """The suggestion as it is by now, if that is news; what is said of one that is not known says nothing."""
        id_ = record.id if isinstance(record, Suggestion) else record.suggestion
        if not self._is_news(id_, record):
            return []
        told = self.suggestion(plant, id_)
        if len(self.suggestions) > self._room:
            self._forget_closed()
            self._room = len(self.suggestions) + FORGET_AT
        return [told] if id_ in self.suggestions else []

    def _is_news(self, id_: str, record: Suggested) -> bool:
        """Take it, and say whether that changed anything."""
        known = self.suggestions.get(id_)
        if isinstance(record, Suggestion):
            if is_news := _is_newer(record, known):
                self.suggestions[id_] = record
            return is_news
        if known is None:
            return False
        if isinstance(record, SuggestionAnswer):
            return self._take_answer(known, record)
        if isinstance(record, SuggestionRefused):
            return _add(self._wishes.setdefault(id_, []), record, WISHES)
        last = self._effects.get(id_)
        if last is not None and (last.time_us, last.is_final) >= (record.time_us, record.is_final):
            return False
        self._effects[id_] = record
        return True

    def _take_answer(self, known: Suggestion, record: SuggestionAnswer) -> bool:
        """While it is open; other values mean nothing where no rails would judge them."""
        said = self.answers.get(known.id, [])
        if state_of(known, said) is not SuggestionState.OPEN or (record.answer is Verdict.MODIFIED and not known.model):
            return False
        return _add(self.answers.setdefault(known.id, said), record, ANSWERS)

    def _forget_closed(self) -> None:
        """Closed ones that are too many, or were closed long before the last thing that was said."""
        closed_us = {
            id_: max(one.made_us, one.moved_us, *(each.time_us for each in self.answers.get(id_, ())))
            for id_, one in self.suggestions.items()
            if state_of(one, self.answers.get(id_, ())) is not SuggestionState.OPEN
        }
        latest_us = max(one.made_us for one in self.suggestions.values())
        kept = sorted(closed_us, key=lambda id_: -closed_us[id_])[:CLOSED]
        for id_ in closed_us.keys() - {id_ for id_ in kept if closed_us[id_] > latest_us - CLOSED_US}:
            for of in (self.suggestions, self.answers, self._wishes, self._effects):
                of.pop(id_, None)


def _is_newer(record: Any, known: Any) -> bool:
    return known is None or record.revision > known.revision


def _news(kind: Kind, record: Plan | DemandWarning) -> list[Change]:
    return [Change(kind, None, {"id": record.id, "revision": record.revision})]


def _of_station(plant: Plant, record: TrialRequest | SuggestionRefused) -> list[Change]:
    """That there is something new at an asset: who hears of it asks for suggestions again."""
    return [Change(Kind.SUGGESTION, site_of(plant, record.asset), {"asset": record.asset})]


def _add(said: list[_V], one: _V, most: int) -> bool:
    """Behind those that are known, unless it is among them; the first ones go where they are too many."""
    if one in said:
        return False
    said.append(one)
    del said[:-most]
    return True


def _trim(kept: dict[_K, _V], most: int, rank: Callable[[_V], Any]) -> None:
    """Drop those of the lowest rank that are too many."""
    for key in sorted(kept, key=lambda key: rank(kept[key]))[: max(0, len(kept) - most)]:
        del kept[key]
