"""Bytewax into InfluxDB: whole batches through `flat_map_batch`, as its documentation advises, and a sink that posts
large batches, four side by side. The flow ends at the end of the topic, and what waits is posted then.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

import bytewax.operators as op
import orjson
import urllib3
from bytewax.connectors.kafka import KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition

LINES, POSTS = 10_000, 4
PATH = f"/api/v2/write?precision=us&org={os.environ['BENCH_INFLUX_ORG']}&bucket={os.environ['BENCH_INFLUX_BUCKET']}"
HEADERS = {"Authorization": f"Token {os.environ['BENCH_INFLUX_TOKEN']}"}


def to_lines(messages: list[KafkaSourceMessage]) -> list[str]:
    lines: list[str] = []
    for message in messages:
        frame = orjson.loads(message.value)
        head = f"pump,plant={frame['plant']},asset={frame['asset']} "
        signals = frame["signals"].items()
        lines += [
            f"{head}{','.join([f'{name}={column[at]}' for name, column in signals])} {time_us}"
            for at, time_us in enumerate(frame["times_us"])
        ]
    return lines


class Posts(StatelessSinkPartition[str]):
    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(maxsize=POSTS, headers=HEADERS)
        self._threads = ThreadPoolExecutor(POSTS)
        self._waiting: list[str] = []
        self._posts: deque[Future] = deque()

    def write_batch(self, items: list[str]) -> None:
        self._waiting += items
        while len(self._waiting) >= LINES:
            self._send(LINES)

    def close(self) -> None:
        self._send(len(self._waiting))
        while self._posts:
            self._posts.popleft().result()

    def _send(self, count: int) -> None:
        if not count:
            return
        body = "\n".join(self._waiting[:count]).encode()
        del self._waiting[:count]
        if len(self._posts) == POSTS:
            self._posts.popleft().result()
        self._posts.append(self._threads.submit(self._post, body))

    def _post(self, body: bytes) -> None:
        reply = self._pool.request("POST", os.environ["BENCH_INFLUX_URL"] + PATH, body=body)
        if reply.status != 204:
            raise RuntimeError(f"InfluxDB answers {reply.status}: {reply.data[:500]!r}")


class InfluxSink(DynamicSink[str]):
    def build(self, step_id: str, worker_index: int, worker_count: int) -> Posts:
        return Posts()


flow = Dataflow("ingest")
source = KafkaSource(
    [os.environ["BENCH_KAFKA"]],
    [os.environ["BENCH_TOPIC"]],
    tail=False,
    batch_size=10_000,
    add_config={"fetch.message.max.bytes": str(4 << 20), "queued.min.messages": "200000"},
)
op.output("store", op.flat_map_batch("lines", op.input("rows", flow, source), to_lines), InfluxSink())
