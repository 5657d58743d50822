"""Clocks of sources: how far the times of each usually lie behind the present, and when that jumps by whole hours.

Pure: a clock moves by the times it is given, the present is given with them. What is done with a frame whose clock
jumped, and who is told, is no matter of this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

NEVER = -1
MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US

FAR_FUTURE_US = 10 * MINUTE_US
"""A time this far beyond the present is nobody's: the last tick, or the record's own arrival where that is later."""

OLDEST_US = 946_684_800_000_000
"""2000-01-01 UTC: no plant's record is older, and milliseconds since 1970 taken for microseconds are."""

STEADY_US = 2 * MINUTE_US
"""Frames of a steady clock lie this near to its usual offset: a tick is a minute old at most, and feeds wait, too."""

STEADY_FRAMES = 10
"""So many frames in a row at the usual offset make a clock steady, or end a jump."""

STEADY_SPAN_US = 10 * MINUTE_US
"""And of so much time: history that is sent in a moment stays at one offset for some frames, too."""

HEARING_US = 30 * MINUTE_US
"""A longer gap in a source's times ends what was heard without one: a gateway may bring the gap later."""

MOST_HOURS = 14
"""No time zone is farther from UTC: Pacific/Kiritimati in the IANA data base."""

FOLLOWS = 3
"""The usual offset moves by a 2**-3rd of each steady frame's distance: it follows a drift, not a frame."""


class Judged(StrEnum):
    """What a frame's times say of its source's clock."""

    USUAL = "usual"
    OTHER = "other"  # no whole hours off, or whole hours that an outage explains
    UNSTEADY = "unsteady"  # too little is known of the clock to tell
    BACK = "back"
    AHEAD = "ahead"


class Verdict(NamedTuple):
    """Whether and why a frame is held for one of a clock that jumped; `hours` its times moved by, back is negative."""

    reason: Judged
    hours: int = 0

    @property
    def jumped(self) -> bool:
        """Whether the frame's times are some whole hours off."""
        return self.hours != 0


class Clock(Struct):
    """The clock of one source as heard of one asset, on times that a decision may have moved by `shift_us`.

    `usual_us` is the present less the newest time of a frame; `frames`, at most STEADY_FRAMES, lay near it in a row,
    with times from `begun_us` on. From `since_us` to `newest_us` there was no long gap. `jumps` has the hours of jumps
    that go on, each with the present in which its question began, NEVER where it was answered; `calm` frames in a row
    were usual since. Nothing is judged before `quiet_until_us`, so that what was held back may pass.
    """

    usual_us: int = 0
    frames: int = 0
    begun_us: int = NEVER
    newest_us: int = NEVER
    since_us: int = NEVER
    shift_us: int = 0
    quiet_until_us: int = NEVER
    calm: int = 0
    jumps: dict[int, int] = {}

    def follow(self, times_us: Sequence[int], present_us: int) -> bool:
        """Take a frame that comes at this clock's usual offset while no jump goes on; False for any other, for `hear`.

        What nearly all frames are, and so no more than that is done here.
        """
        if len(times_us) == 1:
            oldest_us = newest_us = times_us[0]
        else:
            oldest_us, newest_us = min(times_us), max(times_us)
        error_us = present_us - newest_us - self.usual_us
        if not -STEADY_US <= error_us <= STEADY_US or not self.frames or self.jumps:
            return False
        if self.frames == STEADY_FRAMES:
            self.usual_us += error_us >> FOLLOWS
        elif self.frames < STEADY_FRAMES - 1 or newest_us >= self.begun_us + STEADY_SPAN_US:
            self.frames += 1
        if newest_us > self.newest_us:
            if oldest_us > self.newest_us + HEARING_US:
                self.since_us = oldest_us
            self.newest_us = newest_us
        return True


class Heard(NamedTuple):
    """What a frame brought about: its verdict, the hours whose question it opened, and questions that it ended."""

    verdict: Verdict
    opened: bool = False
    ended: tuple[tuple[int, int], ...] = ()  # (hours, since)


