"""Rows to InfluxDB 1.8 and 2.x: several posts in flight, tried again while the server has trouble.

A bad row never takes others with it: a refused post is divided until the bad rows stand alone. InfluxDB may have
stored part of a refused post; writing that part again changes nothing.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import cast

import aiohttp
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException

from connectors.influx.answers import STORED, Answer, Meaning, answer
from connectors.influx.batches import Batch, all_dropped, apart, divide
from connectors.influx.lines import encode
from connectors.influx.posts import Posts
from connectors.influx.target import Target, misconfigured
from pipelines.ports import Refusal, Rows, StoreDown

FEWEST_LINES = 100
"""A server that does not take so many in time does not take fewer either."""

# The client declares its precisions as plain text but asks for the class.
_MICROSECONDS = cast(WritePrecision, WritePrecision.US)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """How to write. `in_flight` is the number of posts at a time; `gzip` pays off over a network, not on loopback."""

    lines_per_post: int = 10_000
    in_flight: int = 4
    timeout_s: float = 10.0
    give_up_s: float = 30.0
    first_pause_s: float = 0.1
    longest_pause_s: float = 5.0
    gzip: bool = False


class InfluxStore:
    """A `pipelines.ports.Store` on one bucket. Open it with `async with`, inside the event loop that writes.

    Lines of one asset never overtake each other, not even those of overlapping writes; small writes go out together.
    """

    def __init__(self, target: Target, options: WriteOptions | None = None) -> None:
        self.target = target
        self.options = options or WriteOptions()
        self._fits = self.options.lines_per_post
        """Lines that the server lately took in time."""
        self._posts = Posts(self._send, lambda: self._fits, self.options.in_flight)
        self._client: InfluxDBClientAsync | None = None
        self.answers: Counter[Meaning] = Counter()
        """Posts by what was answered."""
        self.retries = 0
        self.tried_s: float | None = None
        self.trouble = ""
        """What InfluxDB said last, while it takes nothing."""
        self._failing_since_s: float | None = None

    @property
    def failing_s(self) -> float | None:
        """For how long every post has failed; 0 if the last one did not, None if there was none yet."""
        if self.tried_s is None:
            return None
        return 0.0 if self._failing_since_s is None else time.monotonic() - self._failing_since_s

    async def __aenter__(self) -> InfluxStore:
        self._client = InfluxDBClientAsync(
            **self.target.client_options,
            timeout=round(self.options.timeout_s * 1000),
            enable_gzip=self.options.gzip,
            connection_pool_maxsize=self.options.in_flight,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def write(self, rows: Sequence[Rows]) -> Sequence[Refusal]:
        """Write all and return what InfluxDB refuses for good, in its words, by table and row.

        Raises StoreDown when InfluxDB did not take a post for `give_up_s`, InfluxMisconfigured when it does not know
        the token or the bucket, TypeError for a column of a kind that is not stored.
        """
        encoded = [encode(table) for table in rows]
        parts = min(self.options.in_flight, -(-sum(map(len, encoded)) // self.options.lines_per_post))
        settled = await asyncio.gather(
            *(self._posts.write(batch, assets) for batch, assets in apart(rows, encoded, parts)), return_exceptions=True
        )
        refusals = [Refusal(table, row, why) for table, lines in enumerate(encoded) for row, why in lines.refused]
        for outcome in settled:
            if isinstance(outcome, BaseException):
                raise outcome
            refusals.extend(outcome)
        return sorted(refusals)

    async def _send(self, batch: Batch) -> list[Refusal]:
        refusals: list[Refusal] = []
        for part in batch.cut(self._fits):
            refusals.extend(await self._settle(part))
        return refusals

    async def _settle(self, batch: Batch) -> list[Refusal]:
        """Post a batch, dividing what is refused until every line is stored or refused alone."""
        refusals: list[Refusal] = []
        pending = [batch]
        now = asyncio.get_running_loop().time
        deadline = now() + self.options.give_up_s
        while pending:
            part = pending.pop()
            said = await self._post(part, deadline)
            if said.meaning is Meaning.STORED:
                self._fits = min(self.options.lines_per_post, max(self._fits, len(part) + FEWEST_LINES))
                deadline = now() + self.options.give_up_s
                continue
            if all_dropped(part, said.words) if said.meaning is Meaning.BAD_LINES else len(part) == 1:
                refusals.extend(part.refuse(said.words))
            else:
                pending.extend(reversed(divide(part, said.words)))
        return refusals

    async def _post(self, batch: Batch, deadline: float) -> Answer:
        """One post, tried again with growing pauses while the server has trouble, not while it blames the lines.

        A post that a slow server does not answer in time is too large for it.
        """
        body, attempt = batch.body(), 0
        now = asyncio.get_running_loop().time
        while True:
            said = self._noted(await self._try(body))
            if said.meaning is Meaning.LATE:
                self._fits = max(FEWEST_LINES, min(self._fits, len(batch) // 2))
                if now() < deadline and len(batch) > self._fits:
                    return Answer(Meaning.TOO_LARGE, words=said.words)
            if said.meaning is Meaning.MISCONFIGURED:
                raise misconfigured(self.target, said.status, said.words)
            if said.meaning not in (Meaning.AGAIN, Meaning.LATE):
                return said
            pause = self._pause_s(attempt) if said.wait_s is None else said.wait_s
            if now() + pause > deadline:
                raise StoreDown(
                    f"InfluxDB at {self.target.url} took none of {len(batch)} lines in {attempt + 1} tries over "
                    f"{self.options.give_up_s:g} s, last: {said.words}; see that it runs, then write the same again"
                )
            await asyncio.sleep(pause)
            attempt += 1
            self.retries += 1

    def _noted(self, said: Answer) -> Answer:
        """Lines that it blames are the lines' trouble, all else that was not taken is its own or the settings'."""
        self.answers[said.meaning] += 1
        self.tried_s = time.monotonic()
        if said.meaning not in (Meaning.AGAIN, Meaning.MISCONFIGURED):
            self._failing_since_s = None
        elif self._failing_since_s is None:
            self._failing_since_s = self.tried_s
        self.trouble = said.words if self._failing_since_s is not None else ""
        return said

    def _pause_s(self, attempt: int) -> float:
        """Full jitter, so that many workers do not return at once (AWS, Exponential Backoff And Jitter)."""
        longest = min(self.options.longest_pause_s, self.options.first_pause_s * 2 ** min(attempt, 16))
        return random.uniform(0.0, longest)

    async def _try(self, body: bytes) -> Answer:
        if self._client is None:
            raise RuntimeError("InfluxStore is not open: use `async with InfluxStore(target) as store`")
        try:
            await self._client.write_api().write(self.target.bucket, record=body, write_precision=_MICROSECONDS)
        except ApiException as refused:
            return answer(refused.status, refused.body or b"", refused.headers or {})
        except TimeoutError as late:
            return Answer(Meaning.LATE, words=str(late) or f"no answer within {self.options.timeout_s:g} s")
        except (aiohttp.ClientError, OSError) as broken:
            return Answer(Meaning.AGAIN, words=str(broken) or type(broken).__name__)
        return STORED
