"""A worker process for the tests here: the real transport, snapshots and publisher around the counting heart."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence

from connectors.kafka.batches import BatchSchema, Lease, faust_settings, transport_factory
from connectors.kafka.publisher import KafkaPublisher
from connectors.kafka.snapshots import KafkaSnapshots
from pipelines.agents import build_app, serve
from pipelines.cli.logs import to_stderr
from pipelines.main import WallClock
from pipelines.ports import Refusal, Rows
from pipelines.runner import PartitionRunner
from pipelines.topics import Topic, named
from tests.kit.crashing import crash_at
from tests.servers.kafka.counting import CountingHeart


class SlowStore:
    """Takes all after a moment."""

    async def write(self, rows: Sequence[Rows]) -> Sequence[Refusal]:
        await asyncio.sleep(0.001)
        return ()


def journal(path: str) -> Callable[..., None]:
    """Writes what happened at once, so that it outlives a kill."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(*what: object) -> None:
        os.write(file, (" ".join(map(str, (os.getpid(), time.monotonic(), *what))) + "\n").encode())

    return write


def main() -> int:
    """Run until told to stop."""
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "group", "prefix", "journal"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--partitions", type=int, default=2)
    parser.add_argument("--snapshot-s", type=float, default=0.3)
    parser.add_argument("--tick-s", type=float, default=0)
    parser.add_argument("--padding", type=int, default=0)
    parser.add_argument("--crash-at", default="")
    options = parser.parse_args()
    to_stderr(loud=True)
    return asyncio.run(run(options))


async def run(options: argparse.Namespace) -> int:
    """Wire a worker as the composition root does."""
    seen, lease, clock = journal(options.journal), Lease(), WallClock()
    publisher = KafkaPublisher(options.bootstrap, options.prefix)
    snapshots = KafkaSnapshots(options.bootstrap, options.group, options.prefix)

    def runner(partition: int) -> PartitionRunner:
        return PartitionRunner(
            partition,
            restore=lambda p, s: CountingHeart(p, s, padding=options.padding, seen=seen),
            publisher=publisher,
            store=SlowStore(),
            snapshots=snapshots,
            clock=clock,
            lease=lease,
            snapshot_s=options.snapshot_s,
            checkpoint=crash_at(options.crash_at),
        )

    app = build_app(
        broker=options.bootstrap,
        group=options.group,
        records=named(options.prefix, Topic.RECORDS),
        partitions=options.partitions,
        transport=transport_factory(options.bootstrap, lease),
        schema=BatchSchema(),
        settings=faust_settings(),
        runner=runner,
        publisher=publisher,
        clock=clock,
        lease=lease,
        plant="test",
        tick_s=options.tick_s,
    )
    try:
        return await serve(app)
    finally:
        await publisher.stop()
        await snapshots.stop()


if __name__ == "__main__":
    sys.exit(main())
