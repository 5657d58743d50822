"""The API's part about who is told: subscriptions on the topic, trials, and what could not be delivered.

Sinks are the operator's file's alone: nobody can have the service call addresses of his own.
"""

from __future__ import annotations

from typing import Annotated, Any, Protocol

import msgspec
from fastapi import APIRouter, Body, Depends, Path, Request
from pydantic import BaseModel, Field

from connectors.console.access import whole
from connectors.console.keys import Caller, Role
from connectors.console.models import Done
from models.delivery.errors import SubscriptionError
from models.delivery.subscriptions import Subscription
from models.misfits import Misfit, fit
from models.records import Advice

Reads = Annotated[Caller, Depends(whole(Role.VIEWER))]
Changes = Annotated[Caller, Depends(whole(Role.OPERATOR))]
Name = Annotated[str, Path(min_length=1, max_length=200)]
EXAMPLE = {"sink": "maintenance", "match": {"type": ["pump*"], "severity": 500}, "repeat": "4h"}


class Subscriptions(Protocol):
    """A plant's. All raise SubscriptionError, and what Kafka's client raises."""

    def told(self) -> list[dict[str, Any]]:
        """Those of the file and of the topic, each with its name and where it is from."""
        ...

    def put(self, name: str, wanted: Subscription, by: str) -> list[str]:
        """Put one on the topic; what was done, in lines for people."""
        ...

    def remove(self, name: str) -> list[str]:
        """Take one off the topic."""
        ...

    def tried(self, asset: str, mode: str, severity: int, advice: Advice) -> list[dict[str, Any]]:
        """Who would get a warning that is made up, when, and who not and why."""
        ...

    def deliveries(self, *, every: bool) -> dict[str, Any]:
        """Notifications that were not delivered, or all, and warnings that wait."""
        ...

    def retry(self, begin: str, by: str) -> list[str]:
        """Have the notification whose id begins so sent again now."""
        ...


class Trial(BaseModel):
    """A warning that is made up."""

    asset: Annotated[str, Field(min_length=1, max_length=200)]
    mode: Annotated[str, Field(min_length=1, max_length=200)] = "any"
    severity: Annotated[int, Field(ge=1, le=1000)] = 500
    advice: Advice = Advice.PLAN


def subscriptions_of(request: Request) -> Subscriptions:
    """The application's."""
    found: Subscriptions = request.app.state.subscriptions
    return found


Here = Annotated[Subscriptions, Depends(subscriptions_of)]
router = APIRouter(prefix="/api/v1", tags=["subscriptions"])


@router.get("/subscriptions")
def listed(here: Here, _caller: Reads) -> list[dict[str, Any]]:
    """Subscriptions of the service's file and of the topic."""
    return here.told()


@router.put("/subscriptions/{name}")
def put(name: Name, content: Annotated[dict[str, Any], Body(examples=[EXAMPLE])], here: Here, caller: Changes) -> Done:
    """Put a subscription on the topic, in the place of one of its name; the role that runs goes over to it at once."""
    try:
        wanted = fit(content, Subscription)
    except Misfit as wrong:
        raise SubscriptionError(str(wrong)) from wrong
    return Done(done=here.put(name, wanted, caller.name))


@router.delete("/subscriptions/{name}")
def remove(name: Name, here: Here, _caller: Changes) -> Done:
    """Take a subscription off the topic."""
    return Done(done=here.remove(name))


@router.post("/subscriptions/test")
def test(trial: Trial, here: Here, _caller: Reads) -> list[dict[str, Any]]:
    """Who would get a warning, when and by which sink, and who would not and why. Nothing is sent."""
    return here.tried(trial.asset, trial.mode, trial.severity, trial.advice)


@router.get("/deliveries")
def deliveries(here: Here, _caller: Reads, every: bool = False) -> dict[str, Any]:
    """Notifications that were not delivered, with the reason, and warnings that wait, and for what."""
    found: dict[str, Any] = msgspec.to_builtins(here.deliveries(every=every))
    return found


@router.post("/deliveries/{begin}/retry")
def retry(begin: Name, here: Here, caller: Changes) -> Done:
    """Have a notification that was refused, or that waits, sent again now."""
    return Done(done=here.retry(begin, caller.name))
