"""Documents of a maintenance system and labels, made by hand or drawn at random."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from models.failure.documents import Document, Finding, Kind
from models.failure.labels import Label, label_of

START_US = 1_767_225_600_000_000  # 2026-01-01 00:00 UTC
HOUR_US = 3_600_000_000


def at(hours: float) -> int:
    return START_US + round(hours * HOUR_US)


def document(number: str = "4711", asset: str = "a", **said: Any) -> Document:
    """A breakdown, reported after 100 hours and repaired after 110, unless something else is said."""
    usual = {
        "system": "sap-pm", "source": "notification", "kind": Kind.REPAIR, "breakdown": True, "mode": "VIB",
        "reported_us": at(100), "finished_us": at(110),
    }  # fmt: skip
    return Document(number=number, asset=asset, **(usual | said))


def label(number: str = "4711", asset: str = "a", **said: Any) -> Label:
    return label_of([document(number, asset, **said)])


def repair(number: str = "4712", asset: str = "a", **said: Any) -> Label:
    """A repair without a breakdown, of which nobody said what it found."""
    return label(number, asset, **({"breakdown": False, "mode": ""} | said))


times = st.integers(START_US, START_US + 10_000 * HOUR_US)
documents = st.builds(
    Document,
    system=st.just("sap-pm"),
    source=st.sampled_from(["notification", "order"]),
    number=st.sampled_from(["1", "2", "3"]),
    asset=st.sampled_from(["a", "b"]),
    kind=st.sampled_from(Kind),
    finding=st.sampled_from(Finding),
    breakdown=st.booleans(),
    mode=st.sampled_from(["", "VIB", "OHE"]),
    text=st.text(max_size=5),
    reported_us=times,
    started_us=st.none() | times,
    finished_us=st.none() | times,
    changed_us=times,
    void=st.booleans(),
)
versions = st.lists(documents, max_size=12, unique_by=lambda one: (one.source, one.number, one.asset, one.changed_us))
"""Documents of which no two versions are of one age, but for those that are the same."""
