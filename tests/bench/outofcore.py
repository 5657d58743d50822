"""A training on ten times the memory that it may take: what it takes at most, and how long.

`make bench ONLY=outofcore`. Rows are made up, 63 features of float32 each (`tests.kit.outofcore`); what a training on
a few rows takes, with all libraries loaded, is not counted, nor are the files of the system's cache.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.kit.bench import Row, report
from tests.kit.outofcore import make, took

MEMORY_MIB, TIMES, FILES, TREES = 64, 10, 300, 40


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        make(Path(place), TIMES * MEMORY_MIB, FILES)
        began_s = time.monotonic()
        found = took(Path(place), MEMORY_MIB, TREES)
        took_s = time.monotonic() - began_s
    mib = {"unit": "MiB"}
    report(
        "outofcore",
        [
            Row(name="memory given", value=MEMORY_MIB, **mib),
            Row(name="features of all rows, float32", value=found.float32_mib, **mib),
            Row(name="of the memory given", value=found.float32_mib / MEMORY_MIB, unit="times", bar=0.99 * TIMES),
            Row(name="most memory taken, beyond before", value=found.grown_mib, bar=MEMORY_MIB, at_most=True, **mib),
            Row(name="peak RSS of the process", value=found.peak_mib, **mib),
            Row(name="peak RSS before, libraries loaded", value=found.before_mib, **mib),
            Row(name="rows", value=found.rows, unit="rows"),
            Row(name="rows trained on", value=found.trained_rows, unit="rows"),
            Row(name="share of rows not near a failure", value=100 * found.share, unit="%"),
            Row(name="judged by a row each", value=found.judged_every_min / 60, unit="h a machine"),
            Row(name="both trainings, with loading", value=took_s, unit="s"),
        ],
    )


if __name__ == "__main__":
    main()
