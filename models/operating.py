"""What each machine is doing, minute by minute: one rule per asset type over 1-min bins, in order of event time.

The rule, where machines stand by it, and what is found of a minute: whether it is of settled running, how long and how
often the machine has run in this life, and which sensors are stuck or jump while it runs. `following` finds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from models.bins import Held
from models.records import OperatingState

UNKNOWN, OFF, STARTING, RUNNING, STOPPING, IDLE, MAINTENANCE = range(len(OperatingState))
STATES = tuple(OperatingState)
"""What a code means."""

SOUND, STUCK, JUMPED, SILENT = range(4)
FAULTS = ("", "stuck", "jumped", "silent")
"""What is wrong with a sensor of a running machine, by code: no fault of the machine."""

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
    its source is gone, whatever a tag said before. Per column: `stuck_after_min`, `max_step`, which are `held` and for
    how long after a sample (`holds_min`), and the `reference` that squares are about.
    """

    silence_min: int
    hearing_min: int
    stuck_after_min: np.ndarray
    max_step: np.ndarray
    held: Held
    holds_min: np.ndarray
    reference: np.ndarray
    column: int | None = None
    is_code: bool = False
    running_above: float = 0.0
    off_below: float = 0.0
    hysteresis: float = 0.0
    settle_min: int = 0

    def read(
        self, last: np.ndarray, low: np.ndarray, high: np.ndarray, hysteresis: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """The level that minutes end on, and whether they left running; of no use where the rule's signal says nothing.

        `last`, `low` and `high` are [columns, minutes]. A machine keeps a level until it is beyond the threshold by the
        hysteresis: what is read with it is so of machines on that level alone, what is read with 0 of all others.
        """
        if self.column is None:
            return np.full(last.shape[1], RUNNING, np.int8), np.zeros(last.shape[1], bool)
        last, low, high = last[self.column], low[self.column], high[self.column]
        if self.is_code:
            return np.nan_to_num(last, nan=UNKNOWN).astype(np.int8), low != high
        running, off = self.running_above - hysteresis, self.off_below + hysteresis
        level = np.where(last >= running, RUNNING, np.where(last <= off, OFF, IDLE))
        return level.astype(np.int8), low < running


class Machines(Struct):
    """Where the machines of a type stand after their last minute: arrays [assets], and [assets, columns] of sensors."""

    since_us: np.ndarray  # start of the life that running and starts are of
    minute: np.ndarray  # the last minute with a sample
    taken: np.ndarray  # the last minute taken, which can be a pause in what holds
    seen: np.ndarray  # the last minute with a sample of the rule's signal
    level: np.ndarray  # int8, as measured: unknown, off, idle, running, or what a state tag says
    before: np.ndarray  # int8, the level before this one
    entered: np.ndarray  # the minute this level began
    running: np.ndarray  # minutes run in this life
    starts: np.ndarray  # starts in this life
    held: np.ndarray  # float64, last value of each sensor
    spoke: np.ndarray  # the minute in which it came, or the machine was heard anew; NEVER_MIN where it holds nothing
    unchanged: np.ndarray  # running minutes since it was another
    credible: np.ndarray  # float64, last mean that was no jump, NaN before one
    odd: np.ndarray  # int8, jumps in a row
    fault: np.ndarray  # int8, a place in FAULTS, as of the last minute of running

    @classmethod
    def none(cls, assets: int, columns: int) -> Machines:
        """Machines of which nothing is known."""
        whole, never = np.zeros(assets, np.int64), np.full(assets, NEVER_MIN)
        unknown, unread = np.full(assets, UNKNOWN, np.int8), np.full((assets, columns), np.nan)
        return cls(
            since_us=whole, minute=never, taken=never.copy(), seen=never.copy(), level=unknown, before=unknown.copy(),
            entered=never.copy(), running=whole.copy(), starts=whole.copy(),
            held=unread, spoke=np.full((assets, columns), NEVER_MIN),
            unchanged=np.zeros((assets, columns), np.int64), credible=unread.copy(),
            odd=np.zeros((assets, columns), np.int8), fault=np.zeros((assets, columns), np.int8),
        )  # fmt: skip

    def grow(self, assets: int) -> None:
        """Make room for `assets` machines in all."""
        fresh = Machines.none(assets - len(self.minute), self.held.shape[1])
        for name in self.__struct_fields__:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(fresh, name)]))

    def copy_of(self, assets: np.ndarray) -> Machines:
        """Those machines alone, to be moved on without moving these."""
        return Machines(*(getattr(self, name).take(assets, axis=0) for name in self.__struct_fields__))

    def put(self, assets: np.ndarray, moved: Machines) -> None:
        """Those machines as they were moved on."""
        for name in self.__struct_fields__:
            getattr(self, name)[assets] = getattr(moved, name)


class Found(NamedTuple):
    """Of each minute: state code, which columns can be used, running minutes and starts of the life by then.

    And what held of an earlier minute, to be added to its statistics.
    """

    state: np.ndarray  # int8 [pairs]
    use: np.ndarray  # bool [pairs, columns]
    running: np.ndarray  # int64 [pairs]
    starts: np.ndarray  # int64 [pairs]
    lead: np.ndarray  # float64 [pairs, 3, held]: COUNT, SUM, SQUARES
    fault: np.ndarray  # int8 [pairs, columns], places in FAULTS

    @classmethod
    def of(cls, pairs: int, columns: int, held: int) -> Found:
        """Room for so many minutes."""
        both = (pairs, columns)
        return cls(
            np.empty(pairs, np.int8), np.empty(both, bool), np.empty(pairs, np.int64), np.empty(pairs, np.int64),
            np.empty((pairs, 3, held)), np.empty(both, np.int8),
        )  # fmt: skip

    def part(self, of: slice | np.ndarray) -> Found:
        """The room of some of the minutes; what is in it, for a mask."""
        return Found(*(column[of] for column in self))

    @classmethod
    def placed(cls, parts: Sequence[Found], where: Sequence[np.ndarray]) -> Found:
        """Parts as one, of whose minutes each has those that its mask says."""
        out = cls.of(len(where[0]), parts[0].use.shape[1], parts[0].lead.shape[2])
        for part, mine in zip(parts, where, strict=True):
            for column, values in zip(out, part, strict=True):
                column[mine] = values
        return out
