"""The API's part about what warnings were worth and how they were looked after."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from connectors.console.place import AtDesk, Here, Reads, sees_of
from connectors.console.said import KpisOf, ValueOf
from connectors.console.schemas import Told, says

router = APIRouter(prefix="/api/v1", tags=["figures"])
Week = Annotated[str | None, Query(pattern=r"^\d{4}-W\d{2}$", examples=["2026-W47"])]
Month = Annotated[str | None, Query(pattern=r"^\d{4}-\d{2}$", examples=["2026-11"])]
Hours = Annotated[float | None, Query(gt=0, le=10_000, description="In the place of the plant file's.")]
CSV: dict[int | str, dict[str, Any]] = {
    200: {"description": "A line an entry.", "content": {"text/csv": {"schema": {"type": "string"}}}}
}


@router.get("/kpis", **says(KpisOf))
def kpis(here: Here, desk: AtDesk, caller: Reads, week: Week = None) -> Told:
    """How a week's warnings were looked after, this week's by itself."""
    return Told(desk.kpis(week, sees_of(here, caller)))


@router.get("/value", **says(ValueOf))
def value(here: Here, desk: AtDesk, caller: Reads, month: Month = None, hours: Hours = None) -> Told:
    """What a month's warnings were worth, missed failures first; this month's by itself."""
    return Told(desk.value(month, sees_of(here, caller), hours))


@router.get("/value/export", response_class=Response, responses=CSV)
def export(here: Here, desk: AtDesk, caller: Reads, month: Month = None) -> Response:
    """The same as CSV for finance. People's names are masked."""
    name = f'attachment; filename="forewarn-value-{month or "now"}.csv"'
    return Response(desk.value_csv(month, sees_of(here, caller)), media_type="text/csv",
                    headers={"Content-Disposition": name})  # fmt: skip
