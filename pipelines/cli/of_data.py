"""Commands about what came of the data: ledger, notices, dead letters, clocks; the work is in modules named so."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.options import AsJson, Instance, errors, out

data = typer.Typer()
"""Commands that stand by themselves."""
dead = typer.Typer(no_args_is_help=True, help="What could not be used, and why.")
data.add_typer(dead, name="dead-letters")
clock = typer.Typer(no_args_is_help=True, help="Clocks of sources: how far behind, which jumped, what to do.")
data.add_typer(clock, name="clock")

Reason = Annotated[str | None, typer.Option(help="Only of this reason, such as out-of-range.")]
OfAsset = Annotated[str | None, typer.Option("--asset", help="Only of this asset.")]


def _wanted(reason: str | None, asset: str | None) -> Any:
    from models.records import Reject
    from pipelines.cli.letters import Wanted

    if reason is not None and reason not in set(Reject):
        raise typer.BadParameter(f"'{reason}' is no reason: use one of {', '.join(Reject)}")
    return Wanted(reason=Reject(reason) if reason else None, asset=asset)


@data.command("ledger", epilog="Example: forewarn ledger --json")
def show_ledger(as_json: AsJson = False, instance: Instance = "default") -> None:
    """Tell what was read, stored and rejected, by source, partition and topic; exit status 1 if it does not balance."""
    from pipelines.cli.books import show_ledger as show
    from pipelines.settings import Settings

    raise typer.Exit(show(Settings(instance=instance), out, as_json=as_json))


@data.command("notices", epilog="Examples: forewarn notices --all   |   forewarn notices --measures 30")
def show_notices(
    every: Annotated[bool, typer.Option("--all", help="Those that are closed, too.")] = False,
    days: Annotated[
        float | None, typer.Option("--measures", min=0.01, help="EEMUA 191's measures of so many days instead.")
    ] = None,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Tell what should be looked after: sensors, silent assets, late rows, clocks that jumped, the service itself."""
    from pipelines.cli.notices import show_measures
    from pipelines.cli.notices import show_notices as show
    from pipelines.settings import Settings

    if days is not None:
        return show_measures(Settings(instance=instance), days, time.time_ns() // 1000, out, as_json=as_json)
    return show(Settings(instance=instance), out, every=every, as_json=as_json)


# Long, since each of its options stands here once.
@data.command(
    "backfill",
    epilog="Examples: forewarn backfill --from 2026-01-01 --to 2026-03-01 --source influx --asset 'pump-*' --dry-run"
    "   |   forewarn backfill --from 2026-01-01 --to 2026-03-01 --source csv --files 'history/*.csv' --to influx",
)
def backfill(
    begin: Annotated[str, typer.Option("--from", help="Where to begin: 2026-01-01 (UTC), or with time and zone.")],
    to: Annotated[
        list[str],
        typer.Option(help="Where to end; and, given again, where results go beside the report: influx,topics,parquet."),
    ],
    source: Annotated[str, typer.Option(help="influx, parquet, csv or kafka.")],
    asset: Annotated[list[str] | None, typer.Option(help="Assets, as 'pump-*'; all if not given.")] = None,
    files: Annotated[list[str] | None, typer.Option(help="Files, as 'history/**/*.parquet'.")] = None,
    shape: Annotated[Path | None, typer.Option(help="TOML file that says what columns of files mean.")] = None,
    events: Annotated[Path | None, typer.Option(help="Failures and repairs: asset,time,action,mode.")] = None,
    labels: Annotated[
        Path | None, typer.Option(help="File of labels: those confirmed are failures and repairs.")
    ] = None,
    proposed: Annotated[
        bool, typer.Option("--proposed", help="With --labels: those that nobody has decided about, too.")
    ] = False,
    model: Annotated[list[str] | None, typer.Option(help="Score by this model, NAME@VERSION.")] = None,
    as_of: Annotated[bool, typer.Option("--as-of", help="Score by the models that live used then.")] = False,
    spec: Annotated[
        Path | None,
        typer.Option(help="With --what features: a feature list of `forewarn model new`, in the place of models."),
    ] = None,
    what: Annotated[
        list[str] | None, typer.Option(help="ingest,forecasts,alerts,features; forecasts,alerts if not given.")
    ] = None,
    every: Annotated[int, typer.Option(min=1, max=1440, help="Minutes from one scored minute to the next.")] = 1,
    warm_up: Annotated[
        float | None, typer.Option(min=0, help="Days read before --from; if not given, machines' whole lives.")
    ] = None,
    replay_prefix: Annotated[
        str | None, typer.Option(help="With --what ingest --to topics: prefix of the topics that other workers read.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Lanes at work at a time; if not given, one a core.")
    ] = None,
    out_folder: Annotated[Path, typer.Option("--out", help="Where runs leave results.")] = Path("build/backfill"),
    engineers: Annotated[
        float | None, typer.Option(min=0.01, help="Reliability engineers, if not as many as the plant file says.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and end.")] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with this very backfill where it was ended, or tell its report again."),
    ] = False,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Run history through the path that live runs, and tell what would have fired. Alerts are muted.

    Exit status 1 if it was stopped or cannot be relied on: a ledger that does not balance, nothing read, or files of
    which not all could be used; the report says why, the rest was worked off.
    """
    from pipelines.cli.backfill import asked as ask
    from pipelines.cli.backfill.run import backfill as run
    from pipelines.settings import Settings

    if model and as_of:
        raise typer.BadParameter("--model and --as-of exclude one another")
    if proposed and labels is None:
        raise typer.BadParameter("--proposed goes with --labels FILE")
    from_us, to_us, into = ask.from_and_to(begin, to)
    wanted = ask.Asked(
        from_us=from_us,
        to_us=to_us,
        source=ask.source(source),
        what=ask.what(what or ["forecasts,alerts"]),
        into=into,
        assets=tuple(asset or ["*"]),
        files=tuple(files or ()),
        shape=shape,
        events=events,
        labels=labels,
        proposed=proposed,
        models=tuple(model or ()),
        as_of=as_of,
        spec=spec,
        every_min=every,
        warm_up_days=warm_up,
        processes=processes or ask.cores(),
        replay_prefix=replay_prefix,
        out=out_folder,
    )
    settings = Settings(instance=instance)
    status = run(settings, wanted, out, errors, dry_run=dry_run, resume=resume, as_json=as_json, engineers=engineers)
    raise typer.Exit(status)


@dead.command("list", epilog="Example: forewarn dead-letters list --asset pump-01")
def list_letters(
    reason: Reason = None, asset: OfAsset = None, as_json: AsJson = False, instance: Instance = "default"
) -> None:
    """Print how many there are of each reason and asset, and what the last one says."""
    from pipelines.cli import letters
    from pipelines.settings import Settings

    letters.show_groups(Settings(instance=instance), _wanted(reason, asset), out, as_json=as_json)


@dead.command("show", epilog="Example: forewarn dead-letters show --reason out-of-range --last 5")
def show_letters(
    reason: Reason = None,
    asset: OfAsset = None,
    last: Annotated[int, typer.Option(min=1, help="So many of the last ones.")] = 10,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Print the last ones in full: the samples, or the beginning of the record."""
    from pipelines.cli import letters
    from pipelines.settings import Settings

    letters.show(Settings(instance=instance), _wanted(reason, asset), last, out, as_json=as_json)


@dead.command("replay", epilog="Example: forewarn dead-letters replay --reason unknown-asset")
def replay_letters(
    reason: Reason = None,
    asset: OfAsset = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    instance: Instance = "default",
) -> None:
    """Send their records to the log once more, after the plant file or the feed was mended."""
    from pipelines.cli import letters
    from pipelines.settings import Settings

    def agree(question: str) -> bool:
        return yes or typer.confirm(question)

    letters.replay(Settings(instance=instance), _wanted(reason, asset), out, agree)


@clock.command("list", epilog="Example: forewarn clock list --json")
def list_clocks(as_json: AsJson = False, instance: Instance = "default") -> None:
    """Print how far behind each source usually is, and of which the clock jumped and frames wait for a decision."""
    from pipelines.cli import clocks
    from pipelines.settings import Settings

    clocks.show(Settings(instance=instance), out, as_json=as_json)


@clock.command(
    "decide",
    epilog="Examples: forewarn clock decide opcua --shift=+1h   |   forewarn clock decide opcua --as-is --yes   |   "
    "forewarn clock decide opcua --discard --asset pump-01",
)
def decide_clock(
    source: Annotated[str, typer.Argument(help="The source, as `forewarn clock list` names it.")],
    shift: Annotated[str | None, typer.Option(help="Move its times by this from now on: +1h, -5.5h, 30min.")] = None,
    as_is: Annotated[bool, typer.Option("--as-is", help="Its times are right as it says them.")] = False,
    discard: Annotated[
        bool, typer.Option("--discard", help="Let the frames that wait go; they stay unstored.")
    ] = False,
    asset: Annotated[
        list[str] | None, typer.Option(help="Of this asset, instead of all that jumped; may be given several times.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Of all its assets, those that did not jump or were never heard among them.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    instance: Instance = "default",
) -> None:
    """Decide once about a source whose clock jumped: frames that wait are stored, moved or as they are, or let go."""
    from models.records import ClockDecision
    from pipelines.cli import clocks
    from pipelines.main import read_plant
    from pipelines.settings import Settings

    if (shift is not None) + as_is + discard != 1:
        raise typer.BadParameter("give one of --shift, --as-is and --discard")
    if asset and everything:
        raise typer.BadParameter("give --asset or --all")
    try:
        by_us = None if discard else clocks.shift_us(shift or "0h")
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from wrong
    settings = Settings(instance=instance)
    plant_name = read_plant(settings.plant, settings.site).plant
    decision = ClockDecision(plant=plant_name, source=source, shift_us=by_us, assets=tuple(asset or ()))

    def agree(question: str) -> bool:
        return yes or typer.confirm(question)

    clocks.decide(settings, decision, out, agree, everything=everything)
