"""What each machine is doing, minute by minute: one rule per asset type over 1-min bins, in order of event time.

Says which minutes are of settled running, how long and how often a machine has run in this life, and which sensors are
stuck or jump while it runs. Vectorised over machines; a machine's minutes come one after another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from models.bins import COUNT, LAST, MAX, MIN, SUM, changes
from models.records import OperatingState

UNKNOWN, OFF, STARTING, RUNNING, STOPPING, IDLE, MAINTENANCE = range(len(OperatingState))
STATES = tuple(OperatingState)
"""What a code means."""

NO_LIMIT_MIN = np.iinfo(np.int64).max
NEVER_MIN = -(1 << 40)
"""A minute long before any."""
STOPPING_MIN = 5
"""Coming down from running takes so long at most; what turns slowly for longer is idle. Our choice. A tag says itself
which of the two it is."""
BELIEVED_AFTER = 3
"""So many jumps in a row, minutes with samples, are a new level and no outliers. Our choice."""


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Rule:
    """A type's rule in columns and minutes; `column` is None where machines run whenever they say anything.

    Nothing is known of a machine whose rule's signal was silent for `silence_min`, or all of it for `hearing_min`: then
    its source is gone, whatever a tag said before. `stuck_after_min` and `max_step` are per column.
    """

    silence_min: int
    hearing_min: int
    stuck_after_min: np.ndarray
    max_step: np.ndarray
    column: int | None = None
    is_code: bool = False
    running_above: float = 0.0
    off_below: float = 0.0
    hysteresis: float = 0.0
    settle_min: int = 0

    def read(self, level: np.ndarray, statistics: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Per bin: whether the rule's signal has samples, the level they end on, whether they left it on the way.

        `level` is the level before, `statistics` is [bins, 7, columns].
        """
        if self.column is None:
            has = np.any(statistics[:, COUNT] > 0, axis=1)
            return has, np.full(len(level), RUNNING, np.int8), np.zeros(len(level), bool)
        own = statistics[:, :, self.column]
        has = own[:, COUNT] > 0
        if self.is_code:
            return has, np.where(has, own[:, LAST], UNKNOWN).astype(np.int8), has & (own[:, MIN] != own[:, MAX])
        running = self.running_above - self.hysteresis * (level == RUNNING)
        off = self.off_below + self.hysteresis * (level == OFF)
        found = np.where(own[:, LAST] >= running, RUNNING, np.where(own[:, LAST] <= off, OFF, IDLE))
        return has, found.astype(np.int8), has & (own[:, MIN] < running)


class Machines(Struct):
    """Where the machines of a type stand after their last minute: arrays [assets], and [assets, columns] of sensors."""

    since_us: np.ndarray  # start of the life that running and starts are of
    minute: np.ndarray  # the last minute taken
    seen: np.ndarray  # the last minute with a sample of the rule's signal
    level: np.ndarray  # int8, as measured: unknown, off, idle, running, or what a state tag says
    before: np.ndarray  # int8, the level before this one
    entered: np.ndarray  # the minute this level began
    running: np.ndarray  # minutes run in this life
    starts: np.ndarray  # starts in this life
    held: np.ndarray  # float64, last value of each sensor
    unchanged: np.ndarray  # running minutes since it was another
    credible: np.ndarray  # float64, last mean that was no jump, NaN before one
    odd: np.ndarray  # int8, jumps in a row

    @classmethod
    def none(cls, assets: int, columns: int) -> Machines:
        """Machines of which nothing is known."""
        whole, never = np.zeros(assets, np.int64), np.full(assets, NEVER_MIN)
        unknown, unread = np.full(assets, UNKNOWN, np.int8), np.full((assets, columns), np.nan)
        return cls(
            since_us=whole, minute=never, seen=never.copy(), level=unknown, before=unknown.copy(),
            entered=never.copy(), running=whole.copy(), starts=whole.copy(),
            held=unread, unchanged=np.zeros((assets, columns), np.int64), credible=unread.copy(),
            odd=np.zeros((assets, columns), np.int8),
        )  # fmt: skip

    def grow(self, assets: int) -> None:
        """Make room for `assets` machines in all."""
        fresh = Machines.none(assets - len(self.minute), self.held.shape[1])
        for name in self.__struct_fields__:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(fresh, name)]))

    def copy_of(self, assets: np.ndarray) -> Machines:
        """Those machines alone, to be moved on without moving these."""
        return Machines(*(getattr(self, name)[assets] for name in self.__struct_fields__))