def judge(clock: Clock, oldest_us: int, newest_us: int, present_us: int) -> Verdict:
    """Whether a frame with these times, heard at this present, is of a clock that jumped. Changes nothing."""
    first = clock.newest_us == NEVER and not clock.frames
    if not (first or clock.frames):
        return Verdict(Judged.UNSTEADY)
    moved_us = newest_us - present_us + (0 if first else clock.usual_us)
    hours = (moved_us + HOUR_US // 2) // HOUR_US
    if abs(moved_us - hours * HOUR_US) > STEADY_US or abs(hours) > MOST_HOURS:
        return Verdict(Judged.OTHER)
    if hours == 0:
        return Verdict(Judged.USUAL)
    if hours > 0:
        return _ahead(clock, hours, oldest_us, newest_us, present_us)
    if clock.frames < STEADY_FRAMES:
        return Verdict(Judged.UNSTEADY)
    # What a gateway kept comes in order, or lies in a gap of what was heard: neither says anything of a clock.
    if hours in clock.jumps or clock.since_us <= oldest_us < clock.newest_us:
        return Verdict(Judged.BACK, hours)
    return Verdict(Judged.OTHER)


def _ahead(clock: Clock, hours: int, oldest_us: int, newest_us: int, present_us: int) -> Verdict:
    """Only of times that nobody's clock can have reached, and only where all of a frame moved: one row may be wrong."""
    if newest_us <= present_us + FAR_FUTURE_US:
        return Verdict(Judged.OTHER)
    if clock.newest_us == NEVER:
        all_us = present_us + FAR_FUTURE_US
    elif clock.frames < STEADY_FRAMES:
        return Verdict(Judged.UNSTEADY)
    else:
        all_us = clock.newest_us + hours * HOUR_US - STEADY_US
    return Verdict(Judged.AHEAD, hours) if oldest_us >= all_us else Verdict(Judged.OTHER)


def hear(clock: Clock, times_us: Sequence[int], present_us: int) -> Heard:
    """Take the times of a frame that its clock did not `follow`, and say what they are. A jump moves no usual."""
    oldest_us, newest_us = min(times_us), max(times_us)
    if newest_us < OLDEST_US:
        return Heard(Verdict(Judged.OTHER))
    if present_us < clock.quiet_until_us:
        _reach(clock, oldest_us, newest_us, present_us)
        return Heard(Verdict(Judged.UNSTEADY))
    verdict = judge(clock, oldest_us, newest_us, present_us)
    if verdict.jumped:
        return Heard(verdict, opened=_open(clock, verdict.hours, present_us))
    if newest_us > present_us + FAR_FUTURE_US and verdict.reason is not Judged.USUAL:
        return Heard(verdict)
    _reach(clock, oldest_us, newest_us, present_us)
    if clock.jumps:
        return Heard(verdict, ended=_calm(clock, verdict))
    clock.usual_us, clock.frames, clock.begun_us = present_us - newest_us, 1, oldest_us
    return Heard(verdict)


def _reach(clock: Clock, oldest_us: int, newest_us: int, present_us: int) -> None:
    """Note what was heard, without times that are nobody's."""
    newest_us = min(newest_us, present_us + FAR_FUTURE_US)
    if newest_us <= clock.newest_us or oldest_us > newest_us:
        return
    if clock.newest_us == NEVER or oldest_us > clock.newest_us + HEARING_US:
        clock.since_us = oldest_us
    clock.newest_us = newest_us


def _open(clock: Clock, hours: int, present_us: int) -> bool:
    """Note a jumped frame; whether it opens the question of these hours."""
    clock.calm = 0
    if not clock.frames:
        clock.frames = STEADY_FRAMES  # a source never heard: it is held against the present until it is answered
    if clock.jumps.get(hours, NEVER) != NEVER:
        return False
    clock.jumps[hours] = present_us
    return True


def _calm(clock: Clock, verdict: Verdict) -> tuple[tuple[int, int], ...]:
    """Note a frame that did not jump while a jump goes on; the jumps that it ends."""
    clock.calm = clock.calm + 1 if verdict.reason is Judged.USUAL else 0
    return answered(clock) if clock.calm >= STEADY_FRAMES else ()


def answered(clock: Clock, *, goes_on: bool = False) -> tuple[tuple[int, int], ...]:
    """End the questions of a clock, in order of hours; where its jumps go on, the next jumped frame asks anew."""
    ended = tuple((hours, since_us) for hours, since_us in sorted(clock.jumps.items()) if since_us != NEVER)
    clock.jumps = dict.fromkeys(sorted(clock.jumps), NEVER) if goes_on else {}
    clock.calm = 0
    return ended


def moved(clock: Clock, shift_us: int, quiet_until_us: int) -> None:
    """Move a clock's times by so much from here on. One that jumped is measured anew once the quiet is over.

    What was heard before stands as it is: a shift puts right what came after it.
    """
    if clock.shift_us == shift_us and not clock.jumps:
        clock.quiet_until_us = quiet_until_us
        return
    clock.shift_us, clock.quiet_until_us = shift_us, quiet_until_us
    clock.usual_us = clock.frames = 0


class Decided(Struct, frozen=True):
    """What was decided of a source: by how much its times are moved, and until when nothing is judged."""

    shift_us: int
    quiet_until_us: int


MOST_SOURCES = 20
"""Sources that an asset's clocks are kept of: a feed that names itself anew each time must not fill the memory."""


class Forgotten(NamedTuple):
    """A question that nothing is known of any more, since its source had to make room."""

    source: str
    hours: int
    since_us: int


class Clocks(Struct):
    """All clocks of a partition by asset, then source; what was decided of each source, by asset, "" for all others."""

    by_asset: dict[str, dict[str, Clock]] = {}
    decided: dict[str, dict[str, Decided]] = {}

    def of(self, asset: str, source: str) -> Clock:
        """The clock of a source as heard of an asset. Raises KeyError for one that was not heard; see `meet`."""
        return self.by_asset[asset][source]

    def meet(self, asset: str, source: str) -> tuple[Clock, tuple[Forgotten, ...]]:
        """A new clock of a source never heard of this asset, and questions of another that had to make room for it."""
        mine = self.by_asset.setdefault(asset, {})
        forgotten: tuple[Forgotten, ...] = ()
        if len(mine) >= MOST_SOURCES:
            # One with an open question goes last: its source may be live, and its times are wrong until it is answered.
            oldest = min(mine, key=lambda name: (bool(mine[name].jumps), mine[name].newest_us, name))
            forgotten = tuple(Forgotten(oldest, *ended) for ended in answered(mine.pop(oldest)))
        known = self.decided.get(source, {})
        decided = known.get(asset) or known.get("")
        clock = mine[source] = Clock()
        if decided is not None:
            clock.shift_us, clock.quiet_until_us = decided.shift_us, decided.quiet_until_us
        return clock, forgotten

    def of_source(self, source: str) -> list[tuple[str, Clock]]:
        """The clocks of a source by asset, in order of name."""
        return [(asset, clocks[source]) for asset, clocks in sorted(self.by_asset.items()) if source in clocks]

    def decide(self, source: str, assets: Sequence[str], decided: Decided) -> None:
        """Note what holds for a source from here on, of some assets, or of all where none is named."""
        if assets:
            self.decided.setdefault(source, {}).update(dict.fromkeys(assets, decided))
        else:
            self.decided[source] = {"": decided}
