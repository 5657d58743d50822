"""Writes on their way to InfluxDB: a few posts in flight, and what waits meanwhile goes out together.

Each post costs its round trip and its flush to disk, however few its lines. Writes of many partitions wait for a post
that is under way and not for each other. No request is made here.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from connectors.influx.batches import Batch, joined
from pipelines.ports import Refusal


@dataclass(slots=True, eq=False)
class _Write:
    batch: Batch
    assets: frozenset[str]
    """Whose lines it has."""
    answer: asyncio.Future[list[Refusal]]
    """Done when its writer knows, or waits no longer."""
    post: asyncio.Task[None] | None = None


class Posts:
    """At most `in_flight` posts at a time, of no two the same asset: lines of an asset keep the order of writes."""

    def __init__(
        self, send: Callable[[Batch], Awaitable[Sequence[Refusal]]], most: Callable[[], int], in_flight: int
    ) -> None:
        """`send` stores a batch and returns what is refused of it; at most `most()` lines go out together."""
        self._send = send
        self._most = most
        self._in_flight = in_flight
        self._waiting: deque[_Write] = deque()
        self._flying: dict[asyncio.Task[None], list[_Write]] = {}

    async def write(self, batch: Batch, assets: frozenset[str]) -> list[Refusal]:
        """Store lines of these assets behind those before; what is refused of them.

        Raises what `send` raised, also where others' lines were sent with these. Once cancelled, nothing of it is
        sent or tried again.
        """
        mine = _Write(batch, assets, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        self._start()
        try:
            return await mine.answer
        except asyncio.CancelledError:
            if mine.post is not None:
                mine.post.cancel()
            raise

    def _start(self) -> None:
        while len(self._flying) < self._in_flight and (together := self._next()):
            post = asyncio.create_task(self._carry(together))
            self._flying[post] = together
            for each in together:
                each.post = post
            post.add_done_callback(self._landed)

    def _landed(self, post: asyncio.Task[None]) -> None:
        """Those without an answer, since one of them was cancelled, come next."""
        self._waiting.extendleft(each for each in reversed(self._flying.pop(post)) if not each.answer.done())
        self._start()

    def _next(self) -> list[_Write]:
        """Those whose turn it is: none of whose assets is under way or waits before them, and as many as fit."""
        most, together, lines = self._most(), list[_Write](), 0
        taken = [each.assets for flying in self._flying.values() for each in flying]
        left = deque[_Write]()
        for each in self._waiting:
            if each.answer.done():
                continue
            if all(map(each.assets.isdisjoint, taken)) and (not together or lines + len(each.batch) <= most):
                together.append(each)
                lines += len(each.batch)
            else:
                taken.append(each.assets)
                left.append(each)
        self._waiting = left
        return together

    async def _carry(self, together: Sequence[_Write]) -> None:
        """Send these and answer those that still wait; when cancelled, nobody is answered."""
        try:
            refusals = await self._send(joined([each.batch for each in together]))
        except Exception as error:
            for each in together:
                if not each.answer.done():
                    each.answer.set_exception(error)
            return
        for each, own in zip(together, _by_write(together, refusals), strict=True):
            if not each.answer.done():
                each.answer.set_result(own)


def _by_write(together: Iterable[_Write], refusals: Iterable[Refusal]) -> list[list[Refusal]]:
    """The refusals of each, tables numbered as it has them."""
    firsts, first = list[int](), 0
    for each in together:
        firsts.append(first)
        first += each.batch.tables
    found: list[list[Refusal]] = [[] for _ in firsts]
    for table, row, why in refusals:
        at = bisect_right(firsts, table) - 1
        found[at].append(Refusal(table - firsts[at], row, why))
    return found
