"""Every call of the API is an entry of the audit, whatever was answered: who, what, which status.

What changes something is answered once its entry is kept for good; what reads is answered while its entry waits.
"""

from __future__ import annotations

import re

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.console.access import CALLER, address_of
from connectors.console.answers import Refusal
from connectors.console.audit_log import AuditDown, AuditLog, Call
from connectors.console.headers import READS
from connectors.console.keys import Caller

NOT_DONE = "the audit cannot be written, so nothing is answered: nothing was done"
NOT_READ = "the audit cannot be written, so nothing is answered"
NOT_KNOWN = "the audit cannot be written: what was asked for may have been done, look before you ask again"
TOO_OFTEN = 429
MOST_PATH, MOST_ADDRESS, MOST_METHOD, MOST_NAME = 500, 64, 20, 200
STRANGERS = parse("600/minute")
"""Entries of calls by nobody that is known, or that were too many: else whoever reaches the port fills the topic, which
keeps for ever. Our choice."""
SECRETS = re.compile(r"fw_[\w-]{20,}|eyJ[\w-]+\.[\w-]+\.[\w-]*")
"""Keys and tokens, which belong into the header and are pasted elsewhere."""


class Audited:
    """An ASGI application around another, whose calls `within` are told to the log."""

    def __init__(self, app: ASGIApp, log: AuditLog, within: str) -> None:
        self._app, self._log, self._within = app, log, within
        self._strangers = MovingWindowRateLimiter(MemoryStorage())
        self._left_out = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and tell of it; where that fails, nothing of the answer is sent."""
        if scope["type"] != "http" or not scope["path"].startswith(self._within):
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        refused = began = False

        async def told(message: Message) -> None:
            nonlocal refused, began
            if message["type"] == "http.response.start" and not began:
                began = True
                refusal = await self._told(scope, message["status"])
                if refusal is not None:
                    refused = True
                    await refusal.send(scope, receive, send)
            if not refused:
                await send(message)

        if self._log.is_down:
            await self._told(scope, 503)
            await Refusal(503, NOT_READ if scope["method"] in READS else NOT_DONE).send(scope, receive, send)
            return
        try:
            await self._app(scope, receive, told)
        except BaseException:
            if not began:
                await self._told(scope, 500, may_wait=False)
            raise

    async def _told(self, scope: Scope, status: int, *, may_wait: bool = True) -> Refusal | None:
        """Tell the log; what is answered instead where it cannot be told."""
        caller, is_read = scope["state"].get(CALLER), scope["method"] in READS
        if (caller is None or status == TOO_OFTEN) and not self._strangers.hit(STRANGERS):
            self._left_out += 1
            return None
        call, self._left_out = _call(scope, status, self._left_out), 0
        try:
            kept = self._log.keep(call)
        except AuditDown:
            self._left_out = call.left_out + 1
            return Refusal(503, NOT_READ if is_read else NOT_KNOWN)
        if is_read:
            return Refusal(503, NOT_READ) if self._log.is_down else None
        if caller is None or not may_wait:
            return None  # who is not known has changed nothing
        try:
            await self._log.wait(kept)
        except AuditDown:
            return Refusal(503, NOT_KNOWN)
        return None


def _call(scope: Scope, status: int, left_out: int) -> Call:
    found = scope["state"].get(CALLER)
    caller = found if isinstance(found, Caller) else None
    sites = None if caller is None or caller.sites is None else [_shown(site, MOST_NAME) for site in caller.sites]
    return Call(
        by=_shown(caller.name, MOST_NAME) if caller else "",
        role=str(caller.role) if caller else "",
        sites=None if sites is None else tuple(sorted(sites)),
        address=_shown(address_of(scope), MOST_ADDRESS),
        method=_shown(scope["method"], MOST_METHOD),
        path=_asked(scope),
        route=str(getattr(scope.get("route"), "path", ""))[:MOST_PATH],
        status=status,
        left_out=left_out,
    )


def _asked(scope: Scope) -> str:
    """The path as it was sent, and the query, on one line and without keys."""
    path = (scope.get("raw_path") or scope["path"].encode(errors="replace")).decode("latin-1").partition("?")[0]
    query = scope.get("query_string", b"").decode("latin-1")
    return _shown(SECRETS.sub("...", f"{path}?{query}" if query else path), MOST_PATH)


def _shown(text: str, most: int) -> str:
    """Without what moves a cursor or ends a line: that is escaped."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)[:most]
