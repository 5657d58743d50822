"""Who sent a credential, whichever kind it is: a key of the settings, or a token of an identity provider."""

from __future__ import annotations

import asyncio
from typing import Protocol

from connectors.console.keys import ApiKeys, Caller

MOST_CREDENTIAL = 16 * 1024
"""Characters: tokens with many groups have some thousands. Our choice."""


class IssuerAway(Exception):
    """The identity provider does not answer, so nobody can tell whether a token is good."""


class NoRole(Exception):
    """A token is good, and gives its bearer no role here."""


class Callers(Protocol):
    """Knows callers by what they send."""

    async def caller(self, credential: str) -> Caller | None:
        """Whose it is, None for nobody's. Raises IssuerAway, NoRole."""
        ...


class TokenReader(Protocol):
    """Knows callers by tokens; it may block for some seconds."""

    def caller(self, token: str) -> Caller | None:
        """Whose it is, None for nobody's. Raises IssuerAway, NoRole."""
        ...


class KeysAndTokens:
    """Callers by key or, where an issuer is set, by token."""

    def __init__(self, keys: ApiKeys, tokens: TokenReader | None = None) -> None:
        self._keys, self._tokens = keys, tokens

    async def caller(self, credential: str) -> Caller | None:
        """Whose it is. A token has two dots, which a key never has."""
        if len(credential) > MOST_CREDENTIAL:
            return None
        if self._tokens is not None and credential.count(".") == 2:
            return await asyncio.to_thread(self._tokens.caller, credential)
        return self._keys.caller(credential)
