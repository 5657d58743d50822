"""`follow` one minute after another, as its words say it: what the one over all minutes at once is held to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.bins import COUNT, LAST, MAX, MIN, QUARTER, SUM, changes
from models.holding import lead
from models.operating import (
    BELIEVED_AFTER,
    IDLE,
    JUMPED,
    NEVER_MIN,
    OFF,
    RUNNING,
    SILENT,
    SOUND,
    STARTING,
    STOPPING,
    STOPPING_MIN,
    STUCK,
    UNKNOWN,
    Found,
    Machines,
    Rule,
)


def follow(
    rule: Rule, machines: Machines, at: np.ndarray, minute: np.ndarray, since_us: np.ndarray, statistics: np.ndarray
) -> Found:
    """Move machines on through minutes sorted by machine and time; `at` is their place in `machines`.

    Changes `machines`. `statistics` is [pairs, 7, columns]; a minute without samples is a pause in which values hold.
    """
    found = _Steps.of(len(at), statistics.shape[2])
    first = np.maximum.accumulate(np.where(changes(at), np.arange(len(at)), 0))
    turn, heard = np.arange(len(at)) - first, np.any(statistics[:, COUNT] > 0, axis=1)
    for number in range(int(turn.max(initial=-1)) + 1):
        now = np.flatnonzero(turn == number)
        samples, pauses = now[heard[now]], now[~heard[now]]
        if len(samples):
            of = at[samples], minute[samples], since_us[samples], statistics[samples]
            found.put(samples, _advance(rule, machines, *of))
        if len(pauses):
            found.put(pauses, _pause(rule, machines, at[pauses], minute[pauses]))
    held = lead(rule.held, rule.reference, statistics, minute, found.taken, found.value, found.spoke, rule.holds_min)
    held = held[:, :, rule.held.columns]
    return Found(found.state, found.use, found.running, found.starts, held, found.fault)


class _Steps(NamedTuple):
    """Of each minute, what is found and what came before it: the last value, when it came, the last minute taken."""

    state: np.ndarray
    use: np.ndarray
    running: np.ndarray
    starts: np.ndarray
    fault: np.ndarray
    value: np.ndarray  # float64 [pairs, columns]
    spoke: np.ndarray  # int64 [pairs, columns]
    taken: np.ndarray  # int64 [pairs]

    @classmethod
    def of(cls, pairs: int, columns: int) -> _Steps:
        """Room for so many minutes."""
        both = (pairs, columns)
        return cls(
            np.empty(pairs, np.int8), np.empty(both, bool), np.empty(pairs, np.int64), np.empty(pairs, np.int64),
            np.empty(both, np.int8), np.empty(both), np.empty(both, np.int64), np.empty(pairs, np.int64),
        )  # fmt: skip

    def put(self, where: np.ndarray, steps: _Steps) -> None:
        """Put in the minutes of one turn."""
        for column, part in zip(self, steps, strict=True):
            column[where] = part


def _pause(rule: Rule, m: Machines, at: np.ndarray, minute: np.ndarray) -> _Steps:
    """A minute without samples of each machine in `at`, which are all different; it moves nothing but `taken`."""
    value, spoke, taken = m.held[at], m.spoke[at], m.taken[at]
    m.taken[at] = minute
    level = np.where(minute - m.seen[at] > rule.silence_min, UNKNOWN, m.level[at])
    settled = (level == RUNNING) & (minute - m.entered[at] >= rule.settle_min)
    use = settled[:, None] & _holds(rule, minute, taken, value, spoke) & (m.odd[at] == 0)
    state = np.where((level == RUNNING) & ~settled, STARTING, level).astype(np.int8)
    return _Steps(state, use, m.running[at], m.starts[at], m.fault[at], value, spoke, taken)


def _advance(
    rule: Rule, m: Machines, at: np.ndarray, minute: np.ndarray, since_us: np.ndarray, statistics: np.ndarray
) -> _Steps:
    """A minute with samples of each machine in `at`, which are all different."""
    gap = minute - m.minute[at]
    lost = (minute - m.seen[at] > rule.silence_min) | (gap > rule.hearing_min)
    level = np.where(lost, UNKNOWN, m.level[at]).astype(np.int8)
    has, told, mixed = read(rule, level, statistics)
    now = np.where(has, told, level)
    moved = now != level
    entered = np.where(moved | (mixed & (now == RUNNING)), minute, m.entered[at])
    same_life = since_us == m.since_us[at]
    ran_on = (level == RUNNING) & (now == RUNNING)
    running = np.where(same_life, m.running[at] + np.where(ran_on, gap, 0), 0)
    begun = moved & (now == RUNNING) & (level != UNKNOWN)
    starts = np.where(same_life, m.starts[at], 0) + begun
    before = np.where(moved, level, m.before[at])
    settled = (now == RUNNING) & ((minute - entered >= rule.settle_min) | (rule.settle_min == 0))
    state = np.where((now == RUNNING) & ~settled, STARTING, now)
    coming_down = (now == IDLE) & (before == RUNNING) & (minute - entered < STOPPING_MIN) & (not rule.is_code)
    state = np.where(coming_down, STOPPING, state).astype(np.int8)
    value, taken = m.held[at], m.taken[at]
    anew = np.where(rule.held.columns, NEVER_MIN, minute[:, None])
    spoke = np.where((gap > rule.hearing_min)[:, None], anew, m.spoke[at])
    m.spoke[at] = np.where(statistics[:, COUNT] > 0, minute[:, None], spoke)
    m.since_us[at], m.level[at], m.before[at], m.entered[at] = since_us, now, before, entered
    m.minute[at] = m.taken[at] = minute
    m.seen[at] = np.where(has, minute, m.seen[at])
    m.running[at], m.starts[at] = running, starts
    holds = _holds(rule, minute, taken, value, spoke)
    use = _usable(rule, m, at, np.where(ran_on, gap, 0), settled, statistics, holds)
    _find_faults(rule, m, at, minute, now == RUNNING)
    return _Steps(state, use, running, starts, m.fault[at], value, spoke, taken)


def _holds(rule: Rule, minute: np.ndarray, taken: np.ndarray, value: np.ndarray, spoke: np.ndarray) -> np.ndarray:
    """Whether a value holds in any part of what its minute stands for: bool [machines, columns]."""
    begin = np.maximum(taken + 1, minute // QUARTER * QUARTER)
    return rule.held.columns & ~np.isnan(value) & (begin[:, None] <= spoke + rule.holds_min)


def _find_faults(rule: Rule, m: Machines, at: np.ndarray, minute: np.ndarray, runs: np.ndarray) -> None:
    """Say of each sensor of the machines that run what is wrong with it."""
    quiet = (m.spoke[at] != NEVER_MIN) & (minute[:, None] - m.spoke[at] > rule.holds_min)
    stuck = m.unchanged[at] >= rule.stuck_after_min
    told = np.where(stuck, STUCK, np.where(m.odd[at] > 0, JUMPED, SOUND))
    spoke = m.spoke[at] == minute[:, None]
    fault = np.where(quiet, SILENT, np.where(spoke, told, m.fault[at]))
    m.fault[at] = np.where(runs[:, None], fault, m.fault[at]).astype(np.int8)


def _usable(
    rule: Rule,
    m: Machines,
    at: np.ndarray,
    ran: np.ndarray,
    settled: np.ndarray,
    statistics: np.ndarray,
    holds: np.ndarray,
) -> np.ndarray:
    """Columns of settled minutes whose sensor is neither stuck nor jumps: bool [machines, columns].

    Without a sample, one that `holds` is of use as long as the last one was.
    """
    count, low, high, last = (statistics[:, what] for what in (COUNT, MIN, MAX, LAST))
    has = count > 0
    still = has & (low == high) & (low == m.held[at])
    unchanged = np.where(has & ~still, 0, m.unchanged[at] + ran[:, None])
    m.held[at] = np.where(has, last, m.held[at])
    m.unchanged[at] = unchanged
    credible, settled = m.credible[at], settled[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(rule.held.columns, last, statistics[:, SUM] / count)
        jumps = settled & has & (np.abs(mean - credible) > rule.max_step)
    odd = np.where(has, np.where(jumps, m.odd[at] + 1, 0), m.odd[at])
    believed = has & (~jumps | (odd >= BELIEVED_AFTER))
    m.odd[at] = np.where(believed, 0, odd)
    m.credible[at] = np.where(settled, np.where(believed, mean, credible), np.nan)
    sound = np.where(has, believed, holds & (m.odd[at] == 0))
    return settled & sound & (unchanged < rule.stuck_after_min)


def read(rule: Rule, level: np.ndarray, statistics: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per bin: whether the rule's signal has samples, the level they end on, whether they left it on the way.

    `level` is the level before, `statistics` is [bins, 7, columns].
    """
    if rule.column is None:
        has = np.any(statistics[:, COUNT] > 0, axis=1)
        return has, np.full(len(level), RUNNING, np.int8), np.zeros(len(level), bool)
    own = statistics[:, :, rule.column]
    has = own[:, COUNT] > 0
    if rule.is_code:
        return has, np.where(has, own[:, LAST], UNKNOWN).astype(np.int8), has & (own[:, MIN] != own[:, MAX])
    running = rule.running_above - rule.hysteresis * (level == RUNNING)
    off = rule.off_below + rule.hysteresis * (level == OFF)
    found = np.where(own[:, LAST] >= running, RUNNING, np.where(own[:, LAST] <= off, OFF, IDLE))
    return has, found.astype(np.int8), has & (own[:, MIN] < running)
