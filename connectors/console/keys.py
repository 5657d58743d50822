"""Who may ask the HTTP API what: keys, of which only hashes are kept, each with a name, a role and sites.

A key is 256 random bits, so one SHA-256 of it cannot be searched; a password could be, and is none.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

PREFIX = "fw_"
"""Of a key, so that whoever searches texts for secrets finds it."""
NAME = re.compile(r"[A-Za-z0-9._ -]{1,64}")
SITE = re.compile(r"[^,:+\x00-\x1f\x7f-\x9f]{1,200}")
"""As in a plant file, but for what parts sites and keys in the setting."""
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
    """Who asks: the name is what the audit says; the sites are those whose machines he sees, None for all.

    What he sent is good until then, in seconds since 1970; a key is as long as the process lives.
    """

    name: str
    role: Role
    sites: frozenset[str] | None = None
    until_s: float | None = None

    @property
    def is_of_all(self) -> bool:
        """Whether nothing of the plant is kept from him."""
        return self.sites is None

    def sees(self, site: str | None) -> bool:
        """Whether what is of this site is for him; what has no site is for those of all sites alone."""
        return self.sites is None or site in self.sites


class WrongApiKeys(ValueError):
    """The setting cannot be read; the message says what to do."""


class ApiKeys:
    """Callers by the hashes of their keys."""

    def __init__(self, callers: dict[str, Caller]) -> None:
        self._callers = callers

    def __len__(self) -> int:
        return len(self._callers)

    def callers(self) -> Collection[Caller]:
        """All whom a key is known of."""
        return self._callers.values()

    def caller(self, key: str) -> Caller | None:
        """Whose key it is; how long this takes says nothing of how near a wrong one is."""
        asked = _hashed(key)
        found = [caller for known, caller in self._callers.items() if hmac.compare_digest(known, asked)]
        return found[0] if found else None


def new_key(name: str, role: Role, sites: Collection[str] = ()) -> tuple[str, str]:
    """A key, and what the API is told of it: `name:role:sha256`, with `role@site+site` for a key of some sites.

    Raises WrongApiKeys.
    """
    if not NAME.fullmatch(name) or name.strip() != name:
        raise WrongApiKeys("a key's name is made of at most 64 letters, digits, blanks and . _ -: give another")
    for site in sites:
        if not _is_site(site):
            raise WrongApiKeys(
                f"site '{site}' cannot be told in {SETTING}: it is at most 200 characters, without , : +"
            )
    key = PREFIX + secrets.token_urlsafe(32)
    at = "@" + "+".join(sorted(set(sites))) if sites else ""
    return key, f"{name}:{role}{at}:{_hashed(key)}"


def api_keys(text: str) -> ApiKeys:
    """Of `name:role:sha256` or `name:role@site+site:sha256` parted by commas.

    Raises WrongApiKeys, which shows nothing of the text.
    """
    found: dict[str, Caller] = {}
    for at, each in enumerate(filter(None, (one.strip() for one in text.split(","))), start=1):
        name, _, rest = each.partition(":")
        what, _, hashed = rest.partition(":")
        role, at_sites, told = what.partition("@")
        sites = frozenset(told.split("+")) if at_sites else None
        is_read = NAME.fullmatch(name) and role in list(Role) and HASH.fullmatch(hashed)
        if not is_read or not all(map(_is_site, sites or ())):
            raise WrongApiKeys(f"key {at} of {SETTING} is not `name:role:sha256`: copy what `forewarn api key` told")
        if hashed in found:
            raise WrongApiKeys(f"key {at} of {SETTING} is told twice")
        found[hashed] = Caller(name, Role(role), sites)
    return ApiKeys(found)


def _is_site(site: str) -> bool:
    return SITE.fullmatch(site) is not None and site.strip() == site


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
