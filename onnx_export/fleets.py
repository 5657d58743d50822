"""Planned fleets to histories, one after the other or several at a time; the histories are the same either way."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import NamedTuple

from models.features import Spec
from models.physics.faults import FaultLaw
from models.physics.fleet import FleetSpec
from models.plant import AssetType
from onnx_export.history import History, Progress, quiet, record
from onnx_export.recipe import Plan


class Job(NamedTuple):
    """A fleet to record: how many pumps for how many days, a row each so many minutes, with raw windows or not."""

    plan: Plan
    pumps: int
    days: int
    every_min: int
    asset_type: AssetType
    spec: Spec
    windows: bool = False

    def run(self, progress: Progress = quiet) -> History:
        """Simulate and record it."""
        fleet = fleet_of(self.plan, self.pumps, self.days)
        return record(fleet, self.plan.seed, self.asset_type, self.spec, self.every_min, progress, windows=self.windows)


def fleet_of(plan: Plan, pumps: int, days: int) -> FleetSpec:
    """The fleet of a plan."""
    faults = FaultLaw() if plan.faults else FaultLaw.none()
    return FleetSpec(start_us=plan.start_us, n_pumps=pumps, days=days, wear=plan.law, faults=faults)


def record_all(jobs: Sequence[Job], workers: int = 1, progress: Progress = quiet) -> list[History]:
    """Histories in the order of the jobs. Progress is in days, and comes a fleet at a time from several workers."""
    if workers > 1 and len(jobs) > 1:
        return _side_by_side(jobs, workers, progress)
    total, before, out = sum(job.days for job in jobs), 0, []
    for job in jobs:
        out.append(job.run(_after(before, total, progress)))
        before += job.days
    return out


def _after(before: int, total: int, progress: Progress) -> Progress:
    """Progress of one job among others, of which so many days are done."""
    return lambda day, _days, text: progress(before + day, total, text)


def _side_by_side(jobs: Sequence[Job], workers: int, progress: Progress) -> list[History]:
    total, done = sum(job.days for job in jobs), 0
    # spawn: a forked child would inherit the threads of onnxruntime and polars in an undefined state
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        asked = {pool.submit(Job.run, job): job for job in jobs}
        for future in as_completed(asked):
            done += asked[future].days
            progress(done, total, f"pumps of seed {asked[future].plan.seed}, {asked[future].plan.law.family} lives")
            future.result()
        return [future.result() for future in asked]
