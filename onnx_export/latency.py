"""What serving a graph costs on this machine: microseconds of processor time a row by batch size.

Measured, so not the same twice: it stands in no file that a command must make again to the byte. Nothing of training is
imported here.
"""

from __future__ import annotations

import platform
import statistics
import time
from pathlib import Path

import numpy as np
import onnxruntime

from models.passed import Served
from onnx_export.recut import Chances, in_batches

BATCHES = (1, 16, 256)
ROUNDS = 9


def served(onnx: bytes, chances: Chances, rows: np.ndarray) -> Served:
    """Cost of a graph that is loaded, on rows of which there are at least as many as the largest batch has."""
    in_batches(chances, rows)
    found = {
        str(batch): round(statistics.median(us_a_row(chances, rows, batch) for _ in range(ROUNDS)), 2)
        for batch in BATCHES
    }
    return Served(size_bytes=len(onnx), latency_us_a_row=found, machine=machine(), onnxruntime=onnxruntime.__version__)


def us_a_row(chances: Chances, rows: np.ndarray, batch: int) -> float:
    """Microseconds a row of one pass; each call has other rows, since the same again are faster than any plant's."""
    begun = time.process_time()
    in_batches(chances, rows, batch)
    return (time.process_time() - begun) / len(rows) * 1e6


def machine() -> str:
    """The processor and whether it has VNNI, the instructions that int8 is fast by."""
    try:
        told = Path("/proc/cpuinfo").read_text()
    except OSError:  # not Linux: its name has to do
        return f"{platform.machine()} {platform.processor()}".strip()
    lines = dict(line.split(":", 1) for line in told.splitlines() if ":" in line)
    facts = {name.strip(): value.strip() for name, value in lines.items()}
    vnni = "with VNNI" if {"avx512_vnni", "avx_vnni"} & set(facts.get("flags", "").split()) else "without VNNI"
    return f"{facts.get('model name', platform.machine())}, {vnni}"
