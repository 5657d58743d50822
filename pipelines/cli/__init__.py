"""The `forewarn` command: each command a few lines here, its work in a module of its own, imported when called."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.of_access import access
from pipelines.cli.of_alerts import alerts
from pipelines.cli.of_api import api
from pipelines.cli.of_audit import audit
from pipelines.cli.of_baselines import baseline
from pipelines.cli.of_budget import budget
from pipelines.cli.of_comparing import comparisons
from pipelines.cli.of_coverage import coverage
from pipelines.cli.of_data import data
from pipelines.cli.of_delivery import delivery
from pipelines.cli.of_edge import boxes
from pipelines.cli.of_energy import energy
from pipelines.cli.of_feeds import feeds
from pipelines.cli.of_labels import labels
from pipelines.cli.of_learning import learning
from pipelines.cli.of_load import load
from pipelines.cli.of_models import model
from pipelines.cli.of_plans import production
from pipelines.cli.of_plants import plant
from pipelines.cli.of_releases import releases
from pipelines.cli.of_size import sizes
from pipelines.cli.of_tuning import defects, quality, suggestions, tuning
from pipelines.cli.of_worth import pages, worth
from pipelines.cli.options import AsJson, Instance, errors, hear_file, out

app = typer.Typer(
    name="forewarn",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.add_typer(model, name="model")
model.add_typer(coverage)
model.add_typer(releases)
model.add_typer(learning)
model.add_typer(comparisons)
model.add_typer(load)
app.add_typer(alerts, name="alerts")
alerts.add_typer(pages)
app.add_typer(plant, name="plant")
app.add_typer(feeds, name="connect")
app.add_typer(labels, name="labels")
app.add_typer(baseline, name="baseline")
app.add_typer(energy, name="energy")
app.add_typer(api, name="api")
app.add_typer(audit, name="audit")
app.add_typer(data)
app.add_typer(delivery)
app.add_typer(budget)
app.add_typer(production)
app.add_typer(tuning)
app.add_typer(suggestions, name="suggestions")
app.add_typer(access, name="access")
app.add_typer(boxes)
app.add_typer(sizes)
app.add_typer(quality, name="quality")
model.add_typer(defects)
app.add_typer(worth)


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        out.print(f"forewarn {version('forewarn')}", highlight=False)
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Failure warnings 72 hours ahead from SCADA frames on Kafka. Settings: FOREWARN_* variables or forewarn.env."""


def run() -> None:
    """Run the command line; what is the user's or the world's fault becomes one line and exit status 1."""
    from rich.markup import escape

    from pipelines.cli.faults import told

    try:
        hear_file()
        app()
    except Exception as fault:
        line = told(fault)
        if line is None:
            raise
        errors.print(f"[bold red]error:[/] {escape(line)}", highlight=False, soft_wrap=True)
        sys.exit(1)


@app.command(epilog="Example: forewarn up --influx 2.7")
def up(
    influx: Annotated[str | None, typer.Option(help="InfluxDB version to start: 1.8 or 2.7.")] = None,
    instance: Instance = "default",
    fresh: Annotated[
        bool, typer.Option(help="Start with empty data folders; what feeds keep for this Kafka goes, too.")
    ] = False,
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


@app.command(epilog="Examples: forewarn rungs   |   forewarn rungs --plant infra/examples/plants-day-one --json")
def rungs(
    file: Annotated[
        Path | None, typer.Option("--plant", help="A plant file or a folder of them, in the place of FOREWARN_PLANT.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say on what warnings of each asset type and failure mode rest, how sure that is, and what would lift it."""
    from pipelines.cli.rungs import show
    from pipelines.main import read_plant
    from pipelines.settings import Settings

    settings = Settings()
    show(read_plant(file or settings.plant, settings.site), settings.models, out, as_json=as_json)


@app.command(epilog="Example: FOREWARN_PLANT=plant.toml forewarn worker")
def worker(
    instance: Instance = "default",
    loud: Annotated[bool, typer.Option("--loud", help="Log all that Faust and Kafka's client say.")] = False,
) -> None:
    """Run a stream processor until Ctrl-C or SIGTERM. Start as many as there are partitions."""
    from connectors.kafka.clients import check_reachable
    from pipelines.settings import Settings

    settings = Settings(instance=instance)
    check_reachable(settings.cluster)  # before the imports that take a second

    import uvloop

    from pipelines.cli.logs import to_stderr
    from pipelines.main import work

    to_stderr(loud, settings.secrets)
    raise typer.Exit(uvloop.run(work(settings)))


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
    go_on: Annotated[int, typer.Option(min=0, help="Nothing but so many days after the live part, at --pace.")] = 0,
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

    from connectors.kafka.clients import check_reachable

    check_reachable(settings.cluster)

    from pipelines.cli import feed

    if file is not None and by is not None:
        return feed.stream_file(settings, file, by, compression, errors)
    plan = feed.Plan(days=days, pumps=pumps, seed=seed, live_rows=live_rows, pace=pace)
    if go_on:
        return feed.go_on(settings, plan, go_on, compression, errors)
    return feed.stream_plant(settings, plan, compression, errors)


@app.command(epilog="Example: forewarn demo --keep")
def demo(
    keep: Annotated[bool, typer.Option(help="Leave servers, worker, page and plant running at the end.")] = False,
    days: Annotated[int, typer.Option(min=8, help="Days of simulated history.")] = 30,
    live_rows: Annotated[int, typer.Option(min=0, help="Rows of the paced phase that latency is measured in.")] = 900,
    pace: Annotated[float, typer.Option(min=1, help="Rows a second of the paced phase.")] = 60.0,
    seed: Annotated[int, typer.Option(help="Seed of the simulated plant.")] = 7,
    influx: Annotated[str, typer.Option(help="InfluxDB version: 1.8 (quick to build) or 2.7.")] = "1.8",
) -> None:
    """Run the whole job on a simulated pump plant, show it live, and end with a summary."""
    from pipelines.cli.demo import run as run_demo
    from pipelines.cli.feed import Plan

    plan = Plan(days=days, pumps=12, seed=seed, live_rows=live_rows, pace=pace)
    raise typer.Exit(run_demo(plan, influx=influx, keep=keep, console=out))


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
    values = {name: value for name, value in settings if value is not None}
    plain = {
        f"FOREWARN_{name.upper()}": value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
        for name, value in values.items()
    }
    return {**os.environ, **plain}
