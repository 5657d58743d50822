"""Answers that are given before the application is asked, and how faults become answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import structlog
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = structlog.get_logger()
OURS = "this is a fault of Forewarn's own: its log says more"


class Refusal(NamedTuple):
    """An answer with a sentence. The connection ends, since nothing was read of what may come."""

    status: int
    detail: str
    headers: Mapping[str, str] = {}

    async def send(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        headers = {"connection": "close", **self.headers}
        await JSONResponse({"detail": self.detail}, self.status, headers)(scope, receive, send)


class Faults:
    """An ASGI application around another, which answers 500 in our form where that one fails before its answer.

    Within what audits and sets headers: Starlette's own stands outside of all, where neither would see its answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or tell of the fault in the log alone."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = False

        async def watched(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:  # whatever it is: the caller is told in our form, and the log has it whole
            if began:
                raise
            _log.exception("api-fault", path=scope["path"])
            await Refusal(500, OURS).send(scope, receive, send)
