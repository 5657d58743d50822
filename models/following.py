"""Moves machines through their minutes: all minutes of all machines at once, as if one came after another.

What a minute means for its machine is here, what for each sensor is in `sensing`, and how minutes are laid out for that
in `rows`. What counts is counted over all rows, and told since the last row that began anew.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.bins import changes
from models.operating import IDLE, RUNNING, STARTING, STOPPING, STOPPING_MIN, UNKNOWN, Found, Machines, Rule
from models.rows import Course, Rows, Sensed, before
from models.sensing import judge

SLICE = 8192
"""Minutes at a time: of more, what is found on the way leaves the processor's cache. Measured."""


def follow(
    rule: Rule, machines: Machines, at: np.ndarray, minute: np.ndarray, since_us: np.ndarray, statistics: np.ndarray
) -> Found:
    """Move machines on through minutes sorted by machine and time; `at` is their place in `machines`.

    Changes `machines`, which took earlier minutes only. `statistics` is [pairs, 7, columns]; a minute without samples
    is a pause in which values hold.
    """
    found = Found.of(len(at), statistics.shape[2], int(rule.held.columns.sum()))
    for begin in range(0, len(at), SLICE):
        part = slice(begin, begin + SLICE)
        _move(rule, machines, at[part], minute[part], since_us[part], statistics[part], found.part(part))
    return found


def _move(
    rule: Rule,
    machines: Machines,
    at: np.ndarray,
    minute: np.ndarray,
    since_us: np.ndarray,
    statistics: np.ndarray,
    found: Found,
) -> None:
    first = changes(at)
    rows, m = Rows.of(first, statistics.shape[2]), machines.copy_of(at[first])
    sensed = Sensed.of(rows, statistics)
    heard = _hear(rule, m, rows, minute, sensed)
    level = _levels(rule, m, rows, minute, sensed, heard)
    clock = _ages(m, rows, since_us, heard, level, found)
    settled = _states(rule, m, rows, heard, level, found)
    unsettled = np.maximum.accumulate(np.where(heard.so & ~settled, rows.number, -1))
    course = Course(heard.minute, heard.taken, heard.so, heard.anew, level.runs, settled, unsettled, clock)
    judge(rule, m, rows, statistics, sensed, course, found)
    machines.put(at[first], m)


class _Heard(NamedTuple):
    """Of each row, when it is and whether it has samples."""

    minute: np.ndarray
    taken: np.ndarray  # the minute before
    so: np.ndarray  # bool
    by: np.ndarray  # the last row so far that was heard
    gap: np.ndarray  # minutes since the one before that was
    anew: np.ndarray  # bool, whether that is too long ago


def _hear(rule: Rule, m: Machines, rows: Rows, minute: np.ndarray, sensed: Sensed) -> _Heard:
    so = sensed.has.any(axis=0) & ~rows.is_stand
    by = rows.last(so | rows.is_stand)
    taken, minute = rows.laid(minute, m.taken), rows.laid(minute, m.minute)
    at = minute.take(by)
    gap = minute - before(at)
    m.minute, m.taken = at[rows.ends], taken[rows.ends]
    return _Heard(minute, before(taken), so, by, gap, so & (gap > rule.hearing_min))


class _Level(NamedTuple):
    """Of each row, the level that is measured, int8."""

    now: np.ndarray
    came_from: np.ndarray  # the level before, unknown once the machine was lost
    silent: np.ndarray  # bool, whether the rule's signal was for too long before this minute
    runs: np.ndarray  # bool, whether it was heard to run
    dips: np.ndarray  # bool, whether it runs, but did not all the minute


def _levels(rule: Rule, m: Machines, rows: Rows, minute: np.ndarray, sensed: Sensed, heard: _Heard) -> _Level:
    tells = rows.is_stand | (heard.so if rule.column is None else sensed.has[rule.column])
    told, left = rule.read(sensed.last, sensed.low, sensed.high, 0.0)
    kept, left_kept = rule.read(sensed.last, sensed.low, sensed.high, rule.hysteresis)
    told[rows.stands] = kept[rows.stands] = m.level
    seen = rows.laid(minute, m.seen).take(rows.last(tells))
    silent = heard.minute - before(seen) > rule.silence_min
    lost = heard.so & (silent | heard.anew)
    now = _filled(rows, tells, lost, told, kept)
    came_from = np.where(lost, UNKNOWN, before(now))
    runs = heard.so & (now == RUNNING)
    dips = runs & tells & np.where(came_from == RUNNING, left_kept, left)
    m.seen, m.level = seen[rows.ends], now[rows.ends]
    return _Level(now, came_from, silent, runs, dips)


def _filled(rows: Rows, tells: np.ndarray, lost: np.ndarray, told: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The level of each row, from what some tell: `kept` to a machine that is on that level, `told` to all others.

    Where the two differ, a machine on neither side of the thresholds is idle, and stays so.
    """
    sure = tells & (told == kept) | lost
    by = rows.last(sure)
    level = np.where(tells, told, UNKNOWN).take(by)
    leaves = tells & ~sure & (kept != level)
    return np.where(rows.last(leaves) > by, IDLE, level) if leaves.any() else level


def _ages(m: Machines, rows: Rows, since_us: np.ndarray, heard: _Heard, level: _Level, found: Found) -> np.ndarray:
    """Find running minutes and starts of each life; returns the clock of the course."""
    since_us = rows.laid(since_us, m.since_us).take(heard.by)
    born = rows.last(heard.so & (since_us != before(since_us)) | rows.is_stand)
    steps = np.where(level.runs & (level.came_from == RUNNING), heard.gap, 0)
    steps[rows.stands] = np.maximum(m.running, m.unchanged.max(axis=1, initial=0))
    begins = level.runs & (level.came_from != RUNNING) & (level.came_from != UNKNOWN)
    clock, begun = np.cumsum(steps), np.cumsum(begins)
    clock_then, begun_then = clock.copy(), begun - begins
    clock_then[rows.stands] -= m.running
    begun_then[rows.stands] -= m.starts
    running, starts = clock - clock_then.take(born), begun - begun_then.take(born)
    found.running[:], found.starts[:] = running[rows.minutes], starts[rows.minutes]
    m.since_us, m.running, m.starts = since_us[rows.ends], running[rows.ends], starts[rows.ends]
    return clock


def _states(rule: Rule, m: Machines, rows: Rows, heard: _Heard, level: _Level, found: Found) -> np.ndarray:
    """Find the state in each minute; returns which rows are of settled running."""
    moved = heard.so & (level.now != level.came_from)
    entered, left = heard.minute.copy(), level.came_from.copy()
    entered[rows.stands], left[rows.stands] = m.entered, m.before
    entered = entered.take(rows.last(moved | level.dips | rows.is_stand))
    left = left.take(rows.last(moved | rows.is_stand))
    state, lasts = np.where(level.silent & ~heard.so, UNKNOWN, level.now), heard.minute - entered
    settled = (state == RUNNING) & (lasts >= rule.settle_min)
    state[(state == RUNNING) & ~settled] = STARTING
    if not rule.is_code:
        state[heard.so & (state == IDLE) & (left == RUNNING) & (lasts < STOPPING_MIN)] = STOPPING
    found.state[:] = state[rows.minutes]
    m.entered, m.before = entered[rows.ends], left[rows.ends]
    return settled
