"""Labels: what the documents of a maintenance system say became of a machine, and what a person made of that.

One table decides what a document means, and a repair is never a negative: else every heeded warning would teach a
model to be silent. Files and systems are read elsewhere; what labels do to feature rows and warnings is in `ends`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from models.failure.documents import Document, Finding, Kind, joined
from models.records import Name, TimeUs, id_of


class Outcome(StrEnum):
    """What became of the machine."""

    FAILED = "failed"
    AS_FOUND = "as-found-damage"
    REPAIRED_IN_TIME = "repaired-in-time"
    PLANNED = "planned"
    NOTHING_FOUND = "nothing-found"

    @property
    def is_positive(self) -> bool:
        """Whether it was failing."""
        return self in (Outcome.FAILED, Outcome.AS_FOUND)

    @property
    def is_censored(self) -> bool:
        """Whether nobody can tell what it would have come to."""
        return self in (Outcome.REPAIRED_IN_TIME, Outcome.PLANNED)


class Reason(StrEnum):
    """Why an outcome is what it is."""

    BREAKDOWN = "broke-down"
    BREAKDOWN_UNEXPLAINED = "broke-down-and-nothing-was-found"
    DAMAGE_FOUND = "damage-was-found"
    INSPECTED = "inspected-and-nothing-was-found"
    FINDING_UNSAID = "inspected-and-finding-not-said"
    REPAIRED = "repaired-before-a-breakdown"
    REPLACED = "replaced-before-a-breakdown"
    SERVICED = "planned-work"
    PERSON = "a-person-said-so"


_F, _K, _O, _R = Finding, Kind, Outcome, Reason
RULES: tuple[tuple[bool, Kind | None, Finding | None, Outcome, Reason], ...] = (
    (True, None, _F.NOTHING, _O.FAILED, _R.BREAKDOWN_UNEXPLAINED),
    (True, None, None, _O.FAILED, _R.BREAKDOWN),
    (False, None, _F.DAMAGE, _O.AS_FOUND, _R.DAMAGE_FOUND),
    (False, _K.INSPECTION, _F.NOTHING, _O.NOTHING_FOUND, _R.INSPECTED),
    (False, _K.INSPECTION, None, _O.PLANNED, _R.FINDING_UNSAID),
    (False, _K.REPAIR, None, _O.REPAIRED_IN_TIME, _R.REPAIRED),
    (False, _K.REPLACEMENT, None, _O.REPAIRED_IN_TIME, _R.REPLACED),
    (False, _K.PLANNED, None, _O.PLANNED, _R.SERVICED),
)
"""Breakdown, kind and finding to outcome and reason: the first row that fits counts, None fits all."""


def decided(*, breakdown: bool, kind: Kind, finding: Finding) -> tuple[Outcome, Reason]:
    """What such a document means, and why."""
    return next(
        (outcome, reason)
        for down, of_kind, found, outcome, reason in RULES
        if down == breakdown and of_kind in (None, kind) and found in (None, finding)
    )


class State(StrEnum):
    """Whether a person has decided about a label."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class Begin(StrEnum):
    """Where the begin of an onset is from, or why it is not known."""

    SEEN = "seen-in-signals"
    RAN_ON = "signals-show-it-running-when-reported"
    NO_STOP = "signals-show-no-stop"
    NO_SIGNALS = "no-signals-were-given"
    NOT_SEEN = "signals-show-no-running-before"
    NOT_SOUGHT = "not-looked-for-without-a-breakdown"
    PERSON = "a-person-said-so"


