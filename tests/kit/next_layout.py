"""A program whose snapshots have another layout than this version's, as a later version's will.

`python -m tests.kit.next_layout` is a worker of it: what it writes no worker of this version reads, and it takes over
what they left. `in_place` has it so for a test of its own process.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import msgspec
import uvloop

from pipelines import layouts

NEXT = layouts.LAYOUT + 1


def step(whole: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """The next layout's head says so; all else is as before."""
    head = msgspec.msgpack.decode(whole[layouts.HEAD])
    return {**whole, layouts.HEAD: msgspec.msgpack.encode(head | {"version": NEXT})}


@contextmanager
def in_place() -> Iterator[None]:
    """This process is of the next layout for a while."""
    layouts.LAYOUT, layouts.STEPS[NEXT - 1] = NEXT, step
    try:
        yield
    finally:
        layouts.LAYOUT = NEXT - 1
        del layouts.STEPS[NEXT - 1]


if __name__ == "__main__":
    from pipelines.cli.logs import to_stderr
    from pipelines.main import work
    from pipelines.settings import Settings

    to_stderr(loud=False)
    with in_place():
        sys.exit(uvloop.run(work(Settings())))
