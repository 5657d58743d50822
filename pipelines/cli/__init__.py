"""The `forewarn` command: each command a few lines here, its work in a module of its own, imported when called."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from connectors.scada.feeds import FEEDS

app = typer.Typer(
    name="forewarn",
    help="Failure warnings 72 hours ahead from SCADA frames on Kafka. Settings: FOREWARN_* variables or forewarn.env.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
model = typer.Typer(no_args_is_help=True, help="Train, export and verify models.")
alerts = typer.Typer(no_args_is_help=True, help="Warnings as they are published.")
plant = typer.Typer(no_args_is_help=True, help="Plant files: check, show, compare.")
app.add_typer(model, name="model")
dead = typer.Typer(no_args_is_help=True, help="What could not be used, and why.")
app.add_typer(plant, name="plant")
app.add_typer(dead, name="dead-letters")
app.add_typer(alerts, name="alerts")
feeds = typer.Typer(
    no_args_is_help=True,
    help="Read a feed of the plant and send frames to the records topic, or discover what a source has.",
    epilog="Example: forewarn connect opcua --config line1.toml",
)
app.add_typer(feeds, name="connect")
clock = typer.Typer(no_args_is_help=True, help="Clocks of sources: how far behind, which jumped, what to do.")
app.add_typer(clock, name="clock")

Instance = Annotated[str, typer.Option(help="Name of a set of local servers; sets do not share data.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]

out = Console()
errors = Console(stderr=True)


def run() -> None:
    """Run the command line; what is the user's or the world's fault becomes one line and exit status 1."""
    from pipelines.cli.faults import told

    try:
        app()
    except Exception as fault:
        line = told(fault)
        if line is None:
            raise
        errors.print(f"[bold red]error:[/] {line}", highlight=False, soft_wrap=True)
        sys.exit(1)


@app.command(epilog="Example: forewarn up --influx 2.7")
def up(
    influx: Annotated[str | None, typer.Option(help="InfluxDB version to start: 1.8 or 2.7.")] = None,
    instance: Instance = "default",
    fresh: Annotated[bool, typer.Option(help="Start with empty data folders.")] = False,
) -> None:
    """Start Kafka and InfluxDB as local processes, and make topics and bucket."""
    from infra.bin import services
    from infra.bin.layout import Options
    from infra.bin.progress import Progress
    from pipelines.main import provision
    from pipelines.settings import Settings

    with Progress() as progress:
        services.up(Options(influx=influx, instance=instance, fresh=fresh), progress)
    made = provision(Settings(instance=instance))
    out.print(f"topics made: {', '.join(made) or 'none, all were there'}")


@app.command(epilog="Example: forewarn down --instance demo")
def down(instance: Instance = "default") -> None:
    """Stop the local servers; their data stays."""
    from infra.bin import services
    from infra.bin.layout import Options
    from infra.bin.progress import Progress

    with Progress() as progress:
        ended = services.down(Options(instance=instance), progress)
    out.print(f"stopped: {', '.join(ended) or 'nothing ran'}")


@app.command(epilog="Example: forewarn status --json")
def status(instance: Instance = "default", as_json: AsJson = False) -> None:
    """Show which local servers run, where, and how they were obtained."""
    from infra.bin import services

    command = ["status", "--instance", instance, *(["--json"] if as_json else [])]
    raise typer.Exit(services.main(command))


@app.command(epilog="Example: FOREWARN_KAFKA=kafka:9092 forewarn doctor")
def doctor(instance: Instance = "default", as_json: AsJson = False) -> None:
    """Check Kafka, InfluxDB, topics, plant file, models and clock, and say what to do."""
    from pipelines.cli.doctor import examine, show
    from pipelines.settings import Settings

    findings = examine(Settings(instance=instance))
    show(findings, out, as_json)
    raise typer.Exit(any(not finding.good for finding in findings))


@app.command(epilog="Example: FOREWARN_PLANT=plant.toml forewarn worker")
def worker(
    instance: Instance = "default",
    loud: Annotated[bool, typer.Option("--loud", help="Log what Faust and Kafka's client say, too.")] = False,
) -> None:
    """Run a stream processor until Ctrl-C or SIGTERM. Start as many as there are partitions."""
    from connectors.kafka.admin import check_reachable
    from pipelines.settings import Settings

    settings = Settings(instance=instance)
    check_reachable(settings.kafka)  # before the imports that take a second

    import uvloop

    from pipelines.cli.logs import to_stderr
    from pipelines.main import work

    to_stderr(loud)
    raise typer.Exit(uvloop.run(work(settings)))


Config = Annotated[Path, typer.Option(help="TOML file of this feed; infra/examples has one of each.")]


@app.command(epilog="Example: forewarn rebuild --once --json")
def rebuild(
    once: Annotated[bool, typer.Option(help="Rebuild what is open now, and end.")] = False,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Rebuild spans whose rows came too late, from InfluxDB, until stopped. One process is enough."""
    from pipelines.cli.rebuild import rebuild as run_rebuild
    from pipelines.settings import Settings

    run_rebuild(Settings(instance=instance), out, once=once, as_json=as_json)


