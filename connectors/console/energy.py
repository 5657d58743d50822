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
from models.records import SuggestionState, Verdict
from pipelines.console.energy_shown import PlanPage, demand_now, plan_now, plan_page, state_of

router = APIRouter(prefix="/api/v1", tags=["energy"])
NO_PLANS = "No production is planned: no `forewarn plan` role has published a plan of this plant."
NO_RESULTS = "No plan has been compared with what was measured yet."
NO_DEMAND = "No quarter-hour was warned of: none was expected over the limit of power, or no role watches for it."
NO_SUGGESTIONS = "No process settings are suggested: no role has published a suggestion for a machine of your sites."
OF_ALL = "What came of plans is of the whole plant, and your key is of some sites: ask for a key of all."


class Answer(StrEnum):
    """What people do with a suggestion."""

    ACCEPT = "accept"
    REJECT = "reject"


VERDICTS = {Answer.ACCEPT: Verdict.ACCEPTED, Answer.REJECT: Verdict.REJECTED}


class Asked(BaseModel):
    """An answer to a suggestion; to reject one needs a reason."""

    answer: Answer
    why: Annotated[Text, Field(description="For whoever makes suggestions, and whoever reads them later.")] = ""


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
    found = tuple(here.energy.suggested(here.plant, sees_of(here, caller)))
    return Told(Suggestions(suggestions=found, missing="" if found else NO_SUGGESTIONS))


@router.post("/suggestions/{suggestion}/answer", **says(Acted, 202))
def answer(suggestion: SeenSuggestion, asked: Asked, here: Here, desk: AtDesk, caller: Operates) -> Told:
    """Accept or reject a suggestion. It holds once it is on the log, which comes as an event; no machine is changed."""
    known = here.energy.answers.get(suggestion.id)
    state = state_of(suggestion, known)
    if state is not SuggestionState.OPEN:
        raise HTTPException(409, f"it is {state}{f' by {known.by}' if known else ''}: the first answer counts")
    if here.now_us(time.time_ns() // 1000) >= suggestion.valid_until_us:
        raise HTTPException(409, "its time is over: what it rests on may have changed, wait for the next one")
    if asked.answer is Answer.REJECT and not asked.why.strip():
        raise Unwelcome("say why it is rejected: who makes suggestions learns from it")
    return Told(desk.answer(suggestion, VERDICTS[asked.answer], caller.name, asked.why.strip()), 202)
