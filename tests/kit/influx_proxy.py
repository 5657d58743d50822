"""A proxy on loopback before the real InfluxDB that spoils writes by a seeded plan, or slows them down.

What it answers in InfluxDB's place are InfluxDB's own words. A plan says what happens to the n-th write, so a run can
be had again; queries pass untouched.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import repeat

import aiohttp
from aiohttp import web

STARTS_WITHIN_S = 10.0
_OWN_HEADERS = ("Host", "Content-Length", "Transfer-Encoding", "Connection")


class Fault(StrEnum):
    """What happens to a write."""

    NONE = "none"
    BUSY = "429"
    DOWN = "503"
    CUT = "cut before InfluxDB saw it"
    UNANSWERED = "stored, but cut before the answer"
    PARTIAL = "400, half of it stored"


def plan(seed: int, chances: Mapping[Fault, float]) -> Iterator[Fault]:
    """Each fault twice, then for ever with its chance; what is left of 1 are writes that go well."""
    drawn = random.Random(seed)
    yield from drawn.sample([*chances, *chances], 2 * len(chances))
    kinds = [*chances, Fault.NONE]
    weights = [*chances.values(), 1 - sum(chances.values())]
    while True:
        yield drawn.choices(kinds, weights)[0]


class InfluxProxy:
    """A context manager; `url` is where it listens, `did` what it did so far. `bytes_per_s` is for all writes."""

    def __init__(self, target: str, faults: Iterator[Fault] | None = None, bytes_per_s: float | None = None) -> None:
        self.url = ""
        self.did: Counter[Fault] = Counter()
        self.bytes_per_s = bytes_per_s
        self._target = target.rstrip("/")
        self._faults = faults or repeat(Fault.NONE)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> InfluxProxy:
        self._thread.start()
        assert self._ready.wait(STARTS_WITHIN_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    async def _serve(self) -> None:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._turn, self._end, self._loop = asyncio.Lock(), asyncio.Event(), asyncio.get_running_loop()
        async with aiohttp.ClientSession(auto_decompress=False) as self._session:
            runner = web.AppRunner(app, shutdown_timeout=1.0)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            self._ready.set()
            await self._end.wait()
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if not request.path.endswith("/write"):
            return await self._passed(request, body)
        if self.bytes_per_s:
            async with self._turn:
                await asyncio.sleep(len(body) / self.bytes_per_s)
        fault = next(self._faults)
        if fault is Fault.PARTIAL and body.count(b"\n") == 0:
            fault = Fault.NONE  # InfluxDB means a single line when it refuses one, and these lines are good
        self.did[fault] += 1
        return await self._spoilt(fault, request, body)

    async def _spoilt(self, fault: Fault, request: web.Request, body: bytes) -> web.StreamResponse:
        match fault:
            case Fault.BUSY:
                return web.json_response(
                    {"code": "too many requests", "message": "org has exceeded limited_write plan limit"},
                    status=429,
                    headers={"Retry-After": "1"},
                )
            case Fault.DOWN:
                return web.json_response({"code": "unavailable", "message": "engine: not open"}, status=503)
            case Fault.PARTIAL:
                lines = body.split(b"\n")
                half = len(lines) // 2
                await self._passed(request, b"\n".join(lines[:half]))
                words = f"partial write: points beyond retention policy dropped={len(lines) - half}"
                return web.json_response({"code": "invalid", "message": words}, status=400)
            case Fault.UNANSWERED:
                await self._passed(request, body)
        if fault is not Fault.NONE:
            assert request.transport is not None
            request.transport.abort()
            return web.Response(status=500)
        return await self._passed(request, body)

    async def _passed(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """Ask InfluxDB; where it does not answer, so does this proxy."""
        headers = {name: value for name, value in request.headers.items() if name not in _OWN_HEADERS}
        url = f"{self._target}{request.path_qs}"
        try:
            async with self._session.request(request.method, url, data=body, headers=headers) as answer:
                kept = {name: value for name, value in answer.headers.items() if name not in _OWN_HEADERS}
                return web.Response(status=answer.status, body=await answer.read(), headers=kept)
        except aiohttp.ClientError as away:
            return web.Response(status=502, text=str(away))
