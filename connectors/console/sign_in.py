"""Where people of an identity provider sign in from the page, by OpenID Connect's code flow with PKCE; open to all.

The page does it: it goes to the provider, comes back with a code, and changes that for a token, which is then what it
sends. So this server has no session and no secret of the provider's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Depends, Request
from msgspec import Struct

from connectors.console.callers import IssuerAway
from connectors.console.issuer import HELD_S, discovered
from connectors.console.schemas import Told, says

_log = structlog.get_logger()
SIGN_IN = "/api/v1/sign-in"
SCOPE = "openid profile"


class SignIn(Struct, frozen=True, kw_only=True):
    """Where to go (`authorize`), where to change the code for a token, as which client; all empty: by key alone."""

    issuer: str = ""
    authorize: str = ""
    token: str = ""
    client: str = ""
    scope: str = ""


class Provider:
    """What an issuer says of signing in, held for some minutes. For many threads; it blocks, 5 s at most."""

    def __init__(self, issuer: str, client: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer, self._client, self._clock = issuer, client, clock
        self._held: SignIn | None = None
        self._asked_s = float("-inf")
        self._lock = threading.Lock()

    @property
    def origin(self) -> str:
        """Where the page is let send a code to."""
        parts = urlsplit(self._issuer)
        return f"{parts.scheme}://{parts.netloc}"

    def places(self) -> SignIn:
        """What it says now, or lately. Raises IssuerAway."""
        with self._lock:
            if self._held is None or self._clock() - self._asked_s > HELD_S:
                self._held, self._asked_s = self._found(), self._clock()
            return self._held

    def _found(self) -> SignIn:
        try:
            authorize, token = discovered(self._issuer, "authorization_endpoint", "token_endpoint")
        except (OSError, ValueError) as fault:
            raise IssuerAway(
                f"the issuer {self._issuer} does not say where to sign in: ask again in a minute"
            ) from fault
        if not token.startswith(f"{self.origin}/"):
            _log.error("no-sign-in", token=token, why=f"the page may ask {self.origin} alone", doing="by key or token")
            return SignIn()
        return SignIn(issuer=self._issuer, authorize=authorize, token=token, client=self._client, scope=SCOPE)


def provider_of(request: Request) -> Provider | None:
    """The application's, if it has one."""
    found: Provider | None = getattr(request.app.state, "provider", None)
    return found


router = APIRouter(prefix="/api/v1", tags=["plant"])


@router.get("/sign-in", **says(SignIn))
def sign_in(provider: Annotated[Provider | None, Depends(provider_of)]) -> Told:
    """Where people sign in, if not by a key alone. Needs none."""
    return Told(SignIn() if provider is None else provider.places())
