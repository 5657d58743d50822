"""Whoever asks needs a key or a token whose role covers what is asked, by the header alone.

A framework reads a body before it asks who sent it, so whoever has none is turned away at a door before that. What a
route depends on is `async`, though it waits for nothing: else FastAPI would ask it in a thread, and where slow answers
hold all threads, nothing at all would be answered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.console.answers import Refusal
from connectors.console.callers import Callers, IssuerAway, NoRole
from connectors.console.keys import Caller, Role
from connectors.console.rates import Rates

bearer = HTTPBearer(auto_error=False, description="A key that `forewarn api key` made, or a token of the issuer.")
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
NO_KEY, ASKS = "give a key: Authorization: Bearer KEY", {"WWW-Authenticate": "Bearer"}
WRONG_KEY = "this key is not known here, or this token is not good any more: check that all of it was copied"
CALLER = "caller"
"""Where in a scope's state the caller is, once he is known."""


class Door:
    """An ASGI application around another: to paths `within`, it lets those through who are known and not too fast.

    The caller is in the scope's state from there on. Paths in `open_to` have nothing that is a secret.
    """

    def __init__(self, app: ASGIApp, callers: Callers, rates: Rates, within: str, open_to: Collection[str]) -> None:
        self._app, self._callers, self._rates = app, callers, rates
        self._within, self._open_to = within, open_to

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, or answer without a look at the body."""
        if scope["type"] == "http" and scope["path"].startswith(self._within) and scope["path"] not in self._open_to:
            refusal = await self._refusal(scope)
            if refusal is not None:
                await refusal.send(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Refusal | None:
        request, address = Request(scope), address_of(scope)
        scheme, credential = get_authorization_scheme_param(request.headers.get("authorization"))
        if scheme.lower() != "bearer" or not credential:
            return Refusal(401, NO_KEY, ASKS)
        if wait_s := self._rates.blocked(address):
            return _too_many("wrong keys from your address", wait_s)
        try:
            caller = await self._callers.caller(credential)
        except IssuerAway as away:
            return Refusal(503, str(away))
        except NoRole as without:
            return Refusal(403, str(without))
        if caller is None:
            wait_s = self._rates.wrong(address)
            return _too_many("wrong keys from your address", wait_s) if wait_s else Refusal(401, WRONG_KEY, ASKS)
        scope.setdefault("state", {})[CALLER] = caller
        wait_s = self._rates.asked(caller.name)
        return _too_many(f"requests by '{caller.name}'", wait_s) if wait_s else None


def address_of(scope: Scope) -> str:
    """From where it is asked, as far as the server knows; empty where it does not."""
    client = scope.get("client")
    return str(client[0]) if client else ""


async def caller_of(request: Request, _given: Given) -> Caller:
    """Who asks, as the door found. Answers 401 to whoever did not come through it."""
    caller = request.scope.get("state", {}).get(CALLER)
    if not isinstance(caller, Caller):
        raise HTTPException(401, NO_KEY, ASKS)
    return caller


def allowed(role: Role) -> Callable[[Caller], Awaitable[Caller]]:
    """A dependency: who asks, if the role covers this one; 403 to others."""

    async def check(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
        if not caller.role.covers(role):
            raise HTTPException(403, f"'{caller.name}' is {caller.role}, this is for {role}")
        return caller

    check.role, check.is_whole = role, False  # type: ignore[attr-defined] # what the document says of a call
    return check


def whole(role: Role) -> Callable[[Caller], Awaitable[Caller]]:
    """A dependency: who asks, if the role covers this one and nothing of the plant is kept from him; 403 to others."""
    covers = allowed(role)

    async def check(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
        await covers(caller)
        if not caller.is_of_all:
            sites = ", ".join(sorted(caller.sites or ())) or "none"
            raise HTTPException(
                403, f"'{caller.name}' is of some sites ({sites}), this is of the whole plant: ask for a key of all"
            )
        return caller

    check.role, check.is_whole = role, True  # type: ignore[attr-defined] # as above
    return check


def _too_many(what: str, wait_s: int) -> Refusal:
    return Refusal(429, f"too many {what}: ask again in {wait_s} s", {"Retry-After": str(wait_s)})
