"""The API's part about energy: plans and what came of them, quarter-hours over the limit, and suggested settings.

Nothing here is a command to a machine. An answer to a suggestion goes onto its topic, behind the suggestion.
"""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from connectors.console.place import AtDesk, Here, Name, Operates, Reads, SeenSuggestion, Unwelcome, sees_of
from connectors.console.said import Acted, Demand, PlanResults, Plans, Suggestions
from connectors.console.schemas import Told, says
from connectors.console.warnings import Text
from models.records import Suggestion, SuggestionState, Verdict
from pipelines.console.energy_shown import PlanPage, SuggestionNow, demand_now, plan_now, plan_page, wished

router = APIRouter(prefix="/api/v1", tags=["energy"])
NO_PLANS = "No production is planned: no `forewarn plan` role has published a plan of this plant."
NO_RESULTS = "No plan has been compared with what was measured yet."
NO_DEMAND = "No quarter-hour was warned of: none was expected over the limit of power, or no role watches for it."
NO_SUGGESTIONS = "No process settings are suggested: no role has published a suggestion for a machine of your sites."
OF_ALL = "What came of plans is of the whole plant, and your key is of some sites: ask for a key of all."
OF_OTHERS = "other values are for process settings alone, where rails judge them: accept this one, or reject it"
Parameter = Annotated[str, Field(min_length=1, max_length=200)]
Value = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Answer(StrEnum):
    """What people do with a suggestion."""

    ACCEPT = "accept"
    REJECT = "reject"
    MODIFY = "modify"


VERDICTS = {Answer.ACCEPT: Verdict.ACCEPTED, Answer.REJECT: Verdict.REJECTED, Answer.MODIFY: Verdict.MODIFIED}


class Asked(BaseModel):
    """An answer to a suggestion; to reject one needs a reason, to modify one of process settings other values."""

    answer: Answer
    why: Annotated[Text, Field(description="For whoever makes suggestions, and whoever reads them later.")] = ""
    values: Annotated[
        dict[Parameter, Value],
        Field(max_length=50, description="Of modify: by parameter; those that are not named stay as proposed."),
    ] = {}


@router.get("/plans", **says(Plans))
async def plans(here: Here, caller: Reads) -> Told:
    """Plans of production in short, the last made first: energy, cost and saving for callers of all sites."""
    found = tuple(plan_now(one, is_whole=caller.is_of_all) for one in here.energy.made())
    return Told(Plans(plans=found, missing="" if found else NO_PLANS))


@router.get("/plans/results", **says(PlanResults))
async def results(here: Here, caller: Reads) -> Told:
    """What came of plans: the saving that was predicted, and the one that was measured, for callers of all sites."""
    found = tuple(here.energy.results()) if caller.is_of_all else ()
    missing = NO_RESULTS if caller.is_of_all else OF_ALL
    return Told(PlanResults(results=found, missing="" if found else missing))


@router.get("/plans/latest", **says(PlanPage))
async def latest(here: Here, caller: Reads) -> Told:
    """The last plan whole, with the lanes of machines of the caller's sites."""
    made = here.energy.made()
    if not made:
        raise HTTPException(404, NO_PLANS)
    return Told(plan_page(made[0], sees_of(here, caller), is_whole=caller.is_of_all))


@router.get("/plans/{plan}", **says(PlanPage))
async def plan(plan: Name, here: Here, caller: Reads) -> Told:
    """A plan whole, with the lanes of machines of the caller's sites."""
    found = here.energy.plans.get(plan)
    if found is None:
        raise HTTPException(404, "no such plan is here any more: GET /api/v1/plans has the last ones")
    return Told(plan_page(found, sees_of(here, caller), is_whole=caller.is_of_all))


