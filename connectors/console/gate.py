"""Who gets to the application and how: its middlewares, in one place and in the order in which a request meets them."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from limits import parse

from connectors.console.access import Door
from connectors.console.answers import Faults
from connectors.console.audit import Audited
from connectors.console.audit_log import AuditLog
from connectors.console.callers import Callers
from connectors.console.headers import ANY, OwnHosts, SafeHeaders
from connectors.console.rates import Limits, Rates
from connectors.console.sign_in import SIGN_IN, Provider

API = "/api/"
OPENAPI = "/api/v1/openapi.json"
"""Readable without a key: it says what can be asked, and nothing of this plant."""
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
METHODS, HEADERS = ("GET", "POST", "PUT", "DELETE"), ("Authorization", "Content-Type", "Last-Event-ID")


class WrongGate(ValueError):
    """A setting of the HTTP API cannot be read; the message says which and what to do."""


@dataclass(frozen=True)
class Gate:
    """Whom the application answers, and what it tells the audit; origins are of other sites whose pages may ask."""

    callers: Callers
    limits: Limits = field(default_factory=Limits)
    origins: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset(LOCAL_HOSTS)
    audit: AuditLog | None = None
    provider: Provider | None = None
    """Where people sign in from the page."""


def guard(app: FastAPI, gate: Gate) -> None:
    """Put it around the application. The last that is added is met first, so read from below."""
    app.add_middleware(Door, callers=gate.callers, rates=Rates(gate.limits), within=API, open_to=(OPENAPI, SIGN_IN))
    app.add_middleware(OwnHosts, hosts=gate.hosts, origins=gate.origins)
    app.add_middleware(Faults)
    if gate.audit is not None:
        app.add_middleware(Audited, log=gate.audit, within=API)
    if gate.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(gate.origins),
            allow_methods=METHODS,
            allow_headers=HEADERS,
            expose_headers=("Retry-After",),
        )
    app.add_middleware(SafeHeaders, within=API, asks=() if gate.provider is None else (gate.provider.origin,))


def limits_of(rate: str, wrong: str) -> Limits:
    """Of settings. Raises WrongGate."""
    for name, text in (("API_RATE", rate), ("API_WRONG_KEYS", wrong)):
        try:
            parse(text)
        except ValueError as fault:
            raise WrongGate(f"FOREWARN_{name} is '{text}': write a number and a span, as 600/minute") from fault
    return Limits(rate, wrong)


def origins_of(text: str) -> frozenset[str]:
    """Of the setting, parted by commas. Raises WrongGate."""
    found = _parted(text)
    for origin in found:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or origin != f"{parts.scheme}://{parts.netloc}" or "@" in origin:
            raise WrongGate(f"FOREWARN_API_ORIGINS has '{origin}': write https://name or https://name:port")
    return found


def hosts_of(text: str, served_on: str) -> frozenset[str]:
    """Of the setting, parted by commas, else the address that is served on and this machine's own names.

    Raises WrongGate.
    """
    found = _parted(text)
    for host in found - {ANY}:
        is_ipv6 = host.startswith("[") and host.endswith("]")
        if "/" in host or "*" in host or (":" in host and not is_ipv6):
            raise WrongGate(
                f"FOREWARN_API_HOSTS has '{host}': write names without port, IPv6 in brackets, or * for any"
            )
    return found or frozenset({f"[{served_on}]" if ":" in served_on else served_on, *LOCAL_HOSTS})


def _parted(text: str) -> frozenset[str]:
    return frozenset(filter(None, (one.strip().rstrip("/") for one in text.split(","))))
