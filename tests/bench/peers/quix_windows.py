"""Quix Streams replaying history from a topic: hourly tumbling windows of each asset, a model at the end of each.

A window has the mean of each signal; they are put into a row as wide as the model's. That is less than ours makes of an
hour. State is not backed by a changelog topic, which is quicker. The clock runs from the first row to the last window.
"""

from __future__ import annotations

import json
import os
import time
from datetime import timedelta

import numpy as np
import onnxruntime
from quixstreams import Application
from quixstreams.dataframe.windows import Mean

SIGNALS = os.environ["BENCH_SIGNALS"].split(",")
began: list[tuple[float, float]] = []


def event_time(value: dict, _headers: object, _timestamp: float, _kind: object) -> int:
    """Milliseconds; the topic's own are those of its arrival."""
    if not began:
        began.append((time.perf_counter(), time.process_time()))
    return value["time_us"] // 1000


def main() -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = onnxruntime.InferenceSession(os.environ["BENCH_MODEL"], options)
    width, out = model.get_inputs()[0].shape[1], []

    def score(window: dict) -> list[float]:
        row = np.full((1, width), np.nan, np.float32)
        row[0, : len(SIGNALS)] = [window[name] for name in SIGNALS]
        out.append(model.run(None, {"features": row})[0][0].tolist())
        return out[-1]

    app = Application(
        broker_address=os.environ["BENCH_KAFKA"],
        consumer_group=os.environ["BENCH_GROUP"],
        auto_offset_reset="earliest",
        auto_create_topics=False,
        use_changelog_topics=False,
        state_dir=os.environ["BENCH_STATE"],
        commit_interval=1.0,
        max_partition_buffer_size=50_000,
        consumer_extra_config={"fetch.message.max.bytes": 4 << 20, "queued.min.messages": 200_000},
        loglevel="WARNING",
    )
    topic = app.topic(os.environ["BENCH_TOPIC"], value_deserializer="json", timestamp_extractor=event_time)
    windows = app.dataframe(topic).tumbling_window(timedelta(hours=1)).agg(**{name: Mean(name) for name in SIGNALS})
    windows.final().apply(score)
    app.run(count=int(os.environ["BENCH_WINDOWS"]), timeout=30, collect=False)
    first_s, spent_s = began[0]
    took = {"seconds": time.perf_counter() - first_s, "cpu_s": time.process_time() - spent_s}
    print(json.dumps({"scored": len(out), **took}))


if __name__ == "__main__":
    main()
