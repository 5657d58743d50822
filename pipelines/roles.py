"""The roles that a plant runs, once: how each is started, what it needs, what it reads and writes.

Deployments, access lists and the doctor go by this table. Nothing is started here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pipelines.topics import Topic


class Port(StrEnum):
    """What a role serves over HTTP."""

    METRICS = "metrics"
    CONSOLE = "console"


class Bucket(StrEnum):
    """What a role does with the rows in InfluxDB."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, kw_only=True)
class Role:
    """One kind of process.

    `command` follows `forewarn`; `extra` is what to install beside the core, of pyproject's optional dependencies;
    `many` where more processes share the work, else a second one waits or takes over; `port` what it serves. `reads`
    and `writes` are topics, `groups` endings of consumer groups that it is a member of, after the installation's own,
    `watches` those that it only looks at, `transactions` endings of transactional ids: {partition} stands for each
    one's number, a star for whatever follows.
    """

    name: str
    command: tuple[str, ...]
    does: str
    extra: str = ""
    many: bool = False
    port: Port | None = None
    bucket: frozenset[Bucket] = frozenset()
    reads: frozenset[Topic] = frozenset()
    writes: frozenset[Topic] = frozenset()
    groups: tuple[str, ...] = ()
    watches: tuple[str, ...] = ()
    transactions: tuple[str, ...] = ()


_T = Topic
_SAID = frozenset({_T.FORECASTS, _T.SHADOWS, _T.HEALTH, _T.ALERTS, _T.NOTICES, _T.BASELINES})
_LEFT_OUT = frozenset({_T.DEAD_LETTERS, _T.QUARANTINE})
_PLANNED = frozenset({_T.PLANS, _T.DEMAND, _T.LOADS, _T.ENERGY, _T.SUGGESTIONS})

ROLES: tuple[Role, ...] = (
    Role(
        name="worker",
        command=("worker",),
        does="frames from Kafka to InfluxDB, forecasts and warnings back",
        many=True,
        port=Port.METRICS,
        bucket=frozenset({Bucket.READ, Bucket.WRITE}),
        reads=frozenset({_T.RECORDS, _T.NOTICES, _T.RELEASES, _T.STATE}),
        writes=_SAID | _LEFT_OUT | {_T.RECORDS, _T.STATE, _T.RELEASES, _T.AUDIT},
        groups=("",),
        transactions=("-{partition}",),
    ),
    Role(
        name="rebuild",
        command=("rebuild",),
        does="brings rows that came too late into the windows",
        port=Port.METRICS,
        bucket=frozenset({Bucket.READ}),
        reads=frozenset({_T.NOTICES, _T.ALERTS}),
        writes=frozenset({_T.RECORDS}),
        groups=("-rebuild",),
        watches=("",),
    ),
    Role(
        name="deliver",
        command=("deliver",),
        does="warnings from Kafka to people and systems",
        extra="deliver",
        port=Port.METRICS,
        reads=frozenset({_T.ALERTS, _T.DELIVERIES, _T.SUBSCRIPTIONS}),
        writes=frozenset({_T.DELIVERIES, _T.SUBSCRIPTIONS, _T.RECORDS}),
        groups=("-deliver",),
        transactions=("-deliver-*",),
    ),
    Role(
        name="console",
        command=("api", "serve"),
        does="the page and the HTTP API",
        extra="console",
        port=Port.CONSOLE,
        bucket=frozenset({Bucket.READ}),
        reads=frozenset(Topic),
        writes=frozenset({_T.AUDIT, _T.RECORDS, _T.SUBSCRIPTIONS, _T.SUGGESTIONS, _T.RELEASES}),
        watches=("", "-deliver"),
    ),
    Role(
        name="plan",
        command=("plan",),
        does="plans production for less energy",
        extra="plan",
        port=Port.METRICS,
        bucket=frozenset({Bucket.READ}),
        reads=_PLANNED | {_T.ORDERS, _T.TARIFFS, _T.ALERTS},
        writes=_PLANNED,
    ),
    Role(
        name="tune",
        command=("tune",),
        does="suggests process settings by parts and their results",
        port=Port.METRICS,
        reads=frozenset({_T.QUALITY, _T.SUGGESTIONS, _T.RELEASES}),
        writes=frozenset({_T.SUGGESTIONS, _T.RELEASES, _T.AUDIT}),
    ),
)

FEED = Role(
    name="connect",
    command=("connect",),
    does="reads one feed of the plant and sends frames; a process each, with its own file",
    extra="scada",
    port=Port.METRICS,
    writes=frozenset({_T.RECORDS, _T.DEAD_LETTERS}),
)
ENGINEER = Role(
    name="engineer",
    command=(),
    does="people at the command line: they look at everything, put orders, answers and moves, and release models",
    bucket=frozenset({Bucket.READ, Bucket.WRITE}),
    reads=frozenset(Topic),
    writes=frozenset(Topic) - {_T.STATE, _T.DELIVERIES},
    watches=("", "-rebuild", "-deliver"),
)
USERS: Mapping[str, Role] = {role.name: role for role in (*ROLES, FEED, ENGINEER)}
"""Who has a user of its own in Kafka."""
