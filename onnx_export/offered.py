"""A net made of eight bits and held beside its float32 form: by size, speed, average precision and bits.

What it is measured on is given: windows to find ranges by, and others, with whether they failed, that it never saw.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np

from models.failure.hazard import WARNING
from models.inference import Predictor
from onnx_export.quantise import BATCH, Measured, to_int8
from onnx_export.recut import differing, in_batches

ROUNDS = 15
"""Of each net in turn, so that whoever else is at work slows both; the median of their ratios counts. Our choice."""
WARM_UP = 3


class WindowsError(ValueError):
    """A file that does not hold what a net is quantised by; the message says what it must."""


class Windows(NamedTuple):
    """Flat windows to find ranges by, float32 [rows, width], and others with whether they fail within 72 h."""

    training: np.ndarray
    held_out: np.ndarray
    failed: np.ndarray  # bool [rows held out]


def read_windows(file: Path) -> Windows:
    """From an .npz file. Raises WindowsError."""
    try:
        with np.load(file, allow_pickle=False) as held:
            found = {name: held[name] for name in Windows._fields if name in held.files}
    except (OSError, ValueError) as wrong:
        raise WindowsError(f"{file} cannot be read as .npz: {wrong}") from wrong
    if missing := [name for name in Windows._fields if name not in found]:
        raise WindowsError(
            f"{file} lacks {', '.join(missing)}: it holds training and held_out, float32 [rows, width], and failed, "
            "whether each row held out fails within 72 h"
        )
    failed = found["failed"].astype(bool)
    if len(failed) != len(found["held_out"]) or not failed.any() or failed.all():
        raise WindowsError(f"{file}: failed needs one truth a row held out, of both kinds")
    return Windows(found["training"].astype(np.float32), found["held_out"].astype(np.float32), failed)


def offered(graph: bytes, windows: Windows) -> tuple[bytes, Measured]:
    """The int8 net and its figures beside the float32 one, on this machine."""
    from sklearn.metrics import average_precision_score

    made = to_int8(graph, windows.training)
    whole, small = Predictor(graph), Predictor(made)
    precision = [
        average_precision_score(windows.failed, in_batches(net.predict, windows.held_out)[:, WARNING])
        for net in (whole, small)
    ]
    batch = np.resize(windows.held_out, (BATCH, windows.held_out.shape[1]))
    return made, Measured(
        size=len(made) / len(graph),
        speed=_times(whole, small, batch),
        loss=float(precision[0] - precision[1]),
        rows_differing_by_batch=int(differing(small.predict, windows.held_out[: 2 * BATCH]).sum()),
    )


def _times(whole: Predictor, small: Predictor, batch: np.ndarray) -> float:
    """How many times as fast the small one is, at a batch."""
    ratios = []
    for number in range(WARM_UP + ROUNDS):
        took = []
        for net in (whole, small):
            begun = time.perf_counter()
            net.predict(batch)
            took.append(time.perf_counter() - begun)
        if number >= WARM_UP:
            ratios.append(took[0] / took[1])
    return median(ratios)
