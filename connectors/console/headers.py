"""What browsers are told with every answer, and which requests of theirs are none of ours.

Keys are sent by header alone and no cookie is set, so a page of others cannot ask in somebody's name; what is here
holds where that would fail one day.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.console.answers import Refusal

OWN = "'self'"
POLICY = (
    f"default-src 'none'; script-src {OWN}; style-src {OWN}; img-src {OWN} data:; connect-src {OWN}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ASKS = f"connect-src {OWN}"
SAID = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
READS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
ANY = "*"


class SafeHeaders:
    """An ASGI application around another: every answer has these headers, and one of the API is kept by nobody."""

    def __init__(self, app: ASGIApp, within: str, asks: Collection[str] = ()) -> None:
        """`asks` are origins that pages may ask beside their own."""
        self._app, self._within = app, within
        self._said = {"Content-Security-Policy": POLICY.replace(ASKS, " ".join((ASKS, *asks))), **SAID}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add headers to the answer's beginning."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def added(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._said)
                if scope["path"].startswith(self._within):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, added)


class OwnHosts:
    """An ASGI application around another, which sees requests to its own names alone.

    Else a page whose name leads here (DNS rebinding) would be of one origin with it. What changes something has to come
    from a page of the same origin, or one that is allowed, where a browser says from where it comes.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], origins: Collection[str]) -> None:
        self._app, self._hosts, self._origins = app, {host.lower() for host in hosts}, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is not None:
            await refusal.send(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if ANY not in self._hosts and (len(hosts) != 1 or host_of(hosts[0]) not in self._hosts):
            return Refusal(400, "this host is not answered for: FOREWARN_API_HOSTS names those that are")
        if scope["method"] not in READS and not self._is_own(headers, hosts[0] if hosts else ""):
            return Refusal(403, "another site's page asked for a change: FOREWARN_API_ORIGINS names those that may")
        return None

    def _is_own(self, headers: Headers, host: str) -> bool:
        origins, fetch_site = headers.getlist("origin"), headers.get("sec-fetch-site", "none")
        if origins and all(origin in self._origins for origin in origins):
            return True
        return fetch_site in ("same-origin", "none") and all(_netloc(origin) == host.lower() for origin in origins)


def host_of(header: str) -> str:
    """A Host header's name without the port, IPv6 in brackets; empty where it is none."""
    name, _, port = header.lower().partition("]") if header.startswith("[") else header.lower().partition(":")
    if header.startswith("["):
        name, port = f"{name}]", port.removeprefix(":")
    return name if not port or port.isdecimal() else ""


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
