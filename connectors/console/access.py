"""Whoever asks needs a key whose role covers what is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from connectors.console.keys import ApiKeys, Caller, Role

bearer = HTTPBearer(auto_error=False, description="A key that `forewarn api key` made.")
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def caller_of(request: Request, given: Given) -> Caller:
    """Who asks. Answers 401 to whoever has no key that is known."""
    keys: ApiKeys = request.app.state.keys
    caller = keys.caller(given.credentials) if given else None
    if caller is None:
        raise HTTPException(401, "give a key: Authorization: Bearer KEY", {"WWW-Authenticate": "Bearer"})
    return caller


def allowed(role: Role) -> Callable[[Caller], Caller]:
    """A dependency: who asks, if the role covers this one; 403 to others."""

    def check(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
        if not caller.role.covers(role):
            raise HTTPException(403, f"'{caller.name}' is {caller.role}, this is for {role}")
        return caller

    return check
