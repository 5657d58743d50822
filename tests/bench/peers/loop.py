"""What a good engineer writes in an afternoon: row by row, a ring of numpy for each asset, a model once an hour.

Each row goes into its asset's ring of 72 h. At each full hour the means and slopes over 1 h, 24 h and 72 h, and the
share of the last 72 h outside of three spreads, are worked out of it for all signals, put into a row as wide as the
model's, and the model is asked. Features are others than ours, the work is of the same kind; rows are not checked.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import polars as pl

HOUR_US, MINUTE_US = 3_600_000_000, 60_000_000
WINDOWS_MIN = (60, 1440, 4320)
RING = WINDOWS_MIN[-1]


def features(ring: np.ndarray, at: int, width: int) -> np.ndarray:
    """A row for the model, of the 72 h that end at place `at`: float32 [1, width]."""
    minutes = np.roll(ring, -(at + 1), axis=0)
    found = []
    for length in WINDOWS_MIN:
        part = minutes[-length:]
        told = ~np.isnan(part[:, 0])
        part, hours = part[told], np.arange(length)[told] / 60
        mean, centred = part.mean(axis=0), hours - hours.mean()
        found += [mean, centred @ (part - mean) / np.square(centred).sum()]
    found.append((np.abs(part - mean) > 3 * part.std(axis=0)).mean(axis=0))
    row = np.full((1, width), np.nan, np.float32)
    flat = np.concatenate(found)[:width]
    row[0, : len(flat)] = flat
    return row


def main() -> None:
    warnings.simplefilter("ignore")  # a window of one minute has no slope
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = onnxruntime.InferenceSession(os.environ["BENCH_MODEL"], options)
    width, files = model.get_inputs()[0].shape[1], sorted(Path(sys.argv[1]).glob("*.parquet"))
    rings: dict[str, np.ndarray] = {}
    out, rows, began, spent = [], 0, time.perf_counter(), time.process_time()
    for file in files:
        for part in pl.read_parquet(file).iter_slices(100_000):
            for time_us, asset, *values in part.iter_rows():
                ring = rings.get(asset)
                if ring is None:
                    ring = rings[asset] = np.full((RING, len(values)), np.nan)
                minute = time_us // MINUTE_US
                ring[minute % RING] = values
                rows += 1
                if (time_us + MINUTE_US) % HOUR_US == 0:
                    row = features(ring, minute % RING, width)
                    chances = model.run(None, {"features": row})[0][0]
                    out.append((asset, time_us + MINUTE_US, *row[0].tolist(), *chances.tolist()))
    pl.DataFrame(out, orient="row").write_parquet(sys.argv[2])
    took = {"seconds": time.perf_counter() - began, "cpu_s": time.process_time() - spent}
    print(json.dumps({"rows": rows, "scored": len(out), **took}))


if __name__ == "__main__":
    main()
