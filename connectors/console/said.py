"""What the API answers, as structs: their fields are the contract of whoever builds on it, and the OpenAPI document's.

Times are microseconds since 1970 UTC.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from models.alerting.kpis import Kpis
from models.alerting.trends import Line
from models.alerting.value import Value
from models.records import (
    Alert,
    AlertReason,
    AlertState,
    Forecast,
    Health,
    Move,
    Notice,
    PlanResult,
    SuggestionRefused,
    TrialRequest,
)
from pipelines.console.energy_shown import DemandNow, PlanNow, SuggestionNow
from pipelines.console.shown import AlertNow, AssetNow
from pipelines.console.standing import Moved


class May(Struct, frozen=True, kw_only=True):
    """What a caller may do: move models, see what is of the whole plant, change subscriptions, read the audit."""

    models: bool
    whole_plant: bool
    subscriptions: bool
    audit: bool


class Me(Struct, frozen=True, kw_only=True):
    """Who asks, and what is open to him; `sites` null are all."""

    name: str
    role: str
    sites: tuple[str, ...] | None
    plant: str
    plant_sites: tuple[str, ...]
    version: str
    moves: tuple[Move, ...]
    may: May


class Assets(Struct, frozen=True, kw_only=True):
    """Machines, the worst first."""

    assets: tuple[AssetNow, ...]


class SignalOf(Struct, frozen=True, kw_only=True):
    """A signal of a machine, as the plant file has it."""

    name: str
    unit: str
    kind: str
    sampling: str
    limits: tuple[Line, ...]


class AssetPage(Struct, frozen=True, kw_only=True):
    """A machine with its last forecast and health, whole, and all its warnings that are known, the newest first."""

    now: AssetNow
    signals: tuple[SignalOf, ...]
    forecast: Forecast | None
    health: Health | None
    warnings: tuple[AlertNow, ...]


class History(Struct, frozen=True, kw_only=True):
    """Chances within 72 h and healths of a machine over time, as far as this console followed them."""

    time_us: tuple[int, ...]
    chance_72h: tuple[float, ...]
    health_us: tuple[int, ...]
    health: tuple[float, ...]


class Worked(Struct, frozen=True, kw_only=True):
    """A failure, a repair, what was done to a sensor, or a finished order."""

    time_us: int
    kind: str
    mode: str
    order: str


class Works(Struct, frozen=True, kw_only=True):
    """What was done to a machine, the last first."""

    work: tuple[Worked, ...]


class Column(Struct, frozen=True, kw_only=True):
    """A signal's mean, lowest and highest value of each step; null where it has none."""

    mean: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]


class Signals(Struct, frozen=True, kw_only=True):
    """Signals of a machine by steps of time, which begin at `time_us`."""

    from_us: int
    to_us: int
    step_us: int
    time_us: tuple[int, ...]
    signals: dict[str, Column]


class Forecasts(Struct, frozen=True, kw_only=True):
    """The last forecast of each machine."""

    forecasts: tuple[Forecast, ...]


class Alerts(Struct, frozen=True, kw_only=True):
    """Warnings, the last opened first, and whether there are more than were asked for."""

    alerts: tuple[AlertNow, ...]
    more: bool


class CasePage(Struct, frozen=True, kw_only=True):
    """A warning: in short, whole, what this caller may do with it now, and how it came to be so."""

    now: AlertNow
    alert: Alert
    moves: tuple[Move, ...]
    revisions: tuple[Moved, ...]


class Table(Struct, frozen=True, kw_only=True):
    """What it holds, its head, its rows."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Part(Struct, frozen=True, kw_only=True):
    """A section of a page."""

    title: str
    lines: tuple[str, ...]
    table: Table | None


class Page(Struct, frozen=True, kw_only=True):
    """A warning on one page, in sentences: what it asks, what is suspected, what to do, how often it was right."""

    title: str
    parts: tuple[Part, ...]


class Acted(Struct, frozen=True, kw_only=True):
    """What was done, in lines for people, and whether that is news: what is so already changes nothing."""

    done: tuple[str, ...]
    is_news: bool


class ActionOf(Struct, frozen=True, kw_only=True):
    """What somebody did with a warning."""

    alert: str
    asset: str
    revision: int
    reason: AlertReason
    state: AlertState
    by: str
    why: str
    moved_us: int


class Actions(Struct, frozen=True, kw_only=True):
    """What people did, the last first."""

    actions: tuple[ActionOf, ...]


class KpisOf(Kpis, frozen=True, kw_only=True):
    """How a week's warnings were looked after; `thinned` says what of it is not known any more."""

    week: str
    thinned: str


class ValueOf(Value, frozen=True, kw_only=True):
    """What a month's warnings were worth, missed failures first; `thinned` says what of it is not known any more."""

    month: str
    thinned: str


class Books(Struct, frozen=True, kw_only=True):
    """The ledger: the sum, and by partition and topic; read = stored + rejected."""

    balances: bool
    total: dict[str, Any]
    partitions: dict[str, dict[str, Any]]
    topics: dict[str, int]


class Notices(Struct, frozen=True, kw_only=True):
    """Notices that are open: about data and the service, never about a machine's health."""

    notices: tuple[Notice, ...]


class Suggestions(Struct, frozen=True, kw_only=True):
    """Process settings that are suggested, open ones first; `missing` says why there are none.

    `trials` are changes that are too large to be suggested, the last first; `refused` is the newest change of each
    machine that a rail did not let pass.
    """

    suggestions: tuple[SuggestionNow, ...]
    trials: tuple[TrialRequest, ...]
    refused: tuple[SuggestionRefused, ...]
    missing: str


class Plans(Struct, frozen=True, kw_only=True):
    """Plans of production in short, the last made first; `missing` says why there are none."""

    plans: tuple[PlanNow, ...]
    missing: str


class PlanResults(Struct, frozen=True, kw_only=True):
    """What came of plans, the last first; `missing` says why there is nothing."""

    results: tuple[PlanResult, ...]
    missing: str


class Demand(Struct, frozen=True, kw_only=True):
    """Quarter-hours that were to pass the limit of power, the last first; `missing` says why there are none."""

    warnings: tuple[DemandNow, ...]
    missing: str
