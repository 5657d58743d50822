"""When a worker tells of itself: the rules by which a notice about lag, ledger, store or data opens and closes.

Pure and a table: values and the time come in, notices go out. A value between the two limits changes nothing that is
open, and each limit has to hold for a while, so that what swings makes no notices. Nothing here is about machines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from models.records import OF_THE_SERVICE, Notice, NoticeKind, NoticeState, notice

US = 1_000_000


class Rule(NamedTuple):
    """Open at a value of `opens_at` or more for `open_after_s`, close at `closes_at` or less for `close_after_s`.

    Where `grows`, a value that falls meanwhile begins the wait anew. Where `is_age`, values are seconds since it began.
    """

    opens_at: float
    closes_at: float
    open_after_s: float = 0.0
    close_after_s: float = 0.0
    grows: bool = False
    is_age: bool = False


def rules(lag: int, down_s: float, no_data_s: float) -> dict[NoticeKind, Rule]:
    """The rules under an installation's limits. What is not in the settings is our choice."""
    return {
        NoticeKind.LAG: Rule(lag, lag / 10, open_after_s=60.0, close_after_s=60.0, grows=True),
        NoticeKind.LEDGER: Rule(1, 0, open_after_s=30.0, close_after_s=30.0),
        NoticeKind.STORE_DOWN: Rule(down_s, 0, close_after_s=5.0, is_age=True),
        NoticeKind.NO_DATA: Rule(no_data_s, no_data_s / 10, is_age=True),
        NoticeKind.MODEL: Rule(1, 0),
    }


class Phase(StrEnum):
    """Where a condition stands: its notice is open in the last two."""

    QUIET = "quiet"
    RISING = "rising"
    OPEN = "open"
    EASING = "easing"


class Level(StrEnum):
    """A value against the two limits."""

    OVER = "over"
    BETWEEN = "between"
    UNDER = "under"


NEXT: Mapping[tuple[Phase, Level], Phase] = {
    (Phase.QUIET, Level.OVER): Phase.RISING,
    (Phase.QUIET, Level.BETWEEN): Phase.QUIET,
    (Phase.QUIET, Level.UNDER): Phase.QUIET,
    (Phase.RISING, Level.OVER): Phase.RISING,
    (Phase.RISING, Level.BETWEEN): Phase.QUIET,
    (Phase.RISING, Level.UNDER): Phase.QUIET,
    (Phase.OPEN, Level.OVER): Phase.OPEN,
    (Phase.OPEN, Level.BETWEEN): Phase.OPEN,
    (Phase.OPEN, Level.UNDER): Phase.EASING,
    (Phase.EASING, Level.OVER): Phase.OPEN,
    (Phase.EASING, Level.BETWEEN): Phase.OPEN,
    (Phase.EASING, Level.UNDER): Phase.EASING,
}
"""Where a value leads; from rising and easing time leads on, to open and to quiet."""


class Standing(NamedTuple):
    """A condition: its phase, since when, and the value that it had then."""

    phase: Phase = Phase.QUIET
    since_us: int = 0
    value: float = 0.0


def level_of(rule: Rule, value: float) -> Level:
    """A value against a rule."""
    if value >= rule.opens_at:
        return Level.OVER
    return Level.UNDER if value <= rule.closes_at else Level.BETWEEN


def follow(rule: Rule, standing: Standing, value: float, now_us: int) -> Standing:
    """Where a condition stands after a value."""
    phase = NEXT[standing.phase, level_of(rule, value)]
    falls = rule.grows and phase is Phase.RISING and value < standing.value
    if phase is not standing.phase or falls:
        standing = Standing(phase, now_us, value)
    held_s = (now_us - standing.since_us) / US
    if phase is Phase.RISING and held_s >= rule.open_after_s:
        return Standing(Phase.OPEN, standing.since_us, value)
    if phase is Phase.EASING and held_s >= rule.close_after_s:
        return Standing(Phase.QUIET, now_us, value)
    return standing


class Watch:
    """The conditions of the partitions that a worker has, and the notices that are open about them."""

    def __init__(self, plant: str, by: Mapping[NoticeKind, Rule]) -> None:
        self._plant, self._rules = plant, by
        self._standing: dict[tuple[int, NoticeKind], Standing] = {}
        self._open: dict[tuple[int, NoticeKind], Notice] = {}

    def is_open(self, partition: int, kind: NoticeKind) -> bool:
        """Whether a notice stands."""
        return (partition, kind) in self._open

    def look(self, partition: int, kind: NoticeKind, value: float | None, now_us: int) -> Notice | None:
        """Take a value in, None for one that is not known; the notice that opens or closes with it."""
        if value is None:
            return None
        of, rule = (partition, kind), self._rules[kind]
        before = self._standing.get(of, Standing())
        after = self._standing[of] = follow(rule, before, value, now_us)
        if after.phase is Phase.OPEN and of not in self._open:
            began_us = now_us - round(value * US) if rule.is_age else after.since_us
            self._open[of] = self._notice(partition, kind, began_us, now_us, _said(kind, partition, value))
            return self._open[of]
        if after.phase is Phase.QUIET and of in self._open:
            since_us = self._open.pop(of).since_us
            over = f"over after {(now_us - since_us) / US:,.0f} s"
            return self._notice(partition, kind, since_us, now_us, over, is_open=False)
        return None

    def adopt(self, partition: int, notices: Iterable[Notice]) -> None:
        """Go on with what another worker left open; `notices` are those of the partition's topic, in order."""
        for known in (self._standing, self._open):
            for of in [of for of in known if of[0] == partition]:
                del known[of]
        for one in notices:
            of = partition, one.kind
            if one.plant != self._plant or one.kind not in OF_THE_SERVICE:
                continue
            if one.state is NoticeState.OPEN:
                self._open[of], self._standing[of] = one, Standing(Phase.OPEN, one.since_us)
            elif of in self._open and self._open[of].id == one.id:
                del self._open[of], self._standing[of]

    def keep(self, partitions: Collection[int]) -> None:
        """Forget all other partitions: their notices are for whoever has them."""
        for known in (self._standing, self._open):
            for of in [of for of in known if of[0] not in partitions]:
                del known[of]

    def _notice(
        self, partition: int, kind: NoticeKind, since_us: int, now_us: int, detail: str, *, is_open: bool = True
    ) -> Notice:
        of_all = kind is NoticeKind.STORE_DOWN
        return notice(
            kind,
            self._plant,
            "",
            str(partition),
            since_us,
            is_open=is_open,
            reason=str(kind) if is_open else "over",
            time_us=now_us,
            source="InfluxDB" if of_all else f"partition {partition}",
            detail=detail,
        )


def _said(kind: NoticeKind, partition: int, value: float) -> str:
    match kind:
        case NoticeKind.LAG:
            return f"{value:,.0f} records wait and they do not get fewer: start another worker, or look at its log"
        case NoticeKind.LEDGER:
            return "what was read is not what was stored and rejected: keep the log, and see `forewarn ledger`"
        case NoticeKind.MODEL:
            return (
                f"partition {partition} lacks {value:.0f} releases that it is to score by, and others stand in for "
                "them: see `forewarn model releases` and FOREWARN_REGISTRY; it goes over when they can be loaded"
            )
        case NoticeKind.STORE_DOWN:
            return f"InfluxDB takes nothing for {value:,.0f} s; rows wait in Kafka meanwhile: see that it runs"
        case _:
            return f"no row on partition {partition} for {value / 60:,.1f} min: see that the feeds run"
