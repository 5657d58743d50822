"""Callers by tokens (JWT) of an identity provider, such as Keycloak, Entra ID or Dex.

A token that says no sites gives none, so its bearer sees no machine, unless he is an admin, who sees all: a provider
that was not told of sites gives away nothing. "*" among the sites means all. Whom an audit names is what the name claim
says: choose one that people cannot change themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jwt

from connectors.console.callers import NoRole
from connectors.console.issuer import IssuerKeys
from connectors.console.keys import Caller, Role

LEEWAY_S = 30
"""By so much may clocks differ. Our choice."""
ALGORITHMS = {
    "RSA": ("RS256", "RS384", "RS512", "PS256"),
    "EC": ("ES256", "ES384"),
    "OKP": ("EdDSA",),
}  # fmt: skip
"""By type of key. All are asymmetric: with HMAC the provider's public key would be a secret that anybody knows."""
KNOWN = frozenset(name for names in ALGORITHMS.values() for name in names)
SPELLINGS = ("", "forewarn-", "forewarn:")
ALL_SITES = "*"
MOST_NAME = 200


class Rules(NamedTuple):
    """What a token has to say: by whom it is, for whom, and which claims tell role, sites and name.

    A claim within others is named with dots: `realm_access.roles`.
    """

    issuer: str
    audience: str
    roles: str = "roles"
    sites: str = "sites"
    name: str = "preferred_username"


class Tokens:
    """A `connectors.console.callers.TokenReader`. It may block, so ask it in a thread."""

    def __init__(self, rules: Rules, keys: IssuerKeys) -> None:
        self._rules, self._keys = rules, keys
        self._jwt = jwt.PyJWT(options={"enforce_minimum_key_length": True})

    def caller(self, token: str) -> Caller | None:
        """Whose token it is; None where it is not good. Raises IssuerAway, NoRole."""
        claims = self._claims(token)
        name = _name(claims, self._rules.name) if claims is not None else ""
        if claims is None or not name:
            return None
        role = _role(_words(_claim(claims, self._rules.roles)))
        if role is None:
            raise NoRole(f"'{name}' has no role here: the token's {self._rules.roles} has none of {', '.join(Role)}")
        sites = _sites(_claim(claims, self._rules.sites), role)
        return Caller(name, role, sites, float(claims["exp"]) + LEEWAY_S)

    def _claims(self, token: str) -> Mapping[str, Any] | None:
        """What a good token says. What is plainly not ours is turned away before the issuer is asked anything."""
        rules = self._rules
        try:
            header = jwt.get_unverified_header(token)
            said = jwt.decode(token, options={"verify_signature": False})
            kid = header.get("kid")
            if header.get("alg") not in KNOWN or not isinstance(kid, str) or said.get("iss") != rules.issuer:
                return None
            key = self._keys.key(kid)
            if key is None:
                return None
            found: dict[str, Any] = self._jwt.decode(
                token,
                key.key,
                algorithms=list(ALGORITHMS.get(key.key_type or "", ())) or ["none of ours"],
                issuer=rules.issuer,
                audience=rules.audience,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            return None
        return found


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by a way of names with dots; None where there is none."""
    if name in claims:
        return claims[name]
    at: Any = claims
    for part in name.split("."):
        at = at.get(part) if isinstance(at, Mapping) else None
    return at


def _words(value: Any) -> list[str]:
    """Of a list, or of a text with blanks or commas between."""
    if isinstance(value, str):
        return value.replace(",", " ").split()
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _name(claims: Mapping[str, Any], claim: str) -> str:
    """For people to read; empty where none can be shown on one line."""
    for value in (_claim(claims, claim), claims.get("sub")):
        if isinstance(value, str) and value.strip() and len(value) <= MOST_NAME and value.isprintable():
            return value
    return ""


def _role(said: list[str]) -> Role | None:
    """The highest of ours."""
    found = [role for role in Role if any(f"{spelling}{role}" in said for spelling in SPELLINGS)]
    return found[-1] if found else None


def _sites(value: Any, role: Role) -> frozenset[str] | None:
    if value is None:
        return None if role is Role.ADMIN else frozenset()
    names = [one.strip() for one in value.split(",")] if isinstance(value, str) else _words(value)
    return None if ALL_SITES in names else frozenset(filter(_is_site, names))


def _is_site(name: str) -> bool:
    """Whether a plant may have it, and the audit can say it."""
    return 0 < len(name) <= MOST_NAME and name.isprintable()
