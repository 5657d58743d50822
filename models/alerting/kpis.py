"""How warnings are looked after: by engineer and week what was raised, stands, is stale or comes and goes. Pure.

Alarm management asks these of operators' alarms (ISA-18.2, EEMUA 191). Warnings of days are fewer and slower, so their
words are taken over, and the bars are our own where that is said.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from msgspec import Struct

from models.alerting.lifecycle import SELF, is_active
from models.alerting.precision import Precision
from models.alerting.raised import Raised, raised
from models.alerting.track import track_of
from models.plant import Budget
from models.records import Alert, AlertReason, AlertState

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
STALE_UNSEEN_US = DAY_US
"""ISA-18.2 calls an alarm that stands for 24 h stale; of warnings, whose time is days, only one that nobody
acknowledged. From memory of the standard, not read in it."""
STALE_US = 7 * DAY_US
"""Whatever stands for a week is stale, acknowledged or not: as long as the longest horizon. Our choice."""
CHATTERS = 3
"""Times in a day that a warning comes back. ISA-18.2 counts three times in a minute for alarms (from memory); a day is
our choice, since evidence of a warning needs minutes to hours to hold."""
TOP = 10
NOBODY = "nobody"
"""Whose warnings are that nobody was given and nobody acknowledged."""


class OfEngineer(Struct, frozen=True, kw_only=True):
    """An engineer's warnings in a week: raised in it, standing at its end, and so on; closed in it are `inspected`.

    Of the standing, `held` are held back; those that are `stale` are not.
    """

    engineer: str
    raised: int
    standing: int
    held: int
    stale: tuple[str, ...]
    chattering: tuple[str, ...]
    inspected: int
    found: int
    precision: Precision | None

    @property
    def unfounded(self) -> int:
        """Visits at which nothing was found."""
        return self.inspected - self.found


class Kpis(Struct, frozen=True, kw_only=True):
    """A week's, by engineer and over all; `top` are machines by warnings raised, with the share of them all.

    `broken` says by which the plant's budget of unfounded warnings is broken, if it is.
    """

    from_us: int
    to_us: int
    engineers: tuple[OfEngineer, ...]
    whole: OfEngineer
    top: tuple[tuple[str, int, float], ...]
    broken: tuple[str, ...]


def kpis(revisions: Iterable[Alert], budget: Budget, from_us: int, to_us: int, now_us: int) -> Kpis:
    """Of from_us <= time < to_us, as it was at its end, or is now where that is to come. Replays do not count."""
    end_us = min(to_us, now_us)
    known = [one for one in revisions if not one.historical and _moved_us(one) < end_us]
    of: dict[str, dict[int, Alert]] = defaultdict(dict)
    for one in known:
        of[one.id][one.revision] = one
    whose = {id_: engineer(each.values()) for id_, each in of.items()}
    week = [one for one in raised(known) if from_us <= one.began_us < end_us]
    names = sorted(set(whose.values()), key=lambda name: (name == NOBODY, name))
    told = (
        _of(name, {id_: each for id_, each in of.items() if whose[id_] == name}, week, from_us, end_us)
        for name in names
    )
    engineers = tuple(one for one in told if any((one.raised, one.standing, one.held, one.inspected)))
    whole = _of("all", of, week, from_us, end_us)
    return Kpis(
        from_us=from_us, to_us=to_us, engineers=engineers, whole=whole, top=_top(week),
        broken=_broken(engineers, whole, budget),
    )  # fmt: skip


def _moved_us(one: Alert) -> int:
    return one.moved_us or one.window_end_us


def engineer(revisions: Iterable[Alert]) -> str:
    """Whose a warning is: assigned to, else acknowledged by, else nobody."""
    every = sorted(revisions, key=lambda one: one.revision)
    seen = [one.by for one in every if one.reason is AlertReason.ACKNOWLEDGED and one.by not in ("", SELF)]
    return every[-1].assigned or (seen[-1] if seen else NOBODY)


def _of(
    name: str, of: Mapping[str, Mapping[int, Alert]], week: Iterable[Raised], from_us: int, end_us: int
) -> OfEngineer:
    latest = [each[max(each)] for each in of.values()]
    holds = [one for one in latest if is_active(one)]
    began = {id_: max(one.began_us for one in raised(each.values())) for id_, each in of.items()}
    closed = [one for one in latest if one.outcome and from_us <= one.outcome.time_us < end_us]
    track = track_of(closed)
    return OfEngineer(
        engineer=name,
        raised=sum(one.first.id in of for one in week),
        standing=sum(not one.held for one in holds),
        held=sum(bool(one.held) for one in holds),
        stale=tuple(one.id for one in holds if not one.held and _is_stale(one, end_us - began[one.id])),
        chattering=tuple(id_ for id_, each in of.items() if _chatters(each.values(), from_us)),
        inspected=track.inspected,
        found=track.found,
        precision=track.precision,
    )


def _is_stale(one: Alert, stood_us: int) -> bool:
    return stood_us > STALE_US or (one.state is AlertState.UNACKNOWLEDGED and stood_us > STALE_UNSEEN_US)


def _chatters(revisions: Iterable[Alert], from_us: int) -> bool:
    """Whether it came back CHATTERS times within a day."""
    came_us = sorted(
        one.window_end_us for one in revisions if one.reason is AlertReason.RECURRED and one.window_end_us >= from_us
    )
    return any(last - first <= DAY_US for first, last in zip(came_us, came_us[CHATTERS - 1 :], strict=False))


def _top(week: Iterable[Raised]) -> tuple[tuple[str, int, float], ...]:
    counts = Counter(one.first.asset for one in week)
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:TOP]
    return tuple((asset, count, count / counts.total()) for asset, count in ranked)


def _broken(engineers: Iterable[OfEngineer], whole: OfEngineer, budget: Budget) -> tuple[str, ...]:
    """Who looked after more unfounded warnings than the plant's budget has for an engineer, and all for all."""
    each = budget.unfounded_per_engineer_week
    out = [f"{one.engineer}: {one.unfounded}, of {each:g} a week" for one in engineers if one.unfounded > each]
    if whole.unfounded > budget.per_week:
        out.append(f"all together: {whole.unfounded}, of {budget.per_week:g} a week")
    return tuple(out)
