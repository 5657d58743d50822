"""`forewarn connect`: its commands, one a feed; the work is in `connect` and `discover`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from connectors.scada.feeds import FEEDS
from pipelines.cli.options import AsJson, Instance, out

feeds = typer.Typer(
    no_args_is_help=True,
    help="Read a feed of the plant and send frames to the records topic, or discover what a source has.",
    epilog="Example: forewarn connect opcua --config line1.toml",
)
Config = Annotated[Path, typer.Option(help="TOML file of this feed; infra/examples/feeds has one of each.")]


def connect(
    context: typer.Context,
    config: Config,
    spool_mb: Annotated[int, typer.Option(min=16, help="MB on disk while Kafka is away; past it the oldest go.")] = 512,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """One feed, named by its command, whose help says what it reads."""
    import asyncio
    import os

    from pipelines.cli.connect import connect as run_feed
    from pipelines.cli.logs import secrets_of, to_stderr
    from pipelines.settings import Settings

    settings = Settings(instance=instance)
    to_stderr(loud=False, secrets=[*settings.secrets, *secrets_of(config, os.environ)])
    feed = context.info_name or ""
    asyncio.run(run_feed(settings, feed, config, spool_mb, out, as_json=as_json))


READS = {
    "files": "the files of a folder (CSV, JSON lines, Parquet)",
    "kafka": "topics of other systems on Kafka (JSON, Avro, Telegraf)",
    "modbus": "a PLC over Modbus TCP",
    "mqtt": "an MQTT broker (plain messages, Sparkplug B)",
    "opcua": "an OPC UA server",
}

for _feed in FEEDS:
    _help = (
        f"Read {READS[_feed]} by the plant's tags and send frames to the records topic, until stopped. It never writes."
    )
    feeds.command(_feed, help=_help, epilog=f"Example: forewarn connect {_feed} --config {_feed}.toml")(connect)


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
    import os

    from connectors.scada.discover import Limits
    from pipelines.cli.discover import discover as look
    from pipelines.cli.logs import secrets_of, to_stderr

    to_stderr(loud=False, secrets=secrets_of(config, os.environ))
    look(feed, config, Limits(seconds, depth, most), to, out, force=force)
