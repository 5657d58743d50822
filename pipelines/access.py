"""What each role may do in Kafka: the least that it works with. Derived from the table of roles, nothing is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from pipelines.roles import Role
from pipelines.topics import Topic, named


class Operation(StrEnum):
    """Kafka's operations, as far as roles need any. Read and Write imply Describe there."""

    READ = "Read"
    WRITE = "Write"
    DESCRIBE = "Describe"


class Resource(StrEnum):
    """Kafka's kinds of resources, as `kafka-acls.sh` names them."""

    TOPIC = "topic"
    GROUP = "group"
    TRANSACTIONAL_ID = "transactional-id"


class Permission(NamedTuple):
    """One operation on one resource, or, where `prefixed`, on all whose names begin so."""

    operation: Operation
    resource: Resource
    name: str
    prefixed: bool = False


def permissions(role: Role, prefix: str, group: str, partitions: int) -> list[Permission]:
    """What a role of an installation (its topic prefix and group, as in the settings) may do, in a fixed order."""
    return list(_permissions(role, prefix, f"{prefix}{group}", partitions))


def _permissions(role: Role, prefix: str, group: str, partitions: int) -> Iterator[Permission]:
    for topic in Topic:
        name, reads, writes = named(prefix, topic), topic in role.reads, topic in role.writes
        if reads:
            yield Permission(Operation.READ, Resource.TOPIC, name)
        if writes:
            yield Permission(Operation.WRITE, Resource.TOPIC, name)
        if not reads and not writes:  # each role looks whether all topics are there before it starts
            yield Permission(Operation.DESCRIBE, Resource.TOPIC, name)
    for ending in role.groups:
        yield Permission(Operation.READ, Resource.GROUP, f"{group}{ending}")
    for ending in role.watches:
        yield Permission(Operation.DESCRIBE, Resource.GROUP, f"{group}{ending}")
    for ending in role.transactions:
        every = {ending.format(partition=partition) for partition in range(partitions)}
        for one in sorted(every):
            name = f"{group}{one.removesuffix('*')}"
            yield Permission(Operation.WRITE, Resource.TRANSACTIONAL_ID, name, prefixed=one.endswith("*"))


def suffices(role: Role, allowed: Mapping[Topic, Collection[str]]) -> bool:
    """Whether a user may do with topics what a role has to; `allowed` are Kafka's operations in capitals."""
    needed = ((Operation.READ, role.reads), (Operation.WRITE, role.writes), (Operation.DESCRIBE, frozenset(Topic)))
    return all(one.upper() in allowed.get(topic, ()) for one, topics in needed for topic in topics)


def command(permission: Permission, user: str) -> str:
    """The same as a line for `kafka-acls.sh`, after its connection's options."""
    pattern = " --resource-pattern-type prefixed" if permission.prefixed else ""
    return (
        f"--add --allow-principal 'User:{user}' --operation {permission.operation} "
        f"--{permission.resource} '{permission.name}'{pattern}"
    )
