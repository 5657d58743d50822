"""No request has a longer body than is allowed, whatever its headers say: what is over is not read."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOO_LARGE = 413


class BodyLimit:
    """An ASGI application around another, which sees at most so many bytes of a body, or as `of_path` has it."""

    def __init__(self, app: ASGIApp, most_bytes: int, of_path: Mapping[str, int] | None = None) -> None:
        self._app, self._usual, self._of_path = app, most_bytes, of_path or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413 to a body that is longer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._of_path.get(scope["path"], self._usual)
        if _stated(scope) > most:
            await _refuse(send)
            return
        read, over = 0, False

        async def counted() -> Message:
            nonlocal read, over
            message = await receive()
            read += len(message.get("body", b""))
            over = over or read > most
            return {"type": "http.disconnect"} if over else message

        async def passed(message: Message) -> None:
            if not over:  # what is made of a body that was cut off is nobody's answer
                await send(message)

        await self._app(scope, counted, passed)
        if over:
            await _refuse(send)


def _stated(scope: Scope) -> int:
    """The length that the headers state; 0 where they state none that is a number."""
    value = dict(scope["headers"]).get(b"content-length", b"")
    return int(value) if value.isdigit() else 0


async def _refuse(send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": TOO_LARGE, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"detail": "the body is longer than is taken here"}'})
