"""The API's part about the plant as a whole: who asks, how it stands, its forecasts, notices and books."""

from __future__ import annotations

import time
from importlib.metadata import version

from fastapi import APIRouter

from connectors.console.keys import Caller, Role
from connectors.console.place import AtDesk, Following, Here, Reads, WholePlant, site_seen
from connectors.console.said import Assets, Books, Forecasts, May, Me, Notices
from connectors.console.schemas import Told, says
from connectors.console.warnings import moves_for
from models.records import Notice
from pipelines.console.shown import Overview
from pipelines.console.standing import Standing, is_open

router = APIRouter(prefix="/api/v1", tags=["plant"])


@router.get("/me", **says(Me))
async def me(here: Here, caller: Reads) -> Told:
    """Who asks, with which role, at which sites, and what that opens."""
    plant, is_whole = here.plant, caller.sites is None
    may = May(
        models=is_whole and caller.role.covers(Role.ENGINEER), whole_plant=is_whole,
        subscriptions=is_whole and caller.role.covers(Role.OPERATOR),
        audit=is_whole and caller.role.covers(Role.ADMIN),
    )  # fmt: skip
    sites = None if caller.sites is None else tuple(sorted(caller.sites))
    return Told(Me(
        name=caller.name, role=str(caller.role), sites=sites, plant=plant.plant,
        plant_sites=tuple(site for site in plant.sites if caller.sees(site)),
        version=version("forewarn"), moves=moves_for(caller.role), may=may,
    ))  # fmt: skip


@router.get("/overview", **says(Overview))
async def overview(following: Following, here: Here, caller: Reads) -> Told:
    """The plant at a glance; what changes of it comes by GET /api/v1/events with Last-Event-ID: `event_id`."""
    assets = tuple(here.assets(_seen(here, caller)))
    warnings = here.warnings(lambda one: is_open(one) and site_seen(here, caller, one.asset))
    return Told(Overview(
        plant=here.plant.plant, now_us=here.now_us(time.time_ns() // 1000), as_of_us=here.as_of_us,
        event_id=following.feed.token, is_following=following.is_following, silent_s=_silent_s(here), assets=assets,
        warnings=tuple(map(here.warning, warnings)), notices=_notices(here, caller),
        ledger=here.ledger() if caller.is_of_all else None,
    ))  # fmt: skip


@router.get("/assets", **says(Assets))
async def assets(here: Here, caller: Reads) -> Told:
    """Machines as they stand, the worst first."""
    return Told(Assets(assets=tuple(here.assets(_seen(here, caller)))))


@router.get("/forecasts", **says(Forecasts))
async def forecasts(here: Here, caller: Reads) -> Told:
    """The last forecast of each machine, whole."""
    found = (here.forecasts[name] for name in _seen(here, caller) if name in here.forecasts)
    return Told(Forecasts(forecasts=tuple(found)))


@router.get("/notices", **says(Notices))
async def notices(here: Here, caller: Reads) -> Told:
    """Open notices: sensors, silence, late rows, clocks, and the service itself."""
    return Told(Notices(notices=_notices(here, caller)))


@router.get("/ledger", **says(Books))
async def ledger(desk: AtDesk, _caller: WholePlant) -> Told:
    """The books: what was read, stored and rejected, by source, partition and topic."""
    return Told(desk.ledger())


def _silent_s(here: Standing) -> float | None:
    return max(0.0, time.time() - here.heard_ms / 1000) if here.heard_ms else None


def _seen(here: Standing, caller: Caller) -> list[str]:
    return [name for name in here.plant.assets if site_seen(here, caller, name)]


def _notices(here: Standing, caller: Caller) -> tuple[Notice, ...]:
    """Those of the service itself are for all."""
    found = (one for one in here.notices.values() if not one.asset or site_seen(here, caller, one.asset))
    return tuple(sorted(found, key=lambda one: (-one.since_us, one.id)))
