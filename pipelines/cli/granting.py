"""Lists and applies what roles may do. As an administrator, before anything runs."""

from __future__ import annotations

import json
from collections.abc import Collection

from rich.console import Console
from rich.table import Table

from connectors.influx import admin as influx_admin
from connectors.kafka.admin import KafkaAdmin
from pipelines.access import Permission, command, permissions
from pipelines.main import influx_target, provision_store
from pipelines.roles import USERS, Role
from pipelines.settings import Settings


class NoRole(Exception):
    """There is no role of this name; the message says which there are."""


def listed(
    settings: Settings, names: Collection[str], users: str, console: Console, *, commands: bool, as_json: bool
) -> None:
    """Print permissions, a line each. Raises NoRole."""
    every = [(role.name, users.format(role=role.name), one) for role in roles_of(names) for one in _of(settings, role)]
    if commands:
        for _, user, one in every:
            console.out(command(one, user), highlight=False)
    elif as_json:
        console.out(json.dumps([{"role": role, "user": user, **one._asdict()} for role, user, one in every]))
    else:
        table = Table("role", "user", "may", "of", box=None)
        for role, user, one in every:
            table.add_row(role, user, one.operation, f"{one.resource} {one.name}{'*' * one.prefixed}")
        console.print(table)


def granted(settings: Settings, names: Collection[str], users: str, console: Console) -> None:
    """Make topics, and grant. Raises NoRole, KafkaUnreachable, KafkaError."""
    roles = roles_of(names)
    with KafkaAdmin(settings.cluster, settings.topic_prefix) as admin:
        made = admin.create_topics(settings.partitions)
        for role in roles:
            needed, user = _of(settings, role), users.format(role=role.name)
            admin.grant(user, needed)
            console.print(f"{user}: {len(needed)} permissions", highlight=False)
    console.print(f"topics made: {', '.join(made) or 'none, all were there'}", highlight=False)


def tokens(settings: Settings, names: Collection[str], console: Console, *, as_json: bool) -> None:
    """Make tokens and print them. Raises NoRole, InfluxUnreachable, InfluxMisconfigured."""
    roles = [role for role in roles_of(names) if role.bucket]
    provision_store(settings)
    target = influx_target(settings)
    found = {role.name: influx_admin.token(target, f"forewarn {role.name}", role.bucket) for role in roles}
    if as_json:
        console.out(json.dumps(found), highlight=False)
        return
    for name, one in found.items():
        console.out(f"{name}: FOREWARN_INFLUX_TOKEN={one}", highlight=False)


def _of(settings: Settings, role: Role) -> list[Permission]:
    return permissions(role, settings.topic_prefix, settings.group, settings.partitions)


def roles_of(names: Collection[str]) -> list[Role]:
    """Those of the names, all where none is named. Raises NoRole."""
    unknown = sorted(set(names) - USERS.keys())
    if unknown:
        raise NoRole(f"no role: {', '.join(unknown)}. Roles are {', '.join(USERS)}")
    return [role for name, role in USERS.items() if not names or name in names]
