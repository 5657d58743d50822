"""`forewarn alerts`: its commands; the work is in `pipelines.cli.watching` and `acting`."""

from __future__ import annotations

import re
import time
from typing import Annotated

import typer

from models.records import CloseReason, Move
from pipelines.cli.options import AsJson, Instance, out

alerts = typer.Typer(no_args_is_help=True, help="Warnings: as they come, which are open, and what is done about them.")
_SPAN = re.compile(r"(\d+)\s*(min|h|d)")
_MINUTES = {"min": 1, "h": 60, "d": 24 * 60}


@alerts.command(epilog="Example: forewarn alerts watch --all --json | jq .asset")
def watch(
    instance: Instance = "default",
    all_of_them: Annotated[bool, typer.Option("--all", help="Begin with the oldest, not with the next.")] = False,
    once: Annotated[bool, typer.Option(help="Stop at the end of what is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print warnings as they are opened, revised and cleared, each revision once, with all that it rests on."""
    from pipelines.cli.watching import watch_alerts
    from pipelines.settings import Settings

    watch_alerts(Settings(instance=instance), all_of_them or once, once, out, as_json)


@alerts.command("list", epilog="Example: forewarn alerts list --json | jq '.[] | .id, .advice'")
def show(
    every: Annotated[bool, typer.Option("--all", help="Those that are closed as well.")] = False,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Tell which warnings are open or wait for somebody to say what became of them, and what each asks."""
    from pipelines.cli.acting import show as run_show
    from pipelines.settings import Settings

    run_show(Settings(instance=instance), every, out, as_json=as_json)


@alerts.command(
    epilog="Examples: forewarn alerts move 3fa9 acknowledge --by kim   |   forewarn alerts move 3fa9 shelve --for 8h "
    "--why 'spare comes on Monday' --by kim   |   forewarn alerts move 3fa9 close --outcome found-and-repaired "
    "--mode seal --found 'worn lip' --by kim"
)
def move(
    alert: Annotated[str, typer.Argument(help="The beginning of the warning's id.")],
    what: Annotated[Move, typer.Argument(help="What to do with it.")],
    by: Annotated[str, typer.Option(help="Who does it.")],
    why: Annotated[str, typer.Option(help="Why; of a comment, its text.")] = "",
    span: Annotated[str | None, typer.Option("--for", help="How long it is shelved: 30min, 8h, 2d.")] = None,
    to: Annotated[str, typer.Option(help="Whom it is assigned to.")] = "",
    severity: Annotated[int | None, typer.Option(min=1, max=1000, help="How severe it is, 1 to 1000.")] = None,
    order: Annotated[str, typer.Option(help="Its number in the maintenance system.")] = "",
    outcome: Annotated[CloseReason | None, typer.Option(help="What became of it, to close it.")] = None,
    mode: Annotated[str, typer.Option(help="The failure mode as found.")] = "",
    found: Annotated[str, typer.Option(help="What was found, in your words.")] = "",
    instance: Instance = "default",
) -> None:
    """Acknowledge, shelve, assign, rate, comment or close a warning, or take it out of service."""
    from models.alerting.wishes import Wish
    from pipelines.cli.acting import act
    from pipelines.settings import Settings

    now_us = time.time_ns() // 1000
    until_us = None if span is None else now_us + _minutes(span) * 60_000_000
    wish = Wish(what, by, why, until_us, to, severity, order, outcome, mode, found)
    act(Settings(instance=instance), alert, wish, now_us, out)


@alerts.command(epilog="Examples: forewarn alerts explain 3fa9   |   forewarn alerts explain 3fa9 --revision 0 --json")
def explain(
    alert: Annotated[str, typer.Argument(help="The beginning of the warning's id.")],
    revision: Annotated[int | None, typer.Option(min=0, help="Which; else the last that evidence moved.")] = None,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Make a warning again from its bundle, and tell whether it is what was told; exit status 1 where it is not."""
    from pipelines.cli.explaining import explain as run_explain
    from pipelines.settings import Settings

    raise typer.Exit(int(not run_explain(Settings(instance=instance), alert, revision, out, as_json=as_json)))


def _minutes(span: str) -> int:
    found = _SPAN.fullmatch(span)
    if found is None:
        raise typer.BadParameter(f"--for {span}: write 30min, 8h or 2d")
    return int(found[1]) * _MINUTES[found[2]]
