"""What a maintenance system says of a piece of work on an asset, in our words, whichever system it came from.

A notification and its order, or the items of one, are parts of one document. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from models.records import Name, TimeUs


class Kind(StrEnum):
    """What the work was, the weakest word first: of the parts of a document the strongest counts."""

    INSPECTION = "inspection"
    REPAIR = "repair"
    PLANNED = "planned"
    REPLACEMENT = "replacement"


class Finding(StrEnum):
    """What was found, the weakest word first."""

    UNSAID = "unsaid"
    NOTHING = "nothing"
    DAMAGE = "damage"


class Document(Struct, frozen=True, kw_only=True):
    """One document, or one part of it: `source` says which, such as notification or order.

    `number` is what people call it by; a `void` one was cancelled. Of times, `reported_us` is when the trouble was
    noticed or the work asked for, `started_us` and `finished_us` are of the work, `changed_us` is of the last change of
    the document itself.
    """

    system: Name
    source: Name
    number: Name
    asset: Name
    kind: Kind
    finding: Finding = Finding.UNSAID
    breakdown: bool = False
    mode: str = ""
    component: str = ""
    cause: str = ""
    text: str = ""
    reported_us: TimeUs
    started_us: TimeUs | None = None
    finished_us: TimeUs | None = None
    changed_us: TimeUs | None = None
    void: bool = False


_OF_THE_FIRST = ("mode", "component", "cause", "text", "reported_us", "started_us", "finished_us")


def joined(parts: Iterable[Document]) -> Document:
    """The document of its parts: what the first says that says anything, in order of their sources.

    It is a breakdown if one of them says so; of kind and finding the strongest word counts. Parts that are void say
    nothing, unless all are.
    """
    every = sorted(parts, key=lambda part: part.source)
    some = [part for part in every if not part.void] or every
    said = {
        name: next((value for part in some if (value := getattr(part, name)) not in ("", None)), getattr(some[0], name))
        for name in _OF_THE_FIRST
    }
    changed_us = [part.changed_us for part in some if part.changed_us is not None]
    return replace(
        some[0],
        source="+".join(dict.fromkeys(part.source for part in some)),
        kind=max((part.kind for part in some), key=list(Kind).index),
        finding=max((part.finding for part in some), key=list(Finding).index),
        breakdown=any(part.breakdown for part in some),
        changed_us=max(changed_us, default=None),
        **said,
    )
