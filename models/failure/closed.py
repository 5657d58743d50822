"""What people found of warnings, as documents of a maintenance system are: labels that a model learns from.

A warning that nobody inspected, or that was of a sensor, says nothing of the machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from msgspec.structs import replace

from models.failure.documents import Document, Finding, Kind
from models.failure.labels import Label, State
from models.failure.merging import Merged, merged
from models.records import Alert, CloseReason

SYSTEM = "forewarn"
"""Where such documents are from."""


class Meant(NamedTuple):
    """What a close reason says of the machine; what was `seen` was so when evidence ended, not when it was closed."""

    kind: Kind
    finding: Finding
    breakdown: bool = False
    seen: bool = False


MEANT: dict[CloseReason, Meant | None] = {
    CloseReason.REPAIRED: Meant(Kind.REPAIR, Finding.DAMAGE, seen=True),
    CloseReason.DEFERRED: Meant(Kind.INSPECTION, Finding.DAMAGE),
    CloseReason.NOTHING_FOUND: Meant(Kind.INSPECTION, Finding.NOTHING),
    CloseReason.FAILED: Meant(Kind.REPAIR, Finding.DAMAGE, breakdown=True, seen=True),
    CloseReason.PROCESS_CHANGE: Meant(Kind.INSPECTION, Finding.NOTHING),
    CloseReason.PLANNED: Meant(Kind.PLANNED, Finding.UNSAID),
    CloseReason.NOT_INSPECTED: None,
    CloseReason.SENSOR: None,
}


def document_of(case: Alert) -> Document | None:
    """What a case that was closed says of its machine; None where it says nothing."""
    meant = MEANT[case.outcome.reason] if case.outcome else None
    if meant is None or case.outcome is None:
        return None
    outcome = case.outcome
    return Document(
        system=SYSTEM, source="warning", number=case.id, asset=case.asset, kind=meant.kind, finding=meant.finding,
        breakdown=meant.breakdown, mode=outcome.mode, text=outcome.found,
        reported_us=case.window_end_us if meant.seen else outcome.time_us, changed_us=outcome.time_us,
    )  # fmt: skip


def labelled(known: Iterable[Label], cases: Iterable[Alert]) -> Merged:
    """Labels with those of warnings that people closed: confirmed by who closed them.

    A case whose order a maintenance system has a label of is left to that.
    """
    labels = tuple(known)
    orders = {label.document for label in labels if label.system != SYSTEM}
    closed = {case.id: case for case in cases if case.outcome and case.order not in orders}
    found = merged(labels, _documents(closed.values()))
    return found._replace(labels=tuple(_confirmed(label, closed) for label in found.labels))


def _documents(cases: Iterable[Alert]) -> Iterator[Document]:
    for case in cases:
        made = document_of(case)
        if made is not None:
            yield made


def _confirmed(label: Label, closed: dict[str, Alert]) -> Label:
    """As the person who closed the warning said it, unless somebody decided since."""
    case = closed.get(label.document) if label.system == SYSTEM else None
    if case is None or case.outcome is None or label.by:
        return label
    return replace(label, state=State.CONFIRMED, by=case.outcome.by, at_us=case.outcome.time_us)
