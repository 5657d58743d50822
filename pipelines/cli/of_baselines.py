"""`forewarn baseline`: its commands; the work is in `pipelines.cli.baselines`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import AsJson, Instance, out

baseline = typer.Typer(no_args_is_help=True, help="Healthy baselines: what rules look at the change from.")
QUIET_DAYS = 30
"""How far back a quiet day is looked for, where no time is given. Our choice."""


@baseline.command("list", epilog="Example: forewarn baseline list --json")
def show(as_json: AsJson = False, instance: Instance = "default") -> None:
    """Tell the baseline of each asset and rule: of which time, how sure, what speaks against it, and its fleet's."""
    from pipelines.cli.baselines import show as run_show
    from pipelines.settings import Settings

    run_show(Settings(instance=instance), out, as_json=as_json)


@baseline.command(
    epilog="Examples: forewarn baseline propose --asset pump-01 --rule vibration_mm_s.change --from 2026-01-15 "
    "--to 2026-01-22   |   forewarn baseline propose --asset pump-01 --rule vibration_mm_s.change --fleet"
)
def propose(
    asset: Annotated[str, typer.Option(help="The machine.")],
    rule: Annotated[str, typer.Option(help="Its rule, of = 'change', as `forewarn plant show` names it.")],
    begin: Annotated[str | None, typer.Option("--from", help="Healthy from: 2026-01-15 (UTC), or with time.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="And until.")] = None,
    fleet: Annotated[
        bool, typer.Option("--fleet", help="The median of machines like it, in place of its own.")
    ] = False,
    to: Annotated[Path, typer.Option("--file", help="File of proposals to put it into.")] = Path("baselines.json"),
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Propose a baseline from stored rows, screened; without a time, that of the quietest day of the last 30.

    Nothing changes until it is approved.
    """
    if (begin is None) != (end is None):
        raise typer.BadParameter("--from and --to go together")
    if fleet and begin is not None:
        raise typer.BadParameter("--fleet takes the time of its machines: leave --from and --to out")
    now = datetime.now(UTC)
    first = now - timedelta(days=QUIET_DAYS) if begin is None else _time("--from", begin)
    last = now if end is None else _time("--to", end)
    if first >= last:
        raise typer.BadParameter("--to must lie after --from")
    from pipelines.cli.baselines import Asked
    from pipelines.cli.baselines import propose as run_propose
    from pipelines.settings import Settings

    from_us, to_us = (round(each.timestamp() * 1e6) for each in (first, last))
    asked = Asked(asset, rule, from_us, to_us, begin is not None)
    run_propose(Settings(instance=instance), asked, to, out, fleet=fleet, as_json=as_json)


def _time(option: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise typer.BadParameter(f"{option} {text}: write a date, as 2026-01-15, or 2026-01-15T06:00Z") from wrong
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@baseline.command(epilog="Example: forewarn baseline approve baselines.json --by 'A. Person'")
def approve(
    file: Annotated[Path, typer.Argument(help="A file of proposals.")],
    by: Annotated[str, typer.Option(help="Who says that the machines were healthy then.")],
    instance: Instance = "default",
) -> None:
    """Put proposals on the log: from there on, rules look at changes from them."""
    if not by.strip():
        raise typer.BadParameter("--by: say who approves")
    from pipelines.cli.baselines import approve as run_approve
    from pipelines.settings import Settings

    run_approve(Settings(instance=instance), file, by.strip(), out)
