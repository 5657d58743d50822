"""`forewarn deliver`, `subscriptions`, `deliveries`: their options; the work is in modules of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from models.records import Advice
from pipelines.cli.options import AsJson, Instance, out

delivery = typer.Typer(no_args_is_help=True)
subscriptions = typer.Typer(no_args_is_help=True, help="Who wants which warnings, when, and where to.")
deliveries = typer.Typer(no_args_is_help=True, help="What was told, and what could not be.")
delivery.add_typer(subscriptions, name="subscriptions")
delivery.add_typer(deliveries, name="deliveries")
By = Annotated[str, typer.Option("--by", help="Who says so.")]


@delivery.command(epilog="Example: FOREWARN_SUBSCRIPTIONS=subscriptions.toml forewarn deliver")
def deliver(
    instance: Instance = "default",
    loud: Annotated[bool, typer.Option("--loud", help="Log all that Kafka's client says.")] = False,
) -> None:
    """Notify people and systems of warnings, as the subscriptions say, until stopped. One process is enough."""
    settings = _settings(instance)
    import asyncio

    from connectors.kafka.clients import check_reachable
    from pipelines.cli.delivering import deliver as run

    check_reachable(settings.cluster)
    raise typer.Exit(asyncio.run(run(settings, loud=loud)))


@subscriptions.command("list", epilog="Example: forewarn subscriptions list --json")
def list_subscriptions(as_json: AsJson = False, instance: Instance = "default") -> None:
    """Show the subscriptions of the file and of the topic."""
    from pipelines.cli import subscribing

    subscribing.show(_settings(instance), out, as_json=as_json)


@subscriptions.command(epilog="Example: forewarn subscriptions check subscriptions.toml")
def check(
    file: Annotated[Path | None, typer.Argument(help="A file in the place of FOREWARN_SUBSCRIPTIONS.")] = None,
    instance: Instance = "default",
) -> None:
    """Check a subscriptions file against the plant file, or say on which line it is wrong."""
    from pipelines.cli import subscribing

    subscribing.check(_settings(instance), file, out)


@subscriptions.command(
    "test",
    epilog="Examples: forewarn subscriptions test --asset pump-01 --severity 700 --advice act-now   |   "
    "forewarn subscriptions test --alert warning.json --at 2026-01-31T22:00+01:00",
)
def try_out(
    alert: Annotated[Path | None, typer.Option(help="A warning as `alerts watch --json` prints it.")] = None,
    asset: Annotated[str, typer.Option(help="Of a warning that is made up.")] = "",
    mode: Annotated[str, typer.Option(help="Its failure mode.")] = "any",
    severity: Annotated[int, typer.Option(min=1, max=1000)] = 500,
    advice: Annotated[Advice, typer.Option(help="What it asks of people.")] = Advice.PLAN,
    at: Annotated[str, typer.Option(help="When it comes, as 2026-01-31T22:00+01:00; now if not given.")] = "",
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Say who would get a warning, when and by which sink, and who would not and why. Nothing is sent."""
    from pipelines.cli import subscribing
    from pipelines.cli.backfill.asked import moment
    from pipelines.cli.delivery_desk import Told

    at_us = moment(at) if at else None
    if at and at_us is None:
        raise typer.BadParameter(f"--at {at} is no time: write 2026-01-31T06:00+01:00")
    if (alert is None) == (not asset):
        raise typer.BadParameter("give a warning by --alert, or one that is made up by --asset")
    made_up = Told(asset, mode, severity, advice)
    subscribing.try_out(_settings(instance), alert, made_up, at_us, out, as_json=as_json)


@subscriptions.command(epilog="Example: forewarn subscriptions add mine.toml --by 'A. Person'")
def add(
    file: Annotated[Path, typer.Argument(help="Subscriptions to sinks that the service's file has.")],
    by: By,
    instance: Instance = "default",
) -> None:
    """Put a file's subscriptions on the topic; the role that runs goes over to them at once."""
    from pipelines.cli import subscribing

    subscribing.add(_settings(instance), file, by, out)


@subscriptions.command(epilog="Example: forewarn subscriptions remove mine")
def remove(
    name: Annotated[str, typer.Argument(help="One that is on the topic.")], instance: Instance = "default"
) -> None:
    """Take a subscription off the topic."""
    from pipelines.cli import subscribing

    subscribing.remove(_settings(instance), name, out)


@deliveries.command("list", epilog="Example: forewarn deliveries list --all --json")
def list_deliveries(
    all_of_them: Annotated[bool, typer.Option("--all", help="Those that were delivered, too.")] = False,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Show notifications that were not delivered, with the reason, and warnings that wait, and for what."""
    from pipelines.cli import deliveries as work

    work.show(_settings(instance), out, every=all_of_them, as_json=as_json)


@deliveries.command(epilog="Example: forewarn deliveries retry 1f3a --by 'A. Person'")
def retry(
    by: By,
    ids: Annotated[list[str] | None, typer.Argument(help="Ids or their beginnings; all if not given.")] = None,
    instance: Instance = "default",
) -> None:
    """Have notifications that were refused, or that wait, sent again now."""
    from pipelines.cli import deliveries as work

    work.retry(_settings(instance), ids or [], by, out)


def _settings(instance: str) -> Any:
    from pipelines.settings import Settings

    return Settings(instance=instance)
