"""Spans of rows that came too late for bins: marked row by row, told of once they are quiet, asked for until rebuilt.

All in order of the log: `order` marks and looks at each tick, `controls.rebuilt` answers.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from models.bins import MINUTE_US
from models.records import Notice, NoticeKind, notice

LONGEST_WAIT_US = 15 * MINUTE_US
"""A span that rows keep coming to is told of after this much time of ticks nevertheless, and an asset has one notice
in as much time: each costs a reading of its life. Our choice."""
NEVER = -1
_SAID = {
    "late-rows": "rows of {hours:.1f} h came too late and are stored; `forewarn rebuild` brings them into the windows",
    "superseded": "part of a later span now",
    "rebuilt": "rows of {hours:.1f} h are in the windows now",
}


class Span(Struct):
    """From the earliest to the latest time that changed too late; `since_us` is the first tick after it was marked.

    `fresh`: more came since the last tick.
    """

    from_us: int
    to_us: int
    since_us: int = NEVER
    fresh: bool = True

    def widen(self, from_us: int, to_us: int) -> None:
        """Take more in."""
        self.from_us, self.to_us = min(self.from_us, from_us), max(self.to_us, to_us)


class Late(Struct):
    """Of an asset: the `number` its next notice has, the span that waits for it, and the last told, until rebuilt.

    `told_us` is the tick of the last notice.
    """

    number: int = 0
    told_us: int = NEVER
    waiting: Span | None = None
    asked: Span | None = None


class Told(NamedTuple):
    """A notice to give: place of the tick, index of the asset, its number, the span, up to where all is final.

    `before`: the span that was asked for under the number before and is part of this one now.
    """

    at: int
    asset: int
    number: int
    span: Span
    until_us: int
    before: Span | None


def mark(late: dict[int, Late], asset: int, from_us: int, to_us: int) -> None:
    """Something of an asset changed between two times, too late for its bins."""
    own = late.setdefault(asset, Late())
    if own.waiting is None:
        own.waiting = Span(from_us, to_us)
        return
    own.waiting.widen(from_us, to_us)
    own.waiting.fresh = True


def look(own: Late, at: int, asset: int, tick_us: int, until_us: int) -> Told | None:
    """What a tick has to tell of an asset of which all up to `until_us` is final: a span that is quiet or waited long.

    What lies in the minute of `until_us`, or beyond it, waits on: a rebuild ends with whole minutes.
    """
    span = own.waiting
    if span is None:
        return None
    if span.since_us == NEVER:
        span.since_us = tick_us
    end_us = until_us // MINUTE_US * MINUTE_US
    fresh, span.fresh = span.fresh, False
    quiet = not fresh and span.to_us < end_us
    ripe = quiet or tick_us - span.since_us >= LONGEST_WAIT_US
    often = own.told_us != NEVER and tick_us - own.told_us < LONGEST_WAIT_US
    if span.from_us >= end_us or not ripe or often:
        return None
    own.waiting = Span(end_us, span.to_us, tick_us, fresh=False) if span.to_us >= end_us else None
    span.to_us = min(span.to_us, end_us - 1)
    before, own.asked = own.asked, span
    if before is not None:
        span.widen(before.from_us, before.to_us)
    own.number, own.told_us = own.number + 1, tick_us
    return Told(at, asset, own.number - 1, span, until_us, before)


def notices(told: list[Told], names: list[str], plant: str) -> list[tuple[int, Notice]]:
    """Notices with the places of their ticks."""
    out = []
    for one in told:
        asset = names[one.asset]
        if one.before is not None:
            out.append((one.at, closed(plant, asset, one.number - 1, one.before, one.until_us, "superseded")))
        out.append((one.at, _told(plant, asset, one.number, one.span, one.until_us, "late-rows")))
    return out


def closed(plant: str, asset: str, number: int, span: Span, time_us: int, reason: str) -> Notice:
    """The end of a notice: rebuilt, or part of a later one."""
    return _told(plant, asset, number, span, time_us, reason)


def _told(plant: str, asset: str, number: int, span: Span, time_us: int, reason: str) -> Notice:
    return notice(
        NoticeKind.LATE_SPAN,
        plant,
        asset,
        str(number),
        span.since_us,
        is_open=reason == "late-rows",
        reason=reason,
        time_us=time_us,
        from_us=span.from_us,
        to_us=span.to_us,
        number=number,
        detail=_SAID[reason].format(hours=(span.to_us - span.from_us) / (60 * MINUTE_US)),
    )