class Label(Struct, frozen=True, kw_only=True):
    """What became of an asset by one document. Times are microseconds since 1970 UTC.

    Its onset is an interval: from the end of the last minute of normal running, None where that is unknown, as `begin`
    says, to when it was reported. `stopped_us` is the stop seen in signals, `finished_us` when the repair was done.
    `by` is the person who last decided, also of a label that is proposed again since its document changed; `note` says
    what a person should know of it. Building one that ends before it begins raises ValueError.
    """

    id: str
    asset: Name
    system: Name
    document: Name
    outcome: Outcome
    reason: Reason
    mode: str
    component: str
    cause: str
    text: str
    breakdown: bool
    begin: Begin
    last_normal_us: TimeUs | None
    reported_us: TimeUs
    stopped_us: TimeUs | None
    finished_us: TimeUs | None
    state: State = State.PROPOSED
    by: str = ""
    at_us: TimeUs | None = None
    note: str = ""
    documents: tuple[Document, ...]

    def __post_init__(self) -> None:
        if self.last_normal_us is not None and self.last_normal_us > self.time_us:
            raise ValueError("the last normal running is after the failure: an onset begins before it ends")
        if self.finished_us is not None and self.finished_us < self.time_us:
            raise ValueError("the work is finished before the failure: it ends after it")

    @property
    def time_us(self) -> int:
        """When it happened, as well as that is known: the stop that signals show, else the report."""
        return self.reported_us if self.stopped_us is None else self.stopped_us


VOID, ODD = "its document is void", "its document ends before it begins, so the end is left out"


def label_of(parts: Sequence[Document]) -> Label:
    """The label that the parts of one document propose.

    What planned work and inspections find is found when they start, however long before they were asked for. That of a
    void document is rejected.
    """
    whole = joined(parts)
    outcome, reason = decided(breakdown=whole.breakdown, kind=whole.kind, finding=whole.finding)
    by_plan = not whole.breakdown and whole.kind is not Kind.REPAIR
    reported_us = whole.started_us if by_plan and whole.started_us is not None else whole.reported_us
    odd = whole.finished_us is not None and whole.finished_us < reported_us
    return Label(
        id=id_of("label", whole.system, whole.asset, whole.number, 0),
        asset=whole.asset,
        system=whole.system,
        document=whole.number,
        outcome=outcome,
        reason=reason,
        mode=whole.mode,
        component=whole.component,
        cause=whole.cause,
        text=whole.text,
        breakdown=whole.breakdown,
        begin=Begin.NO_SIGNALS if whole.breakdown else Begin.NOT_SOUGHT,
        last_normal_us=None,
        reported_us=reported_us,
        stopped_us=None,
        finished_us=None if odd else whole.finished_us,
        state=State.REJECTED if whole.void else State.PROPOSED,
        note=VOID if whole.void else ODD if odd else "",
        documents=tuple(sorted(parts, key=lambda part: part.source)),
    )


def in_order(labels: Iterable[Label]) -> tuple[Label, ...]:
    """By asset and time, as they stand in a file."""
    return tuple(sorted(labels, key=lambda label: (label.asset, label.reported_us, label.id)))


class LabelsUnreadable(ValueError):
    """A line is no label; the message says which and why."""


_decoder = msgspec.json.Decoder(Label)


def encoded(labels: Iterable[Label]) -> bytes:
    """Lines of JSON, in order."""
    return b"".join(msgspec.json.encode(label) + b"\n" for label in in_order(labels))


def decoded(lines: bytes) -> tuple[Label, ...]:
    """The labels of such lines. Raises LabelsUnreadable."""
    found: dict[str, Label] = {}
    for number, line in enumerate(lines.splitlines(), 1):
        try:
            label = _decoder.decode(line)
        except msgspec.DecodeError as wrong:
            raise LabelsUnreadable(f"line {number} is no label: {wrong}") from wrong
        if label.id in found:
            raise LabelsUnreadable(f"line {number} has the id of an earlier line: leave one of them out")
        found[label.id] = label
    return in_order(found.values())


def confirmed(label: Label, by: str, at_us: int) -> Label:
    """As a person holds it to be right."""
    return replace(label, state=State.CONFIRMED, by=by, at_us=at_us, note="")


def rejected(label: Label, by: str, at_us: int) -> Label:
    """As a person holds it to be no label."""
    return replace(label, state=State.REJECTED, by=by, at_us=at_us, note="")