@router.get("/demand", **says(Demand))
async def demand(here: Here, caller: Reads) -> Told:
    """Quarter-hours that were expected over the limit of power, and which machines may wait, the last first."""
    sees = sees_of(here, caller)
    found = tuple(demand_now(one, sees, is_whole=caller.is_of_all) for one in here.energy.demands())
    return Told(Demand(warnings=found, missing="" if found else NO_DEMAND))


@router.get("/suggestions", **says(Suggestions))
async def suggestions(here: Here, caller: Reads) -> Told:
    """Process settings that are suggested, and what people answered: open ones first, then the last made."""
    sees = sees_of(here, caller)
    found = tuple(here.energy.suggested(here.plant, sees))
    trials, refused = tuple(here.energy.trials(sees)), tuple(here.energy.refused(sees))
    missing = "" if found else NO_SUGGESTIONS
    return Told(Suggestions(suggestions=found, trials=trials, refused=refused, missing=missing))


@router.post("/suggestions/{suggestion}/answer", **says(Acted, 202))
def answer(suggestion: SeenSuggestion, asked: Asked, here: Here, desk: AtDesk, caller: Operates) -> Told:
    """Accept, reject or modify a suggestion. It holds once it is on the log, which comes as an event; no machine moves.

    One of a process stays open until whoever made it took the answer: others may have to approve, or rails refuse it.
    """
    now = here.energy.suggestion(here.plant, suggestion.id)
    if now.state is not SuggestionState.OPEN:
        ended = f", {now.ended}" if now.ended else ""
        rest = ": the first answer counts" if not now.model else ": wait for the next one"
        raise HTTPException(409, f"it is {now.state}{f' by {now.by}' if now.by else ''}{ended}{rest}")
    if here.now_us(time.time_ns() // 1000) >= suggestion.valid_until_us:
        raise HTTPException(409, "its time is over: what it rests on may have changed, wait for the next one")
    if asked.answer is Answer.REJECT and not asked.why.strip():
        raise Unwelcome("say why it is rejected: who makes suggestions learns from it")
    values, by = _values(suggestion, asked), desk.person(caller.name)
    if (wrong := _again(now, asked.answer, wished(suggestion, values), by)) is not None:
        raise HTTPException(409, wrong)
    return Told(desk.answer(suggestion, VERDICTS[asked.answer], by, asked.why.strip(), values), 202)


def _values(suggestion: Suggestion, asked: Asked) -> dict[str, float]:
    """What is to be set instead: all of it, so that nobody has to know what else was proposed. Raises Unwelcome."""
    if asked.answer is not Answer.MODIFY:
        if asked.values:
            raise Unwelcome("values are of the answer modify: leave them out, or modify it")
        return {}
    if not suggestion.model:
        raise Unwelcome(OF_OTHERS)
    proposed = wished(suggestion, {})
    unknown = sorted(asked.values.keys() - proposed.keys())
    if unknown:
        raise Unwelcome(f"{', '.join(unknown)}: it is about {', '.join(proposed)} alone")
    found = wished(suggestion, asked.values)
    if found == proposed:
        raise Unwelcome("that is what is suggested: accept it, or give other values")
    return found


def _again(now: SuggestionNow, answer: Answer, values: dict[str, float], by: str) -> str | None:
    """Why somebody is not heard twice with the same, where the suggestion's maker decides."""
    if answer is Answer.ACCEPT and by in now.approved:
        more = now.approvals - len(now.approved)
        rest = "another person must, too" if more > 0 else "whoever made it has yet to take it"
        return f"you approved of it already: {rest}"
    refused = {(one.by, one.time_us) for one in now.refused}
    own = [one for one in now.answers if one.by == by and (one.by, one.time_us) not in refused]
    if answer is Answer.REJECT and any(one.answer is Verdict.REJECTED for one in own):
        return "you rejected it already: whoever made it has yet to take it"
    if answer is Answer.MODIFY and any(one.values == values for one in own if one.answer is Verdict.MODIFIED):
        return "you asked for these values already: whoever made it has yet to take them past the rails"
    return None
