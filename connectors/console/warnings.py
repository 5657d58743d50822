"""The API's part about warnings: which there are, one of them whole, its page, and what people do with it.

A move goes onto the log of records, as the command line's do; its worker makes of it what the table of moves says.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from connectors.console.keys import Role
from connectors.console.place import AtDesk, Here, Reads, SeenCase, site_seen
from connectors.console.said import Acted, ActionOf, Actions, Alerts, CasePage, Page
from connectors.console.schemas import ONE_LINE, Told, says
from models.alerting.lifecycle import SELF, moves_of
from models.alerting.wishes import Wish
from models.records import Alert, CloseReason, Move
from pipelines.console.standing import is_open

router = APIRouter(prefix="/api/v1", tags=["warnings"])
MOVED_BY: dict[Move, Role] = {
    Move.ACKNOWLEDGE: Role.OPERATOR, Move.SHELVE: Role.OPERATOR, Move.UNSHELVE: Role.OPERATOR,
    Move.ASSIGN: Role.OPERATOR, Move.RATE: Role.OPERATOR, Move.COMMENT: Role.OPERATOR, Move.ORDER: Role.OPERATOR,
    Move.CLOSE: Role.ENGINEER, Move.TAKE_OUT: Role.ENGINEER, Move.PUT_BACK: Role.ENGINEER,
    Move.WITHDRAW: Role.ENGINEER,
}  # fmt: skip
"""Who may do what. Engineers say how a warning ends, which models learn from, and that nobody is told any more."""
LATEST_US = 253_402_300_800_000_000
Line = Annotated[str, Field(max_length=200, pattern=ONE_LINE)]
Text = Annotated[str, Field(max_length=2000, pattern=r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$")]


class Which(StrEnum):
    """Warnings that hold or wait for somebody to say what became of them; closed ones; all."""

    OPEN = "open"
    CLOSED = "closed"
    ALL = "all"


class Asked(BaseModel):
    """A move of a warning; what each needs, the answer to one without it says."""

    move: Move
    why: Text = ""
    until_us: Annotated[int, Field(ge=0, le=LATEST_US)] | None = None
    to: Line = ""
    severity: Annotated[int, Field(ge=1, le=1000)] | None = None
    order: Line = ""
    outcome: CloseReason | None = None
    mode: Line = ""
    found: Text = ""


@router.get("/alerts", **says(Alerts))
async def alerts(
    here: Here,
    caller: Reads,
    state: Which = Which.OPEN,
    asset: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=5000)] = 200,
) -> Told:
    """Warnings, the last opened first."""

    def fits(one: Alert) -> bool:
        is_asked_for = state is Which.ALL or is_open(one) is (state is Which.OPEN)
        return is_asked_for and (not asset or one.asset == asset) and site_seen(here, caller, one.asset)

    found = here.warnings(fits)
    return Told(Alerts(alerts=tuple(map(here.warning, found[:limit])), more=len(found) > limit))


@router.get("/alerts/{id}", **says(CasePage))
async def alert(case: SeenCase, here: Here, caller: Reads) -> Told:
    """One warning whole, with all that it rests on, and what this caller may do with it now."""
    may = moves_for(caller.role)
    return Told(CasePage(
        now=here.warning(case), alert=case, moves=tuple(move for move in moves_of(case) if move in may),
        revisions=here.cases[case.id].revisions,
    ))  # fmt: skip


@router.get("/alerts/{id}/page", **says(Page))
def page(case: SeenCase, desk: AtDesk) -> Told:
    """The warning on one page, in sentences for whoever goes to the machine."""
    return Told(desk.page(case.id))


@router.post("/alerts/{id}/actions", **says(Acted, 202))
def act(case: SeenCase, asked: Asked, desk: AtDesk, caller: Reads) -> Told:
    """Put a move on the log. It holds once the warning's next revision says so, which comes as an event."""
    if asked.move not in moves_for(caller.role):
        role = MOVED_BY[asked.move]
        raise HTTPException(403, f"'{caller.name}' is {caller.role}: to {asked.move} a warning is for {role}")
    return Told(desk.act(case, Wish(by=caller.name, **asked.model_dump())), 202)


@router.get("/actions", **says(Actions))
async def actions(here: Here, caller: Reads, limit: Annotated[int, Query(ge=1, le=5000)] = 100) -> Told:
    """What people did with warnings, the last first."""
    found = [
        ActionOf(
            alert=id_, asset=case.alert.asset, revision=one.revision, reason=one.reason, state=one.state, by=one.by,
            why=one.why, moved_us=one.moved_us,
        )
        for id_, case in here.cases.items()
        if site_seen(here, caller, case.alert.asset)
        for one in case.revisions
        if one.by not in ("", SELF)
    ]  # fmt: skip
    found.sort(key=lambda one: (-one.moved_us, one.alert, -one.revision))
    return Told(Actions(actions=tuple(found[:limit])))


def moves_for(role: Role) -> tuple[Move, ...]:
    """What a role may do."""
    return tuple(move for move, least in MOVED_BY.items() if role.covers(least))
