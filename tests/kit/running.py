"""Has a runner work a batch off by itself, as a partition's owner does with what waits."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.ports import RawRecord
from pipelines.runner import PartitionRunner


async def begin(runner: PartitionRunner, batch: Sequence[RawRecord]) -> None:
    """Step over all of it, a turn after the other; effects may still be under way."""
    while batch:
        async with runner.turn():
            piece, batch = batch[: runner.at_once], batch[runner.at_once :]
            runner.step(piece)
        await runner.snapshot_if_due()


async def handle(runner: PartitionRunner, batch: Sequence[RawRecord]) -> None:
    """`begin`, and return when its effects are out and a snapshot that was due is kept."""
    await begin(runner, batch)
    await runner.drained()
    await runner.snapshot_if_due()
    await runner.drained()
