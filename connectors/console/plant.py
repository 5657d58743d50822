"""The console itself: what routes about machines, warnings and figures, the stream and the page add to the API."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from connectors.console import assets, energy, events, figures, overview, warnings
from connectors.console.place import Desk
from connectors.console.schemas import include
from connectors.health import Health
from pipelines.console.role import Follower

PAGE = Path(__file__).parent / "page"
ROUTERS = (overview.router, assets.router, warnings.router, figures.router, energy.router, events.router)
ASK_AGAIN = {"Cache-Control": "no-cache"}
"""A browser asks whether its copy is still good, which the entity tag tells it: an update holds at the next look."""


class _Files(StaticFiles):
    """The page's own."""

    def file_response(self, *args: object, **options: object) -> FileResponse:
        found = super().file_response(*args, **options)  # type: ignore[arg-type]
        found.headers.update(ASK_AGAIN)
        return found  # type: ignore[return-value]


def add_console(app: FastAPI, follower: Follower, desk: Desk) -> None:
    """Have an application answer for a plant that is followed, and show its page."""
    app.state.follower, app.state.desk = follower, desk
    for router in ROUTERS:
        include(app, router)
    app.mount("/page", _Files(directory=PAGE))

    health = Health(ready={"kafka": lambda: None if follower.is_following else "Kafka does not answer"})

    @app.get("/healthz", include_in_schema=False)
    @app.get("/readyz", include_in_schema=False)
    async def probe(request: Request) -> Response:
        reply = health.reply(request.url.path)
        assert reply is not None, "both paths are Health's"
        return Response(reply.body, reply.status, media_type="application/json")

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(PAGE / "index.html", headers=ASK_AGAIN)
