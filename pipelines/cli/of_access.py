"""`forewarn access`: its commands; the work is in `pipelines.cli.granting`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.options import AsJson, Instance, out

access = typer.Typer(no_args_is_help=True, help="What each role may do in Kafka and InfluxDB: the least it works with.")
Users = Annotated[str, typer.Option(help="Name of a role's user in Kafka; {role} stands for the role.")]
Roles = Annotated[list[str] | None, typer.Option("--role", help="Only this role; repeatable. None: all.")]
USERS = "forewarn-{role}"


@access.command(
    "list",
    epilog="Examples: forewarn access list --role worker   |   "
    "forewarn access list --commands | sed 's/^/kafka-acls.sh --bootstrap-server kafka:9093 --command-config admin /'",
)
def show(
    role: Roles = None,
    users: Users = USERS,
    commands: Annotated[bool, typer.Option("--commands", help="As lines for kafka-acls.sh.")] = False,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Tell what each role's user has to be allowed, on this installation's topics and groups. Nothing is asked."""
    from pipelines.cli.granting import listed
    from pipelines.settings import Settings

    listed(Settings(instance=instance), role or (), users, out, commands=commands, as_json=as_json)


@access.command(
    epilog="Example: FOREWARN_KAFKA_USER=admin FOREWARN_KAFKA_PASSWORD=... forewarn access apply --users 'north-{role}'"
)
def apply(role: Roles = None, users: Users = USERS, instance: Instance = "default") -> None:
    """Make the topics that are missing and give each role's user what it needs, as Kafka's administrator.

    Nothing is taken away. The users themselves are made where Kafka keeps them.
    """
    from pipelines.cli.granting import granted
    from pipelines.settings import Settings

    granted(Settings(instance=instance), role or (), users, out)


@access.command(epilog="Example: FOREWARN_INFLUX_TOKEN=... forewarn access tokens --json | jq -r .worker")
def tokens(role: Roles = None, as_json: AsJson = False, instance: Instance = "default") -> None:
    """Make the bucket and a token for each role that needs rows, good for that bucket alone. They are told once.

    By a token that may do so, on InfluxDB 2; 1.8 has users, who are made by InfluxQL.
    """
    from pipelines.cli.granting import tokens as made
    from pipelines.settings import Settings

    made(Settings(instance=instance), role or (), out, as_json=as_json)
