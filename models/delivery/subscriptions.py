"""A subscription as people write it: which warnings, when, how many at once, to which sink. Structs and what they mean.

How they are read from files and records is in `reading`, what is checked against a plant in `checks`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from models.plant.durations import seconds
from models.plant.shifts import Day
from models.records import Advice, AlertReason, Name

SECOND_US = 1_000_000
Severity = Annotated[int, Meta(ge=0, le=1000)]
Patterns = tuple[Name, ...]
"""Names as they are, or with * ? [] as a shell has them; one of them has to fit."""

BEGINS = (AlertReason.OPENED, AlertReason.RECURRED)
WORSE = (*BEGINS, AlertReason.RAISED, AlertReason.NEARER)
ENDS = (AlertReason.CLEARED, AlertReason.REPAIRED, AlertReason.CLOSED, AlertReason.WITHDRAWN)
TOLD = (*WORSE, *ENDS)
"""What is told where a subscription does not say: that it began, got worse, ended. Our choice, in the manner of
Alertmanager, which tells of firing and resolved."""


class By(StrEnum):
    """What warnings of one notification have in common."""

    SITE = "site"
    AREA = "area"
    LINE = "line"
    TYPE = "type"
    ASSET = "asset"
    MODE = "mode"
    ALERT = "alert"


class Match(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which warnings: each key that is given has to fit. `severity` and `advice` are the least.

    A `tag` is a signal that the warning's evidence names, by its name in the plant file or its address at a feed.
    """

    site: Patterns = ()
    area: Patterns = ()
    line: Patterns = ()
    asset: Patterns = ()
    type: Patterns = ()
    mode: Patterns = ()
    tag: Patterns = ()
    severity: Severity = 0
    advice: Advice = Advice.WATCH


class Schedule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When somebody is there: in shifts and on days of the plant's calendar, all of them where none are named.

    Outside of it warnings wait and timers stand still; with `act_now` those that ask to be acted upon now do not wait.
    """

    shifts: tuple[Name, ...] = ()
    days: tuple[Day, ...] = ()
    act_now: bool = False


class Group(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is told at once: warnings with the same `by`, that come within `wait` of the first.

    The next notification of a group goes `interval` after the last. Where more than `storm` groups would be told within
    an interval, all are told as one for as long; 0 keeps them apart.
    """

    by: tuple[By, ...] = (By.SITE, By.AREA)
    wait: str = "30s"
    interval: str = "5min"
    storm: Annotated[int, Meta(ge=0, le=1000)] = 20

    @property
    def wait_us(self) -> int:
        """Microseconds of `wait`."""
        return seconds(self.wait) * SECOND_US

    @property
    def interval_us(self) -> int:
        """Microseconds of `interval`."""
        return seconds(self.interval) * SECOND_US


class Escalation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is told of a warning that nobody acknowledged `after` so long since it was told; its own schedule, if any."""

    after: str
    sink: Name
    schedule: Schedule | None = None

    @property
    def after_us(self) -> int:
        """Microseconds of `after`."""
        return seconds(self.after) * SECOND_US


class Flapping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A machine's trouble that began `times` times `within` so long is not told again unless it is worse than told.

    It waits until fewer of these beginnings are within that time, and is told then if it is still open.
    """

    times: Annotated[int, Meta(ge=1, le=100)] = 3
    within: str = "24h"

    @property
    def within_us(self) -> int:
        """Microseconds of `within`."""
        return seconds(self.within) * SECOND_US


class Subscription(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who wants what: `sink` is a name of the file's sinks. Without `repeat` nobody is reminded."""

    sink: Name
    match: Match = Match()
    on: tuple[AlertReason, ...] = TOLD
    schedule: Schedule = Schedule()
    group: Group = Group()
    repeat: str | None = None
    escalate: tuple[Escalation, ...] = ()
    flapping: Flapping = Flapping()

    @property
    def repeat_us(self) -> int | None:
        """Microseconds of `repeat`."""
        return None if self.repeat is None else seconds(self.repeat) * SECOND_US

    @property
    def sinks(self) -> tuple[str, ...]:
        """All sinks that it may use, its own first."""
        return tuple(dict.fromkeys((self.sink, *(step.sink for step in self.escalate))))
