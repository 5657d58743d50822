"""Whoever asks needs a key whose role covers what is asked.

A framework reads a body before it asks who sent it, so whoever has no key is turned away at a door before that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.console.keys import ApiKeys, Caller, Role

bearer = HTTPBearer(auto_error=False, description="A key that `forewarn api key` made.")
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
NO_KEY, ASKS = "give a key: Authorization: Bearer KEY", {"WWW-Authenticate": "Bearer"}


class Door:
    """An ASGI application around another: to paths `within`, it answers 401 where no known key is given."""

    def __init__(self, app: ASGIApp, keys: ApiKeys, within: str) -> None:
        self._app, self._keys, self._within = app, keys, within

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, or answer without a look at the body."""
        if scope["type"] == "http" and scope["path"].startswith(self._within) and not self._known(Request(scope)):
            headers = ASKS | {"connection": "close"}
            await JSONResponse({"detail": NO_KEY}, 401, headers)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _known(self, request: Request) -> bool:
        scheme, key = get_authorization_scheme_param(request.headers.get("authorization"))
        return scheme.lower() == "bearer" and self._keys.caller(key) is not None


def caller_of(request: Request, given: Given) -> Caller:
    """Who asks. Answers 401 to whoever has no key that is known."""
    keys: ApiKeys = request.app.state.keys
    caller = keys.caller(given.credentials) if given else None
    if caller is None:
        raise HTTPException(401, NO_KEY, ASKS)
    return caller


def allowed(role: Role) -> Callable[[Caller], Caller]:
    """A dependency: who asks, if the role covers this one; 403 to others."""

    def check(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
        if not caller.role.covers(role):
            raise HTTPException(403, f"'{caller.name}' is {caller.role}, this is for {role}")
        return caller

    return check
