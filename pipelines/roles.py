"""The roles that a plant runs, once: how each is started, what it needs, what it reads and writes.

Deployments, access lists and the doctor go by this table. Nothing is started here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Port(StrEnum):
    """What a role serves over HTTP."""

    METRICS = "metrics"
    CONSOLE = "console"


@dataclass(frozen=True, kw_only=True)
class Role:
    """One kind of process.

    `command` follows `forewarn`; `extra` is what to install beside the core, of pyproject's optional dependencies;
    `many` where more processes share the work, else a second one waits or takes over; `port` what it serves.
    """

    name: str
    command: tuple[str, ...]
    does: str
    extra: str = ""
    many: bool = False
    port: Port | None = None


ROLES: tuple[Role, ...] = (
    Role(
        name="worker",
        command=("worker",),
        does="frames from Kafka to InfluxDB, forecasts and warnings back",
        many=True,
        port=Port.METRICS,
    ),
    Role(
        name="rebuild",
        command=("rebuild",),
        does="brings rows that came too late into the windows",
        port=Port.METRICS,
    ),
    Role(
        name="deliver",
        command=("deliver",),
        does="warnings from Kafka to people and systems",
        extra="deliver",
        port=Port.METRICS,
    ),
    Role(
        name="console", command=("api", "serve"), does="the page and the HTTP API", extra="console", port=Port.CONSOLE
    ),
    Role(name="plan", command=("plan",), does="plans production for less energy", extra="plan", port=Port.METRICS),
    Role(
        name="tune", command=("tune",), does="suggests process settings by parts and their results", port=Port.METRICS
    ),
)
