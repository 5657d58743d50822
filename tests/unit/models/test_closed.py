"""What people found of warnings, as labels."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from models.failure.closed import MEANT, document_of, labelled
from models.failure.documents import Document, Kind
from models.failure.labels import Outcome as Label
from models.failure.labels import State, label_of
from models.failure.merging import Change
from models.records import Alert, AlertState, CloseReason, Outcome
from tests.kit.runs import by_rules

HOUR_US = 3_600_000_000


def closed(reason: CloseReason, mode: str = "seal", order: str = "") -> Alert:
    """A case that cleared, and was closed an hour later."""
    last = by_rules("pump-01", 2, 9)[-1]
    outcome = Outcome(reason=reason, by="kim", time_us=last.window_end_us + HOUR_US, mode=mode, found="worn lip")
    return replace(last, revision=2, state=AlertState.CLOSED, outcome=outcome, order=order)


@pytest.mark.parametrize(
    ("reason", "outcome", "later_h"),
    [
        (CloseReason.REPAIRED, Label.AS_FOUND, 0),
        (CloseReason.DEFERRED, Label.AS_FOUND, 1),
        (CloseReason.NOTHING_FOUND, Label.NOTHING_FOUND, 1),
        (CloseReason.PROCESS_CHANGE, Label.NOTHING_FOUND, 1),
        (CloseReason.FAILED, Label.FAILED, 0),
        (CloseReason.PLANNED, Label.PLANNED, 1),
    ],
)
def test_a_closed_warning_is_a_label_confirmed_by_who_closed_it(reason, outcome, later_h):
    case = closed(reason)
    (label,) = labelled((), [case]).labels
    assert (label.outcome, label.mode, label.text, label.state, label.by) == (
        outcome, "seal", "worn lip", State.CONFIRMED, "kim",
    )  # fmt: skip
    assert label.time_us == case.window_end_us + later_h * HOUR_US


@pytest.mark.parametrize("reason", [CloseReason.NOT_INSPECTED, CloseReason.SENSOR])
def test_what_was_not_looked_at_or_was_a_sensor_says_nothing_of_the_machine(reason):
    assert labelled((), [closed(reason)]).labels == ()


def test_every_close_reason_is_decided_and_an_open_case_makes_no_label():
    assert set(MEANT) == set(CloseReason)
    assert document_of(by_rules("pump-01", 2)[0]) is None


def test_taken_twice_nothing_changes_and_what_a_person_decided_since_stays():
    case = closed(CloseReason.REPAIRED)
    first = labelled((), [case])
    assert labelled(first.labels, [case]) == (first.labels, {first.labels[0].id: Change.SAME})
    rejected = (replace(first.labels[0], state=State.REJECTED, by="lee"),)
    assert labelled(rejected, [case]).labels == rejected


def test_a_case_whose_order_the_maintenance_system_tells_of_is_left_to_it():
    order = Document(
        system="sap-pm", source="order", number="4711", asset="pump-01", kind=Kind.REPAIR, reported_us=HOUR_US
    )
    known = (label_of([order]),)
    assert labelled(known, [closed(CloseReason.REPAIRED, order="4711")]).labels == known
