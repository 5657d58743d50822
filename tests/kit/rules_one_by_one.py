"""Rules one minute after another, as their words say it: what the evaluation of all at once is held to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

LEAST = 3


@dataclass
class Level:
    """Where one level of one rule stands with one machine."""

    last: int | None = None
    beyond: list[tuple[int, int]] = field(default_factory=list)
    back: list[tuple[int, int]] = field(default_factory=list)
    holds: bool = False


@dataclass(frozen=True)
class Asked:
    """One level: which side of it is bad, and how long until it holds and ceases to."""

    sign: float
    level: float
    hysteresis: float
    lasts_min: int
    clears_min: int


Minute = tuple[int, int, int, tuple[float, ...]]
"""Asset, minute, start of its life, and what each level is held against."""


class Walk:
    """Machines that are moved through minutes."""

    def __init__(self, asked: list[Asked], hearing_min: int) -> None:
        self._asked, self._hearing_min = asked, hearing_min
        self._of: dict[int, list[Level]] = defaultdict(lambda: [Level() for _ in asked])
        self._life: dict[int, int] = defaultdict(int)

    def take(self, minutes: Iterable[Minute]) -> list[tuple[int, int, int, bool, int | None]]:
        """Asset, minute, level, whether it holds, and since when, wherever that changes."""
        out = []
        for asset, minute, since_us, values in minutes:
            before = [level.holds for level in self._of[asset]]
            if self._life[asset] != since_us:
                self._life[asset] = since_us
                self._of[asset] = [Level() for _ in self._asked]
            for at, (asked, value) in enumerate(zip(self._asked, values, strict=True)):
                level = self._of[asset][at]
                self._step(asked, level, minute, value)
                if level.holds != before[at]:
                    out.append((asset, minute, at, level.holds, level.beyond[0][0] if level.beyond else None))
        return out

    def _step(self, asked: Asked, level: Level, minute: int, value: float) -> None:
        if np.isnan(value):
            return
        since = 1 if level.last is None else min(minute - level.last, self._hearing_min)
        level.last = minute
        off = asked.sign * (value - asked.level)
        level.beyond = [*level.beyond, (minute, since)] if off > 0 else []
        level.back = [*level.back, (minute, since)] if off <= -asked.hysteresis else []
        if _is_long(level.beyond, asked.lasts_min):
            level.holds = True
        if _is_long(level.back, asked.clears_min):
            level.holds = False


def _is_long(run: list[tuple[int, int]], lasts_min: int) -> bool:
    """The first minute of a run counts one, each later one the time since the one before."""
    return len(run) >= LEAST and 1 + sum(since for _, since in run[1:]) >= lasts_min
