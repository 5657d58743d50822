"""`forewarn model compare` and `judge`: their options; the work is in `comparing`, `both_runs` and `promoting`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.options import AsJson, Instance, errors, out

comparisons = typer.Typer(no_args_is_help=True)
LEAST_EVERY_S = 60
"""From one round to the next: each reads the topics from their beginning. Our choice."""

Labels = Annotated[Path | None, typer.Option(help="File of labels: those confirmed count, too.")]
BarsFile = Annotated[
    Path | None, typer.Option("--bars", help="TOML file of what is asked of a candidate, such as least_days = 14.")
]


# Long, since each of its options stands here once.
@comparisons.command(
    epilog="Examples: forewarn model compare --chart reliability.svg   |   forewarn model compare build/backfill/1f3a "
    "build/backfill/77c0 --labels labels.jsonl --json   |   forewarn model compare --from 2026-01-01 --to 2026-02-01 "
    "--source influx --candidate pump@1a2b3c4d5e6f"
)
def compare(
    runs: Annotated[
        list[Path] | None, typer.Argument(help="Two backfills of one history, by champion and by candidate.")
    ] = None,
    labels: Labels = None,
    name: Annotated[str, typer.Option(help="The model's name; if not given, that of the last shadow.")] = "",
    bars: BarsFile = None,
    chart: Annotated[
        Path | None, typer.Option(help="Draw both curves of reliability into this .svg or .png file.")
    ] = None,
    begin: Annotated[
        str,
        typer.Option("--from", help="Run both backfills first, from here: 2026-01-01 (UTC), or with time and zone."),
    ] = "",
    to: Annotated[str, typer.Option(help="With --from: where to end.")] = "",
    source: Annotated[str, typer.Option(help="With --from: influx, parquet, csv or kafka.")] = "",
    champion: Annotated[str, typer.Option(help="With --from: NAME@VERSION; if not given, what the name means.")] = "",
    candidate: Annotated[str, typer.Option(help="With --from: NAME@VERSION; if not given, the shadow.")] = "",
    asset: Annotated[list[str] | None, typer.Option(help="With --from: assets, as 'pump-*'.")] = None,
    files: Annotated[list[str] | None, typer.Option(help="With --from: files, as 'history/**/*.parquet'.")] = None,
    shape: Annotated[
        Path | None, typer.Option(help="With --from: TOML file that says what columns of files mean.")
    ] = None,
    events: Annotated[
        Path | None, typer.Option(help="With --from: failures and repairs: asset,time,action,mode.")
    ] = None,
    every: Annotated[int, typer.Option(min=1, max=1440, help="With --from: minutes between scored minutes.")] = 1,
    warm_up: Annotated[float | None, typer.Option(min=0, help="With --from: days read before it.")] = None,
    processes: Annotated[int | None, typer.Option(min=1, help="With --from: lanes at work at a time.")] = None,
    out_folder: Annotated[Path, typer.Option("--out", help="With --from: where runs leave results.")] = Path(
        "build/backfill"
    ),
    resume: Annotated[bool, typer.Option("--resume", help="With --from: go on with what was ended before.")] = False,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Say what would change with the candidate, in warnings, leads, chances and time, and give the verdict.

    Live, by what the shadow said; of two backfills; or, with --from, of a history that both score first.
    """
    from models.alerting.verdict import verdict
    from pipelines.cli import both_runs, comparing, promoting, reliability
    from pipelines.cli.compared import show
    from pipelines.settings import Settings

    settings, asked_of = Settings(instance=instance), promoting.read_bars(bars)
    if chart is not None:
        reliability.check_file(chart)
    if runs and (len(runs) != 2 or begin):
        raise typer.BadParameter("give two runs, or --from, or neither for what the shadow says live")
    if begin:
        asked = _asked(begin, to, source, {
            "assets": tuple(asset or ["*"]), "files": tuple(files or ()), "shape": shape, "events": events,
            "labels": labels, "every_min": every, "warm_up_days": warm_up, "processes": processes, "out": out_folder,
        })  # fmt: skip
        wanted = both_runs.Wanted(name, champion, candidate)
        runs = list(both_runs.run_both(settings, wanted, asked, errors, resume=resume))
    found = comparing.of_runs(settings, (runs[0], runs[1]), labels) if runs else comparing.of_live(
        settings, labels, errors, name
    )  # fmt: skip
    show(found, verdict(found.trial, asked_of), out, as_json=as_json)
    if chart is not None:
        reliability.draw(found, chart)


def _asked(begin: str, to: str, source: str, options: dict[str, Any]) -> Any:
    """A backfill of forecasts alone, as both models are to have it."""
    from pipelines.cli.backfill import asked as ask

    if not to or not source:
        raise typer.BadParameter("--from goes with --to and --source")
    from_us, to_us, into = ask.from_and_to(begin, [to])
    options["processes"] = options["processes"] or ask.cores()
    return ask.Asked(
        from_us=from_us, to_us=to_us, source=ask.source(source), what=ask.what(["forecasts"]), into=into, **options
    )


@comparisons.command(
    epilog="Examples: forewarn model judge   |   FOREWARN_AUTO_PROMOTE=pump forewarn model judge --every 1h "
    "--labels labels.jsonl"
)
def judge(
    name: Annotated[str, typer.Argument(help="A model's name; if not given, all that have a candidate.")] = "",
    every: Annotated[str, typer.Option(help="Do so again and again: 1h, 30min; once if not given.")] = "",
    labels: Labels = None,
    bars: BarsFile = None,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Give the verdict over each candidate that runs beside a champion; one that is better is promoted if allowed.

    FOREWARN_AUTO_PROMOTE names the models of which that is allowed; of the others it is said what would be done.
    """
    import time

    from models.plant.durations import seconds
    from pipelines.cli import promoting
    from pipelines.settings import Settings

    every_s = seconds(every) if every else None
    if every_s is not None and every_s < LEAST_EVERY_S:
        raise typer.BadParameter(f"--every {every}: give {LEAST_EVERY_S} s at least")
    settings, wanted = Settings(instance=instance), promoting.Wanted(name, labels, promoting.read_bars(bars))

    def once() -> None:
        promoting.judge(settings, wanted, out, errors, as_json=as_json)

    if every_s is None:
        once()
    else:
        promoting.repeat(once, every_s, errors, time.sleep)
