"""A plain Faust agent, message by message: lines are gathered, posted in large batches, several posts in flight."""

from __future__ import annotations

import asyncio
import os

import aiohttp
import faust
import orjson

LINES, POSTS = 10_000, 4
URL = (
    f"{os.environ['BENCH_INFLUX_URL']}/api/v2/write?precision=us"
    f"&org={os.environ['BENCH_INFLUX_ORG']}&bucket={os.environ['BENCH_INFLUX_BUCKET']}"
)

app = faust.App(
    os.environ["BENCH_GROUP"],
    broker=f"kafka://{os.environ['BENCH_KAFKA']}",
    store="memory://",
    topic_allow_declare=False,
    topic_disable_leader=True,
    stream_wait_empty=False,
    stream_publish_on_commit=False,
    web_enabled=False,
    broker_max_poll_records=10_000,
    value_serializer="raw",
)
rows = app.topic(os.environ["BENCH_TOPIC"], value_type=bytes)
waiting: list[str] = []
slots = asyncio.Semaphore(POSTS)
posts: set[asyncio.Task] = set()
session: aiohttp.ClientSession | None = None


async def post(body: bytes) -> None:
    global session
    try:
        if session is None:
            session = aiohttp.ClientSession(headers={"Authorization": f"Token {os.environ['BENCH_INFLUX_TOKEN']}"})
        async with session.post(URL, data=body) as reply:
            reply.raise_for_status()
    finally:
        slots.release()


async def flush() -> None:
    if not waiting:
        return
    body = "\n".join(waiting).encode()
    waiting.clear()
    await slots.acquire()
    posting = asyncio.create_task(post(body))
    posts.add(posting)
    posting.add_done_callback(_posted)


def _posted(posting: asyncio.Task) -> None:
    posts.discard(posting)
    if error := posting.exception():
        os.write(2, f"a post failed: {error!r}\n".encode())
        os._exit(1)


@app.agent(rows)
async def store(stream):
    async for value in stream:
        frame = orjson.loads(value)
        head = f"pump,plant={frame['plant']},asset={frame['asset']} "
        signals = frame["signals"]
        for at, time_us in enumerate(frame["times_us"]):
            waiting.append(f"{head}{','.join([f'{name}={column[at]}' for name, column in signals.items()])} {time_us}")
        if len(waiting) >= LINES:
            await flush()


@app.timer(0.5)
async def flush_what_waits() -> None:
    await flush()
