"""Documents that are imported into labels that are there: what a person decided is never overwritten."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from msgspec.structs import replace

from models.failure.documents import Document
from models.failure.labels import Label, State, in_order, label_of

_COUNTS = ("outcome", "mode", "component", "cause", "breakdown", "reported_us", "finished_us", "state")
"""What of a label a change of its document matters for."""


class Change(StrEnum):
    """What an import did to a label."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


class Merged(NamedTuple):
    """All labels in order, and what became of those that the import was about."""

    labels: tuple[Label, ...]
    changes: dict[str, Change]


def merged(known: Iterable[Label], documents: Iterable[Document]) -> Merged:
    """Labels by id. Of a document that is known the newer version counts: the later change, else the one given now."""
    labels = {label.id: label for label in known}
    changes: dict[str, Change] = {}
    for ident, parts in _by_label(documents).items():
        before = labels.get(ident)
        labels[ident] = label_of(list(parts.values())) if before is None else _with(before, parts)
        same = Change.SAME if labels[ident] == before else Change.CHANGED
        changes[ident] = Change.NEW if before is None else same
    return Merged(in_order(labels.values()), changes)


def _by_label(documents: Iterable[Document]) -> dict[str, dict[str, Document]]:
    """By the id of the label and by source; of two versions of a part the newer one, whatever their order."""
    found: dict[str, dict[str, Document]] = defaultdict(dict)
    for part in documents:
        of = found[label_of([part]).id]
        other = of.get(part.source)
        if other is None or _age(other) < _age(part):
            of[part.source] = part
    return found


def _age(part: Document) -> tuple[int, str]:
    """Where two versions are of one age, or of none, their content decides, so that order does not."""
    return part.changed_us or 0, repr(part)


def _with(label: Label, parts: Mapping[str, Document]) -> Label:
    """The label with newer parts of its document."""
    now = {part.source: part for part in label.documents}
    for source, part in parts.items():
        old = now.get(source)
        if old is None or part.changed_us is None or old.changed_us is None or part.changed_us >= old.changed_us:
            now[source] = part
    documents = tuple(now[source] for source in sorted(now))
    if documents == label.documents:
        return label
    earlier, fresh = label_of(label.documents), label_of(documents)
    if not label.by:
        same_onset = (fresh.reported_us, fresh.outcome) == (earlier.reported_us, earlier.outcome)
        return _with_onset_of(label, fresh) if same_onset else fresh
    said = [name for name in _COUNTS if getattr(earlier, name) != getattr(fresh, name)]
    if not said:
        return replace(label, text=fresh.text, documents=documents)
    told = ", ".join(f"{name} {getattr(fresh, name)} (it said {getattr(earlier, name)})" for name in said)
    note = f"its document says something else since {label.by} decided: {told}"
    return replace(label, state=State.PROPOSED, note=note, documents=documents)


def _with_onset_of(label: Label, fresh: Label) -> Label:
    """A fresh proposal with what signals showed for the old one, unless its work ends before that."""
    if fresh.finished_us is not None and fresh.finished_us < label.time_us:
        return fresh
    return replace(fresh, begin=label.begin, last_normal_us=label.last_normal_us, stopped_us=label.stopped_us)
