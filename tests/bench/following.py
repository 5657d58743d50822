"""A model that follows its plant by rounds alone: `make bench ONLY=following`. All is simulated; BENCH_QUICK=1 is less.

Plants whose transmitters are exchanged half-way: average precision of pumps that nothing was learned from, before,
after the drift and after the update, and on which day the loop promoted it. And one that does not drift, over a
simulated year: drift told, updates promoted, and the model at the end beside the one at the beginning.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from statistics import mean
from typing import NamedTuple

import numpy as np

from models.alerting.verdict import Bars
from models.records import Drift, ModelUpdate, UpdateStep
from onnx_export.history import DAY_US, History
from onnx_export.learner import with_rows
from tests.kit.bench import Row, report
from tests.kit.drifting import HELD_OUT, SEEDS, of_machines
from tests.kit.following import NAMES, Followed, average_precision, plant, recalibrations, shipped, simulated
from tests.kit.ground import QUICK

DAYS, AFTER, YEAR = 50, 100, 365
FIRST_DAY, EVERY_DAYS = 14, 4
DRIFTED, STEADY = (SEEDS[:1], SEEDS[:1]) if QUICK else (SEEDS[:4], SEEDS[4:6])
BARS = Bars(least_days=14.0, least_failures=8)
"""Half of what is asked of a real plant; see tests/unit/pipelines/test_learning_loop.py."""


class Run(NamedTuple):
    """A plant followed: what was told, and average precision of the first and the last model, before and after."""

    seed: int
    told: tuple[Drift | ModelUpdate, ...]
    promoted_day: int | None
    before: tuple[float, float]
    after: tuple[float, float]


def run(seed: int, exchanged: bool) -> Run:
    """One plant."""
    days_after = AFTER if exchanged else YEAR
    whole, middle_us = simulated(seed, exchanged, DAYS, days_after)
    names = NAMES[:-HELD_OUT]
    events = [one for one in recalibrations(middle_us) if one.asset in names] if exchanged else []
    of = Followed(plant(), shipped(), of_machines(whole, False), names, middle_us, events, BARS, DAYS)
    promoted = None
    for day in range(FIRST_DAY, days_after + 1, EVERY_DAYS if exchanged else 7):
        if of.round(middle_us + day * DAY_US).update.step is UpdateStep.PROMOTED:
            promoted = promoted or day
    judged = of_machines(whole, True)
    halves = [with_rows(judged, np.flatnonzero((judged.window_end_us > middle_us) == late)) for late in (False, True)]
    before, after = (_beside(of, half) for half in halves)
    return Run(seed, tuple(of.told), promoted, before, after)


def _beside(of: Followed, half: History) -> tuple[float, float]:
    return average_precision(of.first, half), average_precision(of.champion, half)


def rows(drifted: list[Run], steady: list[Run]) -> list[Row]:
    """The table."""
    out = []
    for one in drifted:
        at = f"sensors exchanged, seed {one.seed}"
        out += [
            Row(name=f"{at}: promoted on day", value=one.promoted_day or 0, unit="", bar=1),
            Row(name=f"{at}: average precision before", value=one.before[0], unit=""),
            Row(name=f"{at}: after the drift", value=one.after[0], unit=""),
            Row(name=f"{at}: after the update", value=one.after[1], unit="", bar=one.after[0]),
            Row(name=f"{at}: after the update, of old data", value=one.before[1], unit=""),
        ]
    out.append(
        Row(name="sensors exchanged: gained on new data, mean", value=mean(r.after[1] - r.after[0] for r in drifted),
            unit="", bar=0.0)
    )  # fmt: skip
    for one in steady:
        at = f"a year without drift, seed {one.seed}"
        drifts = [told for told in one.told if isinstance(told, Drift)]
        updates = [told for told in one.told if isinstance(told, ModelUpdate)]
        promoted = sum(told.step is UpdateStep.PROMOTED for told in updates)
        causes = ", ".join(told.cause for told in drifts) or "none"
        out += [
            Row(name=f"{at}: drift told ({causes})", value=len(drifts), unit="", bar=2, at_most=True),
            Row(name=f"{at}: updates promoted", value=promoted, unit=""),
            Row(name=f"{at}: first model, average precision", value=one.after[0], unit=""),
            Row(name=f"{at}: last model", value=one.after[1], unit="", bar=one.after[0] - 1e-9),
        ]
    return out


def main() -> None:
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        found = [
            pool.submit(run, seed, exchanged)
            for seeds, exchanged in ((STEADY, False), (DRIFTED, True))
            for seed in seeds
        ]
        done = [one.result() for one in found]
    report("following", rows(done[len(STEADY) :], done[: len(STEADY)]), quick=QUICK)


if __name__ == "__main__":
    main()
