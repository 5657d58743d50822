"""What the running plan says of now: which steps of orders are made, and how machines stand.

Plans are held to be carried out as they say, until somebody says otherwise: an order is done, or a machine broke.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from models.records import Plan, PlannedCare, PlannedJob, PowerState


class Now(NamedTuple):
    """A machine now: from when it is free, the product that it is set up for, empty for none, and whether it is on."""

    free_us: int
    product: str
    is_on: bool


class Running:
    """The plan in force at `begin_us`, None where there is none; `orders` are those that are open."""

    def __init__(self, plan: Plan | None, begin_us: int, orders: Collection[str], down: Collection[str]) -> None:
        self._plan, self._begin_us, self._down = plan, begin_us, down
        known = () if plan is None else (*plan.done, *plan.jobs)
        self.steps = {(job.order, job.step): job for job in known if job.order in orders and not self._is_lost(job)}

    def _is_lost(self, job: PlannedJob) -> bool:
        """Whether a broken machine was to finish it."""
        return job.asset in self._down and job.end_us > self._begin_us

    @property
    def done(self) -> list[PlannedJob]:
        """Steps of open orders that ended."""
        return [job for job in self.steps.values() if job.end_us <= self._begin_us]

    @property
    def going_on(self) -> list[PlannedJob]:
        """Steps that began and have not ended."""
        return [job for job in self.steps.values() if job.begin_us < self._begin_us < job.end_us]

    def machine(self, name: str) -> Now:
        """How a machine stands."""
        begin_us = self._begin_us
        jobs = [job for job in self.steps.values() if job.asset == name and job.setup_us <= begin_us]
        last = max(jobs, key=lambda job: job.end_us, default=None)
        if (care := self.care(name)) is not None:
            return Now(care.end_us, "", False)
        product = "" if last is None else last.product
        if last is not None and last.begin_us < begin_us < last.end_us:
            return Now(last.end_us, product, True)
        spans = self._plan.power if self._plan else ()
        state = next((one.state for one in spans if one.asset == name and one.begin_us <= begin_us < one.end_us), None)
        is_off = state in (None, PowerState.OFF, PowerState.MAINTENANCE) or name in self._down
        return Now(begin_us, product, not is_off)

    def care(self, name: str) -> PlannedCare | None:
        """Maintenance of a machine that goes on."""
        return next((one for one in self.cares if one.asset == name), None)

    @property
    def cares(self) -> list[PlannedCare]:
        """Maintenance that began and has not ended; of a broken machine none."""
        planned = self._plan.care if self._plan else ()
        return [one for one in planned if one.begin_us < self._begin_us < one.end_us and one.asset not in self._down]
