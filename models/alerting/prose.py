"""A warning's facts as they are given to a writer outside, and what is taken of the prose that comes back.

Nobody's name leaves: people are aliases, and what they typed is left out, since it may name others. Pure: nothing is
sent here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from models.alerting.lifecycle import SELF
from models.alerting.page import Facts, parts, title
from models.alerting.value import Entry
from models.records import Alert

ASKED = (
    "You write for a maintenance technician. Tell in at most 120 words of plain English what this maintenance advisory "
    "says: what is wrong with which machine, how sure that is, what to do first and before when. Use the facts below "
    "and nothing else: no number, cause or advice that does not stand there. Do not use headings or lists."
)
SWEPT = 3
"""Letters of a name from which on it is taken out of all text; shorter ones are only taken out of where names stand."""
_E_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


class Asking(NamedTuple):
    """What is sent, and whom its aliases stand for."""

    text: str
    people: dict[str, str]


def asking(facts: Facts) -> Asking:
    """The page in text, without names and without what people typed."""
    people = {name: f"person {at}" for at, name in enumerate(_people(facts), 1)}
    page = _masked(facts, people)
    lines = [title(page)]
    for part in parts(page):
        lines += ["", part.title, *part.lines]
        if part.table:
            head = part.table.head
            lines += [", ".join(map(": ".join, zip(head, row, strict=True))) for row in part.table.rows]
    return Asking(_swept("\n".join(lines), people), {alias: name for name, alias in people.items()})


def answered(prose: str, asked: Asking) -> str:
    """What came back, in one paragraph with people's names. Raises Unfounded for numbers that no fact has."""
    said = " ".join(prose.split())
    new = _numbers(said) - _numbers(asked.text)
    if new:
        raise Unfounded(f"it has numbers that no fact has: {', '.join(sorted(new))}")
    return re.sub(
        r"\bperson \d+\b", lambda found: asked.people.get(found[0].lower(), found[0]), said, flags=re.IGNORECASE
    )


def _numbers(text: str) -> set[str]:
    """As digits; 03 of a date is 3."""
    return {found.lstrip("0") or "0" for found in _NUMBER.findall(text)}


class Unfounded(ValueError):
    """Prose that says what the facts do not."""


def _people(facts: Facts) -> tuple[str, ...]:
    """Everybody whom the warning or the plant file names, in order."""
    case, known = facts.case, facts.plant.assets.get(facts.case.asset)
    named: Iterable[str] = (
        case.assigned, case.by, known.owner if known else "", case.outcome.by if case.outcome else "",
        *(hold.by for hold in case.held), *(comment.by for comment in case.comments),
    )  # fmt: skip
    return tuple(dict.fromkeys(name for name in named if name.strip() and name != SELF))


def _masked(facts: Facts, people: Mapping[str, str]) -> Facts:
    """Facts with aliases in all places where names stand, and without free text."""
    plant, name = facts.plant, facts.case.asset
    if known := plant.assets.get(name):
        owned = replace(known, owner=people.get(known.owner, ""))
        plant = replace(plant, assets={**plant.assets, name: owned})
    return replace(facts, case=_without_names(facts.case, people), plant=plant)


def _without_names(case: Alert, people: Mapping[str, str]) -> Alert:
    outcome = case.outcome
    if outcome is not None:
        outcome = replace(outcome, by=people.get(outcome.by, outcome.by), found="")
    held = tuple(replace(hold, by=people.get(hold.by, hold.by), why="left out") for hold in case.held)
    return replace(
        case, assigned=people.get(case.assigned, ""), by="", why="", comments=(), held=held, outcome=outcome,
    )  # fmt: skip


def masked_names(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """What warnings were worth, with aliases for people in all places, in the order in which they come up."""
    named = dict.fromkeys(one.by for one in entries if one.by.strip() and one.by != SELF)
    people = {name: f"person {at}" for at, name in enumerate(named, 1)}
    return tuple(replace(one, by=people.get(one.by, one.by), found=_swept(one.found, people)) for one in entries)


def _swept(text: str, people: Mapping[str, str]) -> str:
    """Text in which no name of the people stands that is long enough to be one, and no e-mail address."""
    for name in sorted((name for name in people if len(name) >= SWEPT), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", people[name], text, flags=re.IGNORECASE)
    return _E_MAIL.sub("somebody", text)
