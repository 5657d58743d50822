"""The stop of a machine as its operating states show it, to be proposed as the onset of a breakdown. Pure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from models.failure.labels import Begin, Label, State
from models.records import OperatingState

DAY_US = 86_400_000_000
STANDS = frozenset({OperatingState.OFF, OperatingState.STOPPING, OperatingState.IDLE, OperatingState.MAINTENANCE})


class Stop(NamedTuple):
    """The end of the last minute of normal running before a report, the stop, and why what is missing is."""

    last_normal_us: int | None
    stopped_us: int | None
    begin: Begin


def stop_before(times_us: np.ndarray, states: np.ndarray, reported_us: int, finished_us: int | None = None) -> Stop:
    """What states, int64 and texts [minutes] in order of time, each of the minute that ends then, show of a report.

    A machine that still runs when it is reported, as where a date has no time of day, is looked at until it is
    repaired, for a day where that is unknown; the stop is the first minute that is known to stand behind the last one
    that ran before the report.
    """
    runs = np.flatnonzero((states == OperatingState.RUNNING.value) & (times_us <= reported_us))
    if not len(runs):
        return Stop(None, None, Begin.NOT_SEEN)
    last = int(runs[-1])
    until_us = reported_us + DAY_US if finished_us is None else finished_us
    stands = np.isin(states, [state.value for state in STANDS]) & (times_us <= until_us)
    behind = np.flatnonzero(stands[last + 1 :])
    stopped_us = int(times_us[last + 1 + behind[0]]) if len(behind) else None
    return Stop(int(times_us[last]), stopped_us, Begin.NO_STOP if stopped_us is None else Begin.SEEN)


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
