"""Who may ask the HTTP API what: keys, of which only hashes are kept, each with a name and a role.

A key is 256 random bits, so one SHA-256 of it cannot be searched; a password could be, and is none.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from enum import StrEnum
from typing import NamedTuple

PREFIX = "fw_"
"""Of a key, so that whoever searches texts for secrets finds it."""
NAME = re.compile(r"[A-Za-z0-9._ -]{1,64}")
HASH = re.compile(r"[0-9a-f]{64}")
SETTING = "FOREWARN_API_KEYS"


class Role(StrEnum):
    """What a key is for; each may do what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ENGINEER = "engineer"
    ADMIN = "admin"

    def covers(self, other: Role) -> bool:
        """Whether it may do what the other may."""
        order = tuple(Role)
        return order.index(self) >= order.index(other)


class Caller(NamedTuple):
    """Who asks: the name is what the audit says."""

    name: str
    role: Role


class WrongApiKeys(ValueError):
    """The setting cannot be read; the message says what to do."""


class ApiKeys:
    """Callers by the hashes of their keys."""

    def __init__(self, callers: dict[str, Caller]) -> None:
        self._callers = callers

    def __len__(self) -> int:
        return len(self._callers)

    def caller(self, key: str) -> Caller | None:
        """Whose key it is; how long this takes says nothing of how near a wrong one is."""
        asked = _hashed(key)
        found = [caller for known, caller in self._callers.items() if hmac.compare_digest(known, asked)]
        return found[0] if found else None


def new_key(name: str, role: Role) -> tuple[str, str]:
    """A key, and what the API is told of it: `name:role:sha256`. Raises WrongApiKeys."""
    if not NAME.fullmatch(name) or name.strip() != name:
        raise WrongApiKeys("a key's name is made of at most 64 letters, digits, blanks and . _ -: give another")
    key = PREFIX + secrets.token_urlsafe(32)
    return key, f"{name}:{role}:{_hashed(key)}"


def api_keys(text: str) -> ApiKeys:
    """Of `name:role:sha256` parted by commas. Raises WrongApiKeys, which shows nothing of the text."""
    found: dict[str, Caller] = {}
    for at, each in enumerate(filter(None, (one.strip() for one in text.split(","))), start=1):
        name, _, rest = each.partition(":")
        role, _, hashed = rest.partition(":")
        if not NAME.fullmatch(name) or role not in list(Role) or not HASH.fullmatch(hashed):
            raise WrongApiKeys(f"key {at} of {SETTING} is not `name:role:sha256`: copy what `forewarn api key` told")
        if hashed in found:
            raise WrongApiKeys(f"key {at} of {SETTING} is told twice")
        found[hashed] = Caller(name, Role(role))
    return ApiKeys(found)


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
