"""The API's part about itself: who called it, as the audit has it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Query, Request

from connectors.console.access import whole
from connectors.console.audit_log import AuditLog
from connectors.console.keys import Caller, Role

MOST = 1000
Reads = Annotated[Caller, Depends(whole(Role.ADMIN))]


async def log_of(request: Request) -> AuditLog:
    """The application's."""
    found: AuditLog = request.app.state.audit
    return found


router = APIRouter(prefix="/api/v1", tags=["audit"])


@router.get("/audit")
async def audit(
    log: Annotated[AuditLog, Depends(log_of)], _caller: Reads, limit: Annotated[int, Query(ge=1, le=MOST)] = 100
) -> dict[str, Any]:
    """The last calls of this API, the newest first: who, what, from where, which status, and the chain's hashes."""
    try:
        found: list[Any] = msgspec.to_builtins(await log.latest(limit))
    except TimeoutError as late:
        raise HTTPException(503, "Kafka does not answer in time: ask again") from late
    return {"entries": found}
