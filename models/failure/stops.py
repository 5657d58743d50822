"""The stop of a machine as its operating states show it, to be proposed as the onset of a breakdown. Pure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from models.failure.labels import Begin, Label, State
from models.records import OperatingState

DAY_US = 86_400_000_000
AT_ONCE_US = 3_600_000_000
"""A stop no later than this after a report is what was reported. Our choice: some rows of 10 min and a delay."""
_S = OperatingState
TURNS = (_S.RUNNING.value, _S.STARTING.value)
STANDS = (_S.STOPPING.value, _S.OFF.value, _S.IDLE.value, _S.MAINTENANCE.value)


class Stop(NamedTuple):
    """The end of the last minute of normal running before a report, the stop, and why what is missing is."""

    last_normal_us: int | None
    stopped_us: int | None
    begin: Begin


def stop_before(times_us: np.ndarray, states: np.ndarray, reported_us: int, finished_us: int | None = None) -> Stop:
    """What states, int64 and texts [minutes] in order of time, each of the minute that ends then, show of a report.

    The stop is the first minute that is known to stand behind the last one that ran, or started, before the report. A
    machine that runs on after it, as where a date is wrong or has no time of day, is looked at until it is repaired, or
    for a day.
    """
    before = times_us <= reported_us
    runs = np.flatnonzero(before & (states == OperatingState.RUNNING.value))
    if not len(runs):
        return Stop(None, None, Begin.NOT_SEEN)
    last_normal_us = int(times_us[runs[-1]])
    turned = int(np.flatnonzero(before & np.isin(states, TURNS))[-1])
    until_us = reported_us + DAY_US if finished_us is None else finished_us
    stands = np.flatnonzero(np.isin(states[turned + 1 :], STANDS) & (times_us[turned + 1 :] <= until_us))
    if not len(stands):
        return Stop(last_normal_us, None, Begin.NO_STOP)
    stopped_us = int(times_us[turned + 1 + stands[0]])
    return Stop(last_normal_us, stopped_us, Begin.RAN_ON if stopped_us - reported_us > AT_ONCE_US else Begin.SEEN)


NOWHERE = (-1, -1)


def _reach(last_normal_us: int | None, stopped_us: int | None) -> tuple[int, int]:
    """How far signals that show this go; NOWHERE where they show nothing."""
    return -1 if last_normal_us is None else last_normal_us, -1 if stopped_us is None else stopped_us


def is_open(label: Label) -> bool:
    """Whether a stop may be proposed: of a breakdown that nobody has decided about."""
    return label.breakdown and label.state is State.PROPOSED and not label.by


def with_stop(label: Label, times_us: np.ndarray, states: np.ndarray) -> Label:
    """A label that is open, with its stop, unless it has one from signals that reach further; others as they are."""
    if not is_open(label):
        return label
    stop = stop_before(times_us, states, label.reported_us, label.finished_us)
    if NOWHERE != _reach(label.last_normal_us, label.stopped_us) >= _reach(stop.last_normal_us, stop.stopped_us):
        return label
    return replace(label, begin=stop.begin, last_normal_us=stop.last_normal_us, stopped_us=stop.stopped_us)
