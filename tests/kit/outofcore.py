"""A training on many files in a process of its own: what it takes at most, beyond a training on one small file.

`python -m tests.kit.outofcore FOLDER MEMORY_MIB TREES`: trains on FOLDER/small to load and warm what any training does,
then on FOLDER/large; prints a line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from tests.kit.labelled import BEGIN_US, HOUR_US, write

ROOT = Path(__file__).parents[2]
SIGNALS = 20
MIB = 1 << 20
LIFE = 2.6
"""Of the span that rows are of: about a third of the machines fail in it."""


class Took(NamedTuple):
    """What a process said."""

    before_mib: float
    peak_mib: float
    rows: int
    trained_rows: int
    share: float
    judged_every_min: int
    failures: int
    float32_mib: float

    @property
    def grown_mib(self) -> float:
        """By how much the most memory ever taken grew with the large training."""
        return self.peak_mib - self.before_mib


def names() -> tuple[str, ...]:
    """Features of SIGNALS signals."""
    from models.features import Spec

    return Spec(tuple(f"s{number:02}" for number in range(SIGNALS))).names


def make(folder: Path, mib: int, files: int, machines: int = 24) -> None:
    """Rows of `mib` MiB of float32 features in FOLDER/large, and 1,440 in FOLDER/small; one feature rises."""
    width = len(names())
    rows = mib * MIB // (4 * width)
    each = rows // (files * machines)
    random = np.random.default_rng(7)
    noise = random.normal(size=(each * machines, width)).astype(np.float32)
    life, end = round(each * files * LIFE), each * files
    for number in range(files):
        at = np.tile(np.arange(number * each, (number + 1) * each), machines)
        machine = np.repeat(np.arange(machines), each)
        part = _table(np.roll(noise, number, axis=0), at, machine, life, end)
        (folder / "large").mkdir(parents=True, exist_ok=True)
        part.write_parquet(folder / "large" / f"part-{number:03}.parquet")
    short = 240
    at, machine = np.tile(np.arange(short), 6), np.repeat(np.arange(6), short)
    small = _table(np.resize(noise, (len(at), width)), at, machine, short // 2, short)
    write(folder / "small", small, files=2)


def _table(features: np.ndarray, at: np.ndarray, machine: np.ndarray, life: int, end: int) -> pl.DataFrame:
    """Rows each hour, numbered by `at`; machine n fails each `life` rows, n / 24 of a life later than the first."""
    offset = machine * life // 24
    until = (life - 1) - (at - offset - 1) % life
    fails = at + until < end
    features = features.copy()
    features[:, 0] += 4.0 * np.clip(1.0 - until / 72, 0, 1) * fails
    known_h = np.where(fails, until, end - at).astype(np.float64)
    return pl.DataFrame(
        {
            "asset": pl.Series(machine).cast(pl.String),
            "window_end_us": BEGIN_US + at * HOUR_US,
            "since_us": np.full(len(at), BEGIN_US),
            "failed_in_h": pl.Series(np.where(fails, until.astype(np.float64), np.nan)).fill_nan(None),
            "mode": pl.Series(["wear" if one else None for one in fails.tolist()], dtype=pl.String),
            "known_h": known_h,
            **{name: features[:, place] for place, name in enumerate(names())},
        }
    )


def took(folder: Path, memory_mib: int, trees: int) -> Took:
    """Train in a process of its own."""
    command = [sys.executable, "-m", "tests.kit.outofcore", str(folder), str(memory_mib), str(trees)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=900)
    assert ran.returncode == 0, ran.stderr
    return Took(**json.loads(ran.stdout.splitlines()[-1]))


def main(folder: Path, memory_mib: int, trees: int) -> None:
    """The body of the process."""
    from models.features import Spec
    from onnx_export.hazard_own import Asked, peak_mib, train_own
    from onnx_export.table import data_of

    spec = Spec(tuple(f"s{number:02}" for number in range(SIGNALS)))

    def train(of: str, memory: int):
        asked = Asked(name="m", asset_type="m", spec=spec, command="", memory_mib=memory, trees=trees, parity_rows=300)
        return train_own(data_of(str(folder / of)), asked)

    train("small", 512)
    before = peak_mib()
    own = train("large", memory_mib)
    found = own.survey
    said = Took(
        before, own.peak_mib, found.rows, own.trained_rows, own.sample.share, own.sample.judged_every_min,
        len(found.failures), found.rows * 4 * len(spec.names) / MIB,
    )  # fmt: skip
    sys.stdout.write(json.dumps(said._asdict()) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