class Found(NamedTuple):
    """Of each minute: state code, which columns can be used, running minutes and starts of the life by then."""

    state: np.ndarray  # int8 [pairs]
    use: np.ndarray  # bool [pairs, columns]
    running: np.ndarray  # int64 [pairs]
    starts: np.ndarray  # int64 [pairs]


def follow(
    rule: Rule, machines: Machines, at: np.ndarray, minute: np.ndarray, since_us: np.ndarray, statistics: np.ndarray
) -> Found:
    """Move machines on through minutes sorted by machine and time; `at` is their place in `machines`.

    Changes `machines`. `statistics` is [pairs, 7, columns].
    """
    found = Found(
        np.empty(len(at), np.int8),
        np.empty((len(at), statistics.shape[2]), bool),
        np.empty(len(at), np.int64),
        np.empty(len(at), np.int64),
    )
    if not len(at):
        return found
    first = np.maximum.accumulate(np.where(changes(at), np.arange(len(at)), 0))
    turn = np.arange(len(at)) - first
    for number in range(int(turn.max()) + 1):
        now = np.flatnonzero(turn == number)
        one = _advance(rule, machines, at[now], minute[now], since_us[now], statistics[now])
        for column, part in zip(found, one, strict=True):
            column[now] = part
    return found


def _advance(
    rule: Rule, m: Machines, at: np.ndarray, minute: np.ndarray, since_us: np.ndarray, statistics: np.ndarray
) -> Found:
    """One minute of each machine in `at`, which are all different."""
    gap = minute - m.minute[at]
    lost = (minute - m.seen[at] > rule.silence_min) | (gap > rule.hearing_min)
    level = np.where(lost, UNKNOWN, m.level[at]).astype(np.int8)
    has, told, mixed = rule.read(level, statistics)
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
    m.since_us[at], m.minute[at], m.level[at], m.before[at], m.entered[at] = since_us, minute, now, before, entered
    m.seen[at] = np.where(has, minute, m.seen[at])
    m.running[at], m.starts[at] = running, starts
    use = _usable(rule, m, at, np.where(ran_on, gap, 0), settled, statistics)
    return Found(state, use, running, starts)


def _usable(
    rule: Rule, m: Machines, at: np.ndarray, ran: np.ndarray, settled: np.ndarray, statistics: np.ndarray
) -> np.ndarray:
    """Columns of settled minutes whose sensor is neither stuck nor jumps: bool [machines, columns]."""
    count, low, high, last = (statistics[:, what] for what in (COUNT, MIN, MAX, LAST))
    has = count > 0
    still = has & (low == high) & (low == m.held[at])
    unchanged = np.where(has & ~still, 0, m.unchanged[at] + ran[:, None])
    m.held[at] = np.where(has, last, m.held[at])
    m.unchanged[at] = unchanged
    credible, settled = m.credible[at], settled[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = statistics[:, SUM] / count
        jumps = settled & has & (np.abs(mean - credible) > rule.max_step)
    odd = np.where(has, np.where(jumps, m.odd[at] + 1, 0), m.odd[at])
    believed = has & (~jumps | (odd >= BELIEVED_AFTER))
    m.odd[at] = np.where(believed, 0, odd)
    m.credible[at] = np.where(settled, np.where(believed, mean, credible), np.nan)
    return settled & has & believed & (unchanged < rule.stuck_after_min)
