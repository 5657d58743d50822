"""When a pump stands, starts, runs, idles and stops: the duty cycle of each pump, moved on a step at a time.

A pump stops when the process no longer needs it, which is more often at night; the stop decides how long it idles and
stands. A planned service or a failure makes it stand for maintenance. All a day holds is drawn for every hour of it
beforehand, so that the length of a step does not move the draws.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from models.physics.draws import evenly
from models.physics.duty import DEMAND_BY_HOUR, HOURS_A_DAY
from models.physics.pump import Array

Times = NDArray[np.int64]
Mask = NDArray[np.bool_]

HOUR_US = 3_600_000_000
SLOT_US = 600_000_000
"""Stops and services begin on tens of minutes: the longest step, so that every step length meets the same ones."""
SLOTS_AN_HOUR = HOUR_US // SLOT_US
NEVER_US = int(np.iinfo(np.int64).max)


class RunState(IntEnum):
    """What a pump's motor and check valve do over a step."""

    OFF = 0
    STARTING = 1
    RUNNING = 2
    STOPPING = 3
    IDLE = 4
    MAINTENANCE = 5


RUN_STATES = tuple(state.name.lower() for state in RunState)
"""Names of the states as the PLC sends them, by their numbers."""

_STOP_WEIGHTS = tuple(1.6 - demand for demand in DEMAND_BY_HOUR)
STOPS_BY_HOUR = tuple(round(weight * HOURS_A_DAY / sum(_STOP_WEIGHTS), 3) for weight in _STOP_WEIGHTS)
"""How much likelier than on the mean hour a stop is: about 1.6 at night and 0.6 at full demand; our assumption."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleLaw:
    """How long pumps run and stand. All numbers are our assumptions; a pair is drawn from evenly.

    With these a pump runs about 80 % of the time.
    """

    mean_run_hours: float = 20.0
    """A running pump stops in an hour with a chance of `STOPS_BY_HOUR` over this: runs have no memory."""
    off_hours: tuple[float, float] = (0.5, 7.5)
    idle_share: float = 0.3
    """Share of runs that end in idling: minimum speed against a closed check valve."""
    idle_hours: tuple[float, float] = (0.25, 1.25)
    resume_share: float = 0.5
    """Share of idlings after which the pump is needed again; the others end in a stop."""
    idle_speed_share: float = 0.4
    """Minimum speed of the drive, of nominal: head there is below the header's, so the check valve stays closed."""
    ramp_speed_share: float = 0.5
    """Speed of the row in which a pump starts or stops, of what is asked: the middle of the drive's ramp."""
    first_off_share: float = 0.18
    """Share of pumps that stand when the history begins."""
    service_mean_days: float = 45.0
    """Between planned services of a pump."""
    service_hours: tuple[float, float] = (2.0, 6.0)
    service_begins: tuple[int, int] = (7, 15)
    """Services begin within these hours of the day, when the crew is there."""

    def __post_init__(self) -> None:
        if self.mean_run_hours < max(STOPS_BY_HOUR) or self.service_mean_days <= 0.0:
            raise ValueError(
                f"cycle law: a run of {self.mean_run_hours} h on average is too short to be drawn by hours"
            )


class _Draw(IntEnum):
    """Columns of an hour's uniforms."""

    STOPS = 0
    SLOT = 1
    IDLES = 2
    IDLE_LENGTH = 3
    RESUMES = 4
    OFF_LENGTH = 5
    SERVICE = 6
    SERVICE_LENGTH = 7


DRAWS_AN_HOUR = len(_Draw)


@dataclass(frozen=True, slots=True)
class CycleDay:
    """What could happen to each pump in each hour of a day, arrays (24, n); times are NEVER_US where nothing does."""

    stop_us: Times
    idle_us: Times
    """How long the pump idles first; 0 for not at all."""
    resumes: Mask
    off_us: Times
    service_us: Times
    service_length_us: Times


def hours_us(span: tuple[float, float], uniform: Array) -> Times:
    """Lengths in microseconds, drawn evenly from a span of hours."""
    return (evenly(span, uniform) * HOUR_US).astype(np.int64)


def day(law: CycleLaw, uniforms: Array, first_us: int) -> CycleDay:
    """24 hours from `first_us`, out of `uniforms` (24, n, DRAWS_AN_HOUR)."""
    hour_us = first_us + np.arange(HOURS_A_DAY, dtype=np.int64) * HOUR_US
    of_day = hour_us // HOUR_US % HOURS_A_DAY
    u = np.moveaxis(uniforms, -1, 0)
    slot_us = hour_us[:, None] + (u[_Draw.SLOT] * SLOTS_AN_HOUR).astype(np.int64) * SLOT_US
    stops = u[_Draw.STOPS] < (np.array(STOPS_BY_HOUR)[of_day] / law.mean_run_hours)[:, None]
    begin, end = law.service_begins
    manned = ((of_day >= begin) & (of_day < end))[:, None]
    serviced = manned & (u[_Draw.SERVICE] < 1.0 / (law.service_mean_days * (end - begin)))
    return CycleDay(
        stop_us=np.where(stops, slot_us, NEVER_US),
        idle_us=np.where(u[_Draw.IDLES] < law.idle_share, hours_us(law.idle_hours, u[_Draw.IDLE_LENGTH]), 0),
        resumes=u[_Draw.RESUMES] < law.resume_share,
        off_us=hours_us(law.off_hours, u[_Draw.OFF_LENGTH]),
        service_us=np.where(serviced, slot_us, NEVER_US),
        service_length_us=hours_us(law.service_hours, u[_Draw.SERVICE_LENGTH]),
    )