def connect(
    context: typer.Context,
    config: Config,
    spool_mb: Annotated[int, typer.Option(min=16, help="MB on disk while Kafka is away; past it the oldest go.")] = 512,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Read a feed of the plant by its tags and send frames to the records topic, until stopped. It never writes."""
    import asyncio

    from pipelines.cli.connect import connect as run_feed
    from pipelines.cli.logs import to_stderr
    from pipelines.settings import Settings

    to_stderr(loud=False)
    feed = context.info_name or ""
    asyncio.run(run_feed(Settings(instance=instance), feed, config, spool_mb, out, as_json=as_json))


for _feed in FEEDS:
    feeds.command(_feed, epilog=f"Example: forewarn connect {_feed} --config {_feed}.toml")(connect)


@feeds.command(
    epilog="Examples: forewarn connect discover opcua --config line1.toml --out plant.toml   |   "
    "forewarn connect discover mqtt --config hall.toml --seconds 300"
)
def discover(
    feed: Annotated[str, typer.Argument(help="Which feed: opcua is browsed, mqtt listened to.")],
    config: Config,
    to: Annotated[Path, typer.Option("--out", help="The plant file to write.")] = Path("plant.toml"),
    seconds: Annotated[float, typer.Option(min=1, help="How long to listen, or to browse at most.")] = 60.0,
    depth: Annotated[int, typer.Option(min=1, help="Levels of folders that are browsed.")] = 12,
    most: Annotated[int, typer.Option(min=1, help="Nodes or addresses at most.")] = 20_000,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Look what a source has and write a starter plant file: assets, types, signals, tags. It never writes there."""
    from connectors.scada.discover import Limits
    from pipelines.cli.discover import discover as look
    from pipelines.cli.logs import to_stderr

    to_stderr(loud=False)
    look(feed, config, Limits(seconds, depth, most), to, out, force=force)


STREAMED_PUMPS = 99
"""A streamed history is in memory as a whole, and the plant file names each pump."""


@app.command(epilog="Examples: forewarn simulate --days 30   |   forewarn simulate --from rig.csv --map rig.map.toml")
def simulate(
    days: Annotated[int, typer.Option(min=1, help="Days of history to stream as fast as Kafka takes them.")] = 60,
    pumps: Annotated[int, typer.Option(min=1, max=5000, help="Pumps; up to 99 can be streamed.")] = 12,
    seed: Annotated[int, typer.Option(help="Seed of the simulated plant.")] = 7,
    live_rows: Annotated[int, typer.Option(min=0, help="Rows streamed at --pace once workers have caught up.")] = 0,
    pace: Annotated[float, typer.Option(min=0.1, help="Rows a second of the live part.")] = 60.0,
    file: Annotated[Path | None, typer.Option("--from", help="Stream this CSV or Parquet file instead.")] = None,
    by: Annotated[Path | None, typer.Option("--map", help="Which columns of the file are which signals.")] = None,
    compression: Annotated[str, typer.Option(help="none, lz4, zstd, snappy or gzip.")] = "lz4",
    history_only: Annotated[bool, typer.Option(help="Simulate into the cache and stream nothing.")] = False,
    instance: Instance = "default",
) -> None:
    """Stream the simulated pump plant, or any CSV or Parquet file, to the records topic."""
    from pipelines.settings import Settings

    if (file is None) != (by is None):
        raise typer.BadParameter("--from and --map go together")
    if history_only and file is not None:
        raise typer.BadParameter("--history-only is of the simulated plant, not of a file")
    if pumps > STREAMED_PUMPS and not history_only:
        raise typer.BadParameter(f"more than {STREAMED_PUMPS} pumps can be simulated with --history-only alone")
    settings = Settings(instance=instance)
    if history_only:
        from pipelines.cli import feed

        plan = feed.Plan(days=days, pumps=pumps, seed=seed, live_rows=live_rows, pace=pace)
        return feed.store_plant(settings, plan, out)

    from connectors.kafka.admin import check_reachable

    check_reachable(settings.kafka)

    from pipelines.cli import feed

    if file is not None and by is not None:
        return feed.stream_file(settings, file, by, compression, errors)
    plan = feed.Plan(days=days, pumps=pumps, seed=seed, live_rows=live_rows, pace=pace)
    return feed.stream_plant(settings, plan, compression, errors)


@app.command(epilog="Example: forewarn demo --keep")
def demo(
    keep: Annotated[bool, typer.Option(help="Leave servers and worker running at the end.")] = False,
    days: Annotated[int, typer.Option(min=8, help="Days of simulated history.")] = 60,
    live_rows: Annotated[int, typer.Option(min=0, help="Rows of the paced phase that latency is measured in.")] = 1200,
    pace: Annotated[float, typer.Option(min=1, help="Rows a second of the paced phase.")] = 60.0,
    seed: Annotated[int, typer.Option(help="Seed of the simulated plant.")] = 7,
    influx: Annotated[str, typer.Option(help="InfluxDB version: 1.8 (quick to build) or 2.7.")] = "1.8",
) -> None:
    """Run the whole job on a simulated pump plant, show it live, and end with a summary."""
    from pipelines.cli.demo import run as run_demo
    from pipelines.cli.feed import Plan

    plan = Plan(days=days, pumps=12, seed=seed, live_rows=live_rows, pace=pace)
    raise typer.Exit(run_demo(plan, influx=influx, keep=keep, console=out))


@model.command(epilog="Example: forewarn model train --out build/models")
def train(
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the ONNX file and its card.")],
    runs: Annotated[Path, typer.Option(help="Folder of run folders: scores, tables, pictures.")] = Path("build/runs"),
) -> None:
    """Train the starter model on simulated pumps; the same command makes the same bytes."""
    from pipelines.cli import models

    models.train(out_folder, runs, errors)


@model.command(epilog="Example: forewarn model export build/models/pump.onnx models/")
def export(
    onnx: Annotated[Path, typer.Argument(help="A trained ONNX file with its card beside it.")],
    to: Annotated[Path, typer.Argument(help="Folder that workers read models from.")],
) -> None:
    """Check a trained model and put it where workers look for it."""
    from pipelines.cli import models

    models.export(onnx, to, out)


@model.command(epilog="Example: forewarn model verify models/starter/pump.onnx")
def verify(
    onnx: Annotated[Path, typer.Argument(help="An ONNX file with its card beside it.")], as_json: AsJson = False
) -> None:
    """Check that file, card and this program agree, and that a row's result does not depend on its batch."""
    from pipelines.cli import models

    models.verify(onnx, out, as_json)


@alerts.command(epilog="Example: forewarn alerts watch --all --json | jq .asset")
def watch(
    instance: Instance = "default",
    all_of_them: Annotated[bool, typer.Option("--all", help="Begin with the oldest, not with the next.")] = False,
    once: Annotated[bool, typer.Option(help="Stop at the end of what is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print warnings as they are opened, revised and cleared, each revision once."""
    from pipelines.cli.watching import watch_alerts
    from pipelines.settings import Settings

    watch_alerts(Settings(instance=instance), all_of_them or once, once, out, as_json)


@app.command(epilog="Examples: forewarn schema > records.schema.json   |   forewarn schema --asyncapi")
def schema(
    asyncapi: Annotated[bool, typer.Option(help="An AsyncAPI document of all topics instead.")] = False,
) -> None:
    """Print the JSON Schema of every record that travels."""
    import json

    from pipelines.schema import asyncapi_document, json_schema

    sys.stdout.write(json.dumps(asyncapi_document() if asyncapi else json_schema(), indent=2) + "\n")


def environment(settings: Any) -> dict[str, str]:
    """Settings as the environment of a child process."""
    values = settings.model_dump(mode="python")
    token = values.pop("influx_token").get_secret_value()
    plain = {f"FOREWARN_{name.upper()}": str(value) for name, value in values.items() if value is not None}
    return {**os.environ, **plain, "FOREWARN_INFLUX_TOKEN": token}


PlantFile = Annotated[Path, typer.Argument(help="A plant file (TOML), or a folder of them.")]


@plant.command("check", epilog="Example: forewarn plant check plant.toml")
def check_plant(file: PlantFile) -> None:
    """Say what a plant file holds, or where it is wrong and what to do."""
    from pipelines.cli import plants

    plants.check(file, out)


@plant.command("show", epilog="Example: forewarn plant show models/starter/pumps.toml")
def show_plant(file: PlantFile, as_json: AsJson = False) -> None:
    """Print types with their signals and limits, and the assets as a tree."""
    from pipelines.cli import plants

    plants.show(file, out, as_json=as_json)


@plant.command("diff", epilog="Example: forewarn plant diff plant.toml plant-new.toml")
def diff_plants(before: PlantFile, after: PlantFile, as_json: AsJson = False) -> None:
    """Print what differs between two plant files or folders; exit status 1 where anything does."""
    from pipelines.cli import plant_diff

    raise typer.Exit(plant_diff.diff(before, after, out, as_json=as_json))


Reason = Annotated[str | None, typer.Option(help="Only of this reason, such as out-of-range.")]
OfAsset = Annotated[str | None, typer.Option("--asset", help="Only of this asset.")]


def _wanted(reason: str | None, asset: str | None) -> Any:
    from models.records import Reject
    from pipelines.cli.letters import Wanted

    if reason is not None and reason not in set(Reject):
        raise typer.BadParameter(f"'{reason}' is no reason: use one of {', '.join(Reject)}")
    return Wanted(reason=Reject(reason) if reason else None, asset=asset)


@app.command("ledger", epilog="Example: forewarn ledger --json")
def show_ledger(as_json: AsJson = False, instance: Instance = "default") -> None:
    """Tell what was read, stored and rejected, by source, partition and topic; exit status 1 if it does not balance."""
    from pipelines.cli.books import show_ledger as show
    from pipelines.settings import Settings

    raise typer.Exit(show(Settings(instance=instance), out, as_json=as_json))


@app.command("notices", epilog="Example: forewarn notices --all")
def show_notices(
    every: Annotated[bool, typer.Option("--all", help="Those that are closed, too.")] = False,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Tell of sensors with a fault, silent assets, late rows and clocks that jumped: what should be looked after."""
    from pipelines.cli.notices import show_notices as show
    from pipelines.settings import Settings

    show(Settings(instance=instance), out, every=every, as_json=as_json)


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
    asset: Annotated[list[str] | None, typer.Option(help="Only of this asset; may be given several times.")] = None,
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
    try:
        by_us = None if discard else clocks.shift_us(shift or "0h")
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from wrong
    settings = Settings(instance=instance)
    plant_name = read_plant(settings.plant, settings.site).plant
    decision = ClockDecision(plant=plant_name, source=source, shift_us=by_us, assets=tuple(asset or ()))

    def agree(question: str) -> bool:
        return yes or typer.confirm(question)

    clocks.decide(settings, decision, out, agree)
