"""What routes about machines and warnings stand on: how the plant stands, and the desk that asks and acts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Protocol

from fastapi import Depends, HTTPException, Path, Request

from connectors.console.access import allowed, whole
from connectors.console.keys import Caller, Role
from connectors.console.said import Acted, Books, KpisOf, Page, Signals, ValueOf, Works
from models.alerting.wishes import Wish
from models.records import Alert, Suggestion, Verdict
from pipelines.console.role import Follower
from pipelines.console.standing import Standing

Reads = Annotated[Caller, Depends(allowed(Role.VIEWER))]
Operates = Annotated[Caller, Depends(allowed(Role.OPERATOR))]
WholePlant = Annotated[Caller, Depends(whole(Role.VIEWER))]
Name = Annotated[str, Path(min_length=1, max_length=200)]


class Unwelcome(ValueError):
    """What cannot be done as it was asked for; the message says why and what to do."""


Sees = Callable[[str], bool]
"""Whether an asset may be seen."""


class Desk(Protocol):
    """What is asked of topics and InfluxDB, and put on the log, for one plant. All but the last two block.

    Raises what Kafka's client and InfluxDB's raise, and Unwelcome for what cannot be done as asked.
    """

    def act(self, case: Alert, wish: Wish) -> Acted:
        """Put a move on the log, unless it is so already."""
        ...

    def person(self, name: str) -> str:
        """By which name a person is told on the log: a pseudonym where the plant has a key for them."""
        ...

    def answer(self, suggestion: Suggestion, said: Verdict, by: str, why: str, values: dict[str, float]) -> Acted:
        """Put an answer to a suggestion on the log, with the values that are wished instead."""
        ...

    def page(self, id_: str) -> Page:
        """A warning's page."""
        ...

    def kpis(self, week: str | None, sees: Sees) -> KpisOf:
        """A week's, by its name, of the machines that are seen; None is this week."""
        ...

    def value(self, month: str | None, sees: Sees, hours: float | None) -> ValueOf:
        """A month's, by its name, of the machines that are seen; `hours` stand in for the plant file's."""
        ...

    def value_csv(self, month: str | None, sees: Sees) -> bytes:
        """The same as a table for finance, with nobody's name in it."""
        ...

    def ledger(self) -> Books:
        """The books by source, partition and topic."""
        ...

    async def signals(self, asset: str, days: float) -> Signals:
        """An asset's signals over the last days that have rows, thinned to what a picture shows."""
        ...

    async def work(self, asset: str) -> Works:
        """What was done to an asset."""
        ...


async def follower_of(request: Request) -> Follower:
    """The application's."""
    found: Follower = request.app.state.follower
    return found


async def standing_of(request: Request) -> Standing:
    """The application's."""
    return (await follower_of(request)).standing


async def desk_of(request: Request) -> Desk:
    """The application's."""
    found: Desk = request.app.state.desk
    return found


Following = Annotated[Follower, Depends(follower_of)]
Here = Annotated[Standing, Depends(standing_of)]
AtDesk = Annotated[Desk, Depends(desk_of)]


def site_seen(standing: Standing, caller: Caller, asset: str) -> bool:
    """Whether a caller may see an asset; one that the plant file has no more is of no site."""
    plant = standing.plant
    return caller.sees(plant.site_of(asset) if asset in plant.assets else None)


def sees_of(standing: Standing, caller: Caller) -> Sees:
    """The same of any asset."""
    return lambda asset: site_seen(standing, caller, asset)


async def seen_asset(asset: Name, here: Here, caller: Reads) -> str:
    """An asset of the path, if it is one, and one that the caller may see; to others it is not there."""
    if asset not in here.plant.assets or not site_seen(here, caller, asset):
        raise HTTPException(404, f"no asset '{asset}' is here: GET /api/v1/assets has those of your sites")
    return asset


async def seen_case(id: Name, here: Here, caller: Reads) -> Alert:  # noqa: A002 - the path's word
    """A warning of the path, if it is one of an asset that the caller may see."""
    found = here.cases.get(id)
    if found is None or not site_seen(here, caller, found.alert.asset):
        raise HTTPException(404, "no such warning is here: GET /api/v1/alerts?state=all has those of your sites")
    return found.alert


async def seen_suggestion(suggestion: Name, here: Here, caller: Reads) -> Suggestion:
    """A suggestion of the path, if it is one for an asset that the caller may see."""
    found = here.energy.suggestions.get(suggestion)
    if found is None or not site_seen(here, caller, found.asset):
        raise HTTPException(404, "no such suggestion is here: GET /api/v1/suggestions has those of your sites")
    return found


SeenAsset = Annotated[str, Depends(seen_asset)]
SeenCase = Annotated[Alert, Depends(seen_case)]
SeenSuggestion = Annotated[Suggestion, Depends(seen_suggestion)]
