"""The API's stream of what changes, as server-sent events; who comes back goes on behind what was seen last."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header
from starlette.responses import StreamingResponse

from connectors.console.keys import Caller
from connectors.console.place import Following, Reads
from pipelines.console.feed import Feed

router = APIRouter(prefix="/api/v1", tags=["events"])
ALIVE, ALIVE_S = b": \n\n", 15.0
"""Between two comments where nothing comes, so that what stands in between does not close the connection. As HTML's
standard on server-sent events advises."""
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "Events.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}


@router.get("/events", response_class=StreamingResponse, responses=STREAM)
async def events(
    following: Following,
    caller: Reads,
    last_event_id: Annotated[str, Header(max_length=100, description="Where to go on.")] = "",
) -> StreamingResponse:
    """What changes, from now on or behind Last-Event-ID.

    Kinds are warning, assets, notice, ledger, models, plan, demand, suggestion, log.

    It ends when the token that it was asked with does: come back with another one, and the last id.
    `reset` says that what was missed is not known any more: ask for GET /api/v1/overview again.
    """
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    stream = _stream(following.feed, last_event_id, caller)
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def _stream(feed: Feed, token: str, caller: Caller) -> AsyncIterator[bytes]:
    number = feed.number_of(token or feed.token)
    if number is None:
        number, sent = feed.reset()
        yield sent
    else:
        yield ALIVE  # so that the browser knows at once that it is connected
    due_s = time.monotonic() + ALIVE_S
    while (left_s := _left_s(caller)) > 0 and not feed.has_ended:
        quiet_s = max(0.0, due_s - time.monotonic())
        number, sent = await feed.after(number, caller.sees, min(quiet_s, left_s))
        if sent or time.monotonic() >= due_s:  # much may come that is not for him
            yield sent or ALIVE
            due_s = time.monotonic() + ALIVE_S


def _left_s(caller: Caller) -> float:
    """How long he may listen: who was sent away at the issuer has no more than the token that he had."""
    return math.inf if caller.until_s is None else caller.until_s - time.time()
