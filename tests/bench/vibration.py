"""How fast bursts of acceleration become features: `make bench ONLY=vibration`.

One burst of 1 s at 25.6 kHz with the four orders of a bearing, on one core: the kernel alone, and from the bytes of an
MQTT message to readings. Each figure is the median of its rounds, in time of the core, whoever else uses the machine.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable

import numpy as np

from connectors.scada.feeds.mqtt.config import Plain
from connectors.scada.feeds.mqtt.plain import read_plain
from connectors.scada.waveform import Bearing, Waveform
from models.vibration import describe
from tests.kit.bench import Row, report

RATE, ROUNDS, AT_ONCE = 25_600, 9, 10
MOST_MS, LEAST_A_SECOND = 10.0, 100.0
"""Asked for: a burst in under 10 ms, so 100 a second and core."""
TOLD = Waveform(address="vib/1", bearing=Bearing(elements=9, element_mm=7.94, pitch_mm=39.04))
PLAIN = Plain(topic="vib/+", value="b", arrival_time=True, waveforms=(TOLD,))


def swing(count: int) -> np.ndarray:
    t = np.arange(count) / RATE
    noise = np.random.default_rng(1).normal(0, 0.1, count)
    return noise + np.sin(2 * np.pi * 50 * t) + (1 + 0.5 * np.cos(2 * np.pi * 89.6 * t)) * np.sin(2 * np.pi * 4000 * t)


def seconds(work: Callable[[], object]) -> list[float]:
    """Of the core, for one call, by round."""
    took = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(AT_ONCE):
            work()
        took.append((time.process_time() - begun) / AT_ONCE)
    return took


def message(samples: list[float] | str, **more: object) -> bytes:
    return json.dumps({"b": {"rate_hz": RATE, "unit": "g", "speed_rpm": 1500, "samples": samples, **more}}).encode()


def decoded(payload: bytes) -> list[float]:
    """Seconds from a payload to readings."""
    read = read_plain(PLAIN, "vib/1", payload, 0)
    assert len(read.readings) == 7 and not read.unread
    return seconds(lambda: read_plain(PLAIN, "vib/1", payload, 0))


def main() -> None:
    one, prime = swing(RATE), swing(25_601)
    counts = base64.b64encode(np.round(one / 1e-4).astype("<i2").tobytes()).decode()
    figures = {
        "kernel": seconds(lambda: describe(one, RATE, 1500.0, TOLD.wanted)),
        "kernel, a prime number of samples": seconds(lambda: describe(prime, RATE, 1500.0, TOLD.wanted)),
        "message of JSON numbers": decoded(message(np.round(one, 5).tolist())),
        "message of base64 int16": decoded(message(counts, format="int16", scale=1e-4)),
    }
    rows = [
        Row.of([1000 * s for s in took], name=name, unit="ms a burst", bar=MOST_MS, at_most=True)
        for name, took in figures.items()
    ]
    rows += [
        Row.of([1 / s for s in figures[name]], name=name, unit="bursts/s a core", bar=LEAST_A_SECOND)
        for name in figures
        if name.startswith("message")
    ]
    report("vibration", rows)


if __name__ == "__main__":
    main()
