"""`forewarn size`: its options; the work is in `pipelines.cli.sizing`."""

from __future__ import annotations

from typing import Annotated

import typer

from models.sizing import Codec
from pipelines.cli.options import AsJson, out

sizes = typer.Typer()


@sizes.command(
    epilog="Examples: forewarn size --assets 1000 --signals 8   |   forewarn size --assets 200 --signals 30 --every 10s"
    " --rows-a-frame 6 --replicas 3 --json"
)
def size(
    assets: Annotated[int, typer.Option(min=1, help="Machines that send rows.")],
    signals: Annotated[int, typer.Option(min=1, help="Signals of each.")],
    every: Annotated[str, typer.Option(help="A row of an asset comes so often: 500ms, 1s, 1min.")] = "1s",
    rows_a_frame: Annotated[int, typer.Option(min=1, help="Rows that a feed sends at once.")] = 1,
    scored: Annotated[bool, typer.Option("--scored/--not-scored", help="A model makes forecasts of each.")] = True,
    kafka_days: Annotated[float, typer.Option(min=0, help="Days that Kafka keeps records.")] = 7.0,
    influx_days: Annotated[float, typer.Option(min=0, help="Days that InfluxDB keeps rows.")] = 365.0,
    replicas: Annotated[int, typer.Option(min=1, help="Copies of each topic in Kafka.")] = 1,
    codec: Annotated[Codec, typer.Option(help="How feeds compress records.")] = Codec.SNAPPY,
    as_json: AsJson = False,
) -> None:
    """Say what a plant takes: workers, partitions, memory, disks, network, and how sure that is. Nothing is asked."""
    from models.sizing import Kept, Load
    from pipelines.cli.sizing import seconds_of, show

    load = Load(assets=assets, signals=signals, every_s=seconds_of(every), rows_a_frame=rows_a_frame, scored=scored)
    kept = Kept(kafka_days=kafka_days, influx_days=influx_days, replicas=replicas, codec=codec)
    show(load, kept, out, as_json=as_json)
