"""Feature rows for training, as they were scored, and what became of each machine, as of the end of the history.

A label rests on what is known by then and on nothing later: where it does not show the end of a life, it says for how
long the outcome is known. A repair is never a negative: it ends what is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl

from models.bins import MINUTE_US
from models.failure.ends import End
from pipelines.made import Looked

HOUR_US = 3_600_000_000
MINUTE = ("asset", "window_end_us")
"""What tells rows apart."""
FOLDER = "features"


def features_table(looked: Looked) -> pl.DataFrame:
    """`asset`, `window_end_us`, `since_us`, then the features by name."""
    names = pl.Series(looked.assets, dtype=pl.String).gather(looked.asset)
    times = [pl.Series("window_end_us", looked.window_end_us), pl.Series("since_us", looked.since_us)]
    columns = [pl.Series(name, looked.rows[:, at]) for at, name in enumerate(looked.spec.names)]
    return pl.DataFrame([names.alias("asset"), *times, *columns])


class Outcomes:
    """What happened to each asset up to `as_of_us`."""

    def __init__(self, ends: Iterable[End], as_of_us: int) -> None:
        self._as_of_us = as_of_us
        self._of: dict[str, list[End]] = defaultdict(list)
        for end in sorted(ends, key=lambda end: (end.time_us, not end.failed)):  # a failure before its own repair
            if end.time_us <= as_of_us:
                self._of[end.asset].append(end)

    def labelled(self, table: pl.DataFrame) -> pl.DataFrame:
        """With `failed_in_h` and `mode`: hours to the failure that ended the life, and its mode; null where none did.

        And `known_h`, the hours for which that is known: to the failure, to a repair before one, or to where history
        ends; 0 within an onset and while a machine is worked on, when nobody can say whether it fails. The minute of a
        failure that has no onset still belongs to it, with hours below 0.
        """
        parts = [self._labelled(str(asset), part) for (asset,), part in table.group_by("asset", maintain_order=True)]
        return pl.concat(parts) if parts else table

    def _labelled(self, asset: str, table: pl.DataFrame) -> pl.DataFrame:
        of = self._of.get(asset, [])
        ends_us = table["window_end_us"].to_numpy()
        times = np.array([end.time_us for end in of], np.int64)
        began_us = table["since_us"].to_numpy() + 1  # the repair that began a life ends none
        at = np.searchsorted(times, np.maximum(ends_us - MINUTE_US, began_us))
        some = at < len(of)
        until_us = np.full(len(table), self._as_of_us)
        until_us[some] = times[at[some]]
        hours = (until_us - ends_us) / HOUR_US
        failed = np.array([end.failed for end in of], bool)
        fails = some.copy()
        fails[some] = failed[at[some]]
        unknown = _unknown(ends_us, of)
        fails, hours = fails & ~unknown, np.where(unknown, 0.0, hours)
        modes = [of[which].mode if fail else None for which, fail in zip(at.tolist(), fails.tolist(), strict=True)]
        return table.with_columns(
            pl.Series("failed_in_h", np.where(fails, hours, np.nan)).fill_nan(None),
            pl.Series("mode", modes, pl.String),
            pl.Series("known_h", hours),
        )


def _unknown(ends_us: np.ndarray, ends: Iterable[End]) -> np.ndarray:
    """Which minutes, by their ends, reach into an onset or into work on the machine."""
    found = np.zeros(len(ends_us), bool)
    for end in ends:
        if end.from_us < end.until_us:
            found |= (ends_us > end.from_us) & (ends_us - MINUTE_US < end.until_us)
    return found


def label(run: Path, outcomes: Outcomes) -> int:
    """Write all parts of a run's features with labels to `features/` in its folder; how many rows.

    Of a minute that was looked at again, the last row counts, which may stand in the next part.
    """
    rows, folder = 0, run / FOLDER
    folder.mkdir(exist_ok=True)
    for lane in sorted(run.glob("lane-*")):
        after = pl.DataFrame(schema={"asset": pl.String, "window_end_us": pl.Int64})
        for part in sorted(lane.glob("features-*.parquet"), reverse=True):
            table = pl.read_parquet(part).unique(MINUTE, keep="last", maintain_order=True)
            table = table.join(after, on=MINUTE, how="anti")
            after = pl.concat([table.select(MINUTE), after])
            outcomes.labelled(table).write_parquet(folder / f"{lane.name}-{part.name}")
            rows += len(table)
    return rows