class Cycles:
    """Where each pump stands in its cycle, arrays of shape (n,); owned by the fleet, which moves it on.

    A pump that stands or idles does so up to `stands_until_us` or `idles_until_us` and moves on in the row after it.
    """

    def __init__(self, law: CycleLaw, uniforms: Array, now_us: int, step_us: int) -> None:
        """`uniforms` are (n, 2): whether a pump stands at first, and for how long still."""
        n_pumps = len(uniforms)
        self.law, self.step_us = law, step_us
        stands = uniforms[:, 0] < law.first_off_share
        self.state = np.where(stands, RunState.OFF, RunState.RUNNING).astype(np.int8)
        self.idles_until_us: Times = np.full(n_pumps, now_us, dtype=np.int64)
        self.stands_until_us = now_us + hours_us((0.0, law.off_hours[1]), uniforms[:, 1])
        self.stands_since_us: Times = np.full(n_pumps, now_us, dtype=np.int64)
        self.resumes = np.zeros(n_pumps, dtype=bool)
        self.serviced = np.zeros(n_pumps, dtype=bool)
        """Whether the stand that is or is about to be is a planned service."""
        self._speed_of_asked = np.zeros(len(RunState))
        self._speed_of_asked[RunState.RUNNING] = 1.0
        self._speed_of_asked[[RunState.STARTING, RunState.STOPPING]] = law.ramp_speed_share
        self._speed_fixed = np.zeros(len(RunState))
        self._speed_fixed[RunState.IDLE] = law.idle_speed_share

    def speed_share(self, asked: Array) -> Array:
        """Speed in shares of nominal, (n,), where running pumps get what is asked."""
        return self._speed_of_asked[self.state] * asked + self._speed_fixed[self.state]

    def advance(self, plan: CycleDay, hour: int, now_us: int) -> None:
        """Move on to the step that ends at `now_us`, in hour `hour` of the day: one change of state at most."""
        was = self.state
        running, idle, off = was == RunState.RUNNING, was == RunState.IDLE, was == RunState.OFF
        stopped = running & self._in_step(plan.stop_us[hour], now_us)
        called = (running | idle | off) & self._in_step(plan.service_us[hour], now_us)
        state = was.copy()
        state[was == RunState.STARTING] = RunState.RUNNING
        stopping = was == RunState.STOPPING
        state[stopping] = np.where(self.serviced[stopping], RunState.MAINTENANCE, RunState.OFF)
        stands = off | (was == RunState.MAINTENANCE)
        begins = stands & (now_us > self.stands_until_us)
        state[begins], self.serviced[begins] = RunState.STARTING, False
        idled = idle & (now_us > self.idles_until_us)
        state[idled] = np.where(self.resumes[idled], RunState.RUNNING, RunState.STOPPING)
        if stopped.any():
            state[stopped] = np.where(plan.idle_us[hour] > 0, RunState.IDLE, RunState.STOPPING)[stopped]
            self._remember(stopped, plan, hour, now_us)
        if called.any():
            state[called] = np.where(off, RunState.MAINTENANCE, RunState.STOPPING)[called]
            self._serve(called, plan.service_length_us[hour], now_us)
        self.stands_since_us[(state == RunState.MAINTENANCE) & (was != RunState.MAINTENANCE)] = now_us
        self.state = state

    def _in_step(self, at_us: Times, now_us: int) -> Mask:
        return (at_us <= now_us) & (at_us > now_us - self.step_us)

    def _remember(self, stopped: Mask, plan: CycleDay, hour: int, now_us: int) -> None:
        """Keep how long the stopped pumps idle and stand, as the hour of the stop says."""
        idles_until_us = now_us + plan.idle_us[hour]
        self.idles_until_us[stopped] = idles_until_us[stopped]
        self.stands_until_us[stopped] = (idles_until_us + plan.off_us[hour])[stopped]
        self.resumes[stopped] = plan.resumes[hour][stopped]

    def _serve(self, called: Mask, length_us: Times, now_us: int) -> None:
        """Keep how long the pumps are in service, in whole steps."""
        self.stands_until_us[called] = now_us + (-(-length_us // self.step_us) * self.step_us)[called]
        self.serviced[called] = True

    def trip(self, k: int, now_us: int, repaired_us: int) -> None:
        """Pump k failed at `now_us`; it stands from the next row on, and in the row of `repaired_us` for the last time.

        Both are times of rows.
        """
        self.state[k], self.serviced[k] = RunState.MAINTENANCE, False
        self.stands_since_us[k], self.stands_until_us[k] = now_us, repaired_us

    def finished(self, now_us: int) -> list[int]:
        """The pumps whose repair or service ends with this row."""
        ended = (self.state == RunState.MAINTENANCE) & (self.stands_until_us == now_us)
        return [int(k) for k in np.nonzero(ended)[0]] if ended.any() else []
