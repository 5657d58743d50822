"""One round of learning on: judge what runs beside the champion, or look for drift, and answer it.

What to do is decided here, and nothing is done here: rows, the refit, the plant's releases and the topic are behind
ports, so that live rounds and simulated ones are the same. A round does one thing at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

from models.alerting.verdict import Reason, Verdict
from models.records import Drift, ModelUpdate, UpdateStep


class Look(NamedTuple):
    """What was looked at: drift that passed its bar, as records, what of it is news, and what is to be learned.

    `since_us` is when that began, None where nothing that moved is to be learned; `events` are the independent failures
    that are known since the reference. Leaves were refitted `in_vain` where nothing came of it: then trees are to grow.
    """

    version: str
    moved: tuple[Drift, ...]
    news: tuple[Drift, ...]
    since_us: int | None
    events: int
    in_vain: bool = False


class Made(NamedTuple):
    """A model that was learned: its files' version, and how it did, in figures and in words."""

    version: str
    figures: dict[str, float]
    said: str
    events: int


class NotMade(Exception):  # named for what happened
    """No model came of it: why, in the learner's own reason and words, and how many independent failures there were."""

    def __init__(self, reason: str, said: str, events: int) -> None:
        super().__init__(said)
        self.reason, self.said, self.events = reason, said, events


class Ports(Protocol):
    """Of one name on one plant."""

    def candidate(self) -> str:
        """The release that runs beside the champion; empty for none."""
        ...

    def verdict(self) -> Verdict | None:
        """Over it, by what came since; None while nothing was said beside the champion."""
        ...

    def promote(self, version: str, why: str) -> None:
        """Have the name mean it."""
        ...

    def end(self, why: str) -> None:
        """Have it run beside the champion no more."""
        ...

    def look(self) -> Look:
        """For drift, in the rows that there are now."""
        ...

    def learn(self, since_us: int, grows: bool) -> Made:
        """Refit on rows since then, leaves or by more trees, and keep what was made for `offer`. Raises NotMade."""
        ...

    def train(self) -> Made:
        """Train anew on all rows, and keep what was made for `offer`. Raises NotMade."""
        ...

    def offer(self, made: Made) -> None:
        """Have it run beside the champion. Raises NotMade where it does not come to that."""
        ...


class Asked(NamedTuple):
    """What a round may do: whose name it is, whether it may update and promote.

    With `since_us` it learns from rows since then whatever moved; with `anew` it trains anew.
    """

    plant: str
    name: str
    may_update: bool
    may_promote: bool
    since_us: int | None = None
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one: records for the topic, what is to be said."""

    drifts: tuple[Drift, ...]
    update: ModelUpdate


GIVEN_UP = frozenset({
    Reason.CATCHES_LESS, Reason.MORE_UNFOUNDED, Reason.WARNS_LATER, Reason.WORSE_CALIBRATED, Reason.TOO_SLOW,
    Reason.NOT_BETTER,
})  # fmt: skip
"""Verdicts, given after as many days and failures as are asked, over which a candidate is ended."""


def turn(ports: Ports, asked: Asked, now_us: int) -> Round:
    """One round."""
    candidate = ports.candidate()
    if candidate:
        return Round((), _judged(ports, asked, candidate, now_us))
    look = ports.look()
    return Round(look.news, _answered(ports, asked, look, now_us))


def _judged(ports: Ports, asked: Asked, candidate: str, now_us: int) -> ModelUpdate:
    """What comes of what runs beside the champion."""
    verdict = ports.verdict()
    told = partial(ModelUpdate, plant=asked.plant, name=asked.name, time_us=now_us, candidate=candidate)
    if verdict is None:
        return told(step=UpdateStep.WAITS, detail="it has said nothing beside the champion yet")
    told = partial(told, reason=str(verdict.reason), detail=verdict.said)
    if verdict.reason in GIVEN_UP:
        ports.end(verdict.said)
        return told(step=UpdateStep.GIVEN_UP)
    if verdict.reason is not Reason.BETTER:
        return told(step=UpdateStep.WAITS)
    if not asked.may_promote:
        return told(step=UpdateStep.WOULD_PROMOTE)
    ports.promote(candidate, verdict.said)
    return told(step=UpdateStep.PROMOTED)


def _answered(ports: Ports, asked: Asked, look: Look, now_us: int) -> ModelUpdate:
    """What comes of drift, or of what is asked whatever moved."""
    told = partial(ModelUpdate, plant=asked.plant, name=asked.name, time_us=now_us, parent=look.version)
    told = partial(told, causes=tuple(dict.fromkeys(one.cause for one in look.moved)))
    detail, since_us = "; ".join(one.detail for one in look.moved), asked.since_us or look.since_us
    if not (look.moved or asked.anew or asked.since_us):
        return told(step=UpdateStep.STEADY, events=look.events)
    if since_us is None and not asked.anew:
        return told(step=UpdateStep.NOT_TO_BE_LEARNED, detail=detail, events=look.events)
    if not asked.may_update:
        return told(step=UpdateStep.WOULD_UPDATE, detail=detail, events=look.events)
    told = partial(told, anew=asked.anew)
    try:
        made = ports.train() if asked.anew or since_us is None else ports.learn(since_us, look.in_vain)
        ports.offer(made)
    except NotMade as not_made:
        return told(step=UpdateStep.REFUSED, reason=not_made.reason, detail=not_made.said, events=not_made.events)
    return told(
        step=UpdateStep.OFFERED, candidate=made.version, detail=made.said, events=made.events, figures=made.figures
    )
