"""What documents of a maintenance system mean, and labels as lines of a file."""

from __future__ import annotations

from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from models.failure.documents import Finding, Kind, joined
from models.failure.labels import (
    Begin,
    LabelsUnreadable,
    Outcome,
    Reason,
    State,
    decided,
    decoded,
    encoded,
    label_of,
)
from tests.kit.documents import at, document, documents, label, versions

EVERY = list(product((True, False), Kind, Finding))


@pytest.mark.parametrize(
    ("breakdown", "kind", "finding", "outcome", "reason"),
    [
        (True, Kind.REPAIR, Finding.DAMAGE, Outcome.FAILED, Reason.BREAKDOWN),
        (True, Kind.REPAIR, Finding.UNSAID, Outcome.FAILED, Reason.BREAKDOWN),
        (True, Kind.REPAIR, Finding.NOTHING, Outcome.FAILED, Reason.BREAKDOWN_UNEXPLAINED),
        (False, Kind.REPAIR, Finding.DAMAGE, Outcome.AS_FOUND, Reason.DAMAGE_FOUND),
        (False, Kind.REPLACEMENT, Finding.DAMAGE, Outcome.AS_FOUND, Reason.DAMAGE_FOUND),
        (False, Kind.PLANNED, Finding.DAMAGE, Outcome.AS_FOUND, Reason.DAMAGE_FOUND),
        (False, Kind.REPAIR, Finding.UNSAID, Outcome.REPAIRED_IN_TIME, Reason.REPAIRED),
        (False, Kind.REPLACEMENT, Finding.NOTHING, Outcome.REPAIRED_IN_TIME, Reason.REPLACED),
        (False, Kind.PLANNED, Finding.UNSAID, Outcome.PLANNED, Reason.SERVICED),
        (False, Kind.INSPECTION, Finding.NOTHING, Outcome.NOTHING_FOUND, Reason.INSPECTED),
        (False, Kind.INSPECTION, Finding.UNSAID, Outcome.PLANNED, Reason.FINDING_UNSAID),
    ],
)
def test_a_document_means_what_the_table_says(breakdown, kind, finding, outcome, reason):
    assert decided(breakdown=breakdown, kind=kind, finding=finding) == (outcome, reason)


@pytest.mark.parametrize(("breakdown", "kind", "finding"), EVERY)
def test_only_an_inspection_that_found_nothing_is_a_negative(breakdown, kind, finding):
    outcome, _ = decided(breakdown=breakdown, kind=kind, finding=finding)
    is_negative = not outcome.is_positive and not outcome.is_censored
    assert is_negative == (not breakdown and kind is Kind.INSPECTION and finding is Finding.NOTHING)


def test_what_planned_work_finds_is_found_when_it_starts():
    made = label(breakdown=False, kind=Kind.PLANNED, reported_us=at(10), started_us=at(100))
    assert made.reported_us == at(100)


def test_a_breakdown_is_reported_when_it_is_reported_whenever_the_repair_starts():
    assert label(started_us=at(105)).reported_us == at(100)


def test_a_document_that_ends_before_it_begins_loses_its_end_and_says_so():
    made = label(reported_us=at(100), finished_us=at(50))
    assert made.finished_us is None and "ends before it begins" in made.note


def test_without_signals_the_begin_of_an_onset_is_unknown_and_says_so():
    assert (label().last_normal_us, label().begin) == (None, Begin.NO_SIGNALS)


def test_the_id_is_that_of_system_number_and_asset_alone():
    ids = {label().id, label(mode="OHE", reported_us=at(5), source="order").id}
    assert len(ids) == 1
    assert not ids & {label("4712").id, label(asset="b").id, label(system="csv").id}


@pytest.mark.parametrize("wrong", [{"last_normal_us": at(101)}, {"finished_us": at(99)}, {"stopped_us": at(111)}])
def test_a_label_whose_times_contradict_each_other_is_none(wrong):
    with pytest.raises(ValueError, match=r"before it ends|ends after it"):
        replace(label(), **wrong)


# Parts of a document


@settings(deadline=None)
@given(st.lists(documents, min_size=1, max_size=3, unique_by=lambda one: one.source))
def test_the_order_of_parts_does_not_matter(parts):
    assert len({repr(joined(some)) for some in permutations(parts)}) == 1


def test_a_document_is_a_breakdown_if_one_of_its_parts_says_so():
    order = document(source="order", breakdown=False, kind=Kind.PLANNED, mode="", finding=Finding.UNSAID)
    whole = joined([order, document(finding=Finding.DAMAGE)])
    assert (whole.breakdown, whole.kind, whole.finding, whole.mode) == (True, Kind.PLANNED, Finding.DAMAGE, "VIB")


def test_an_order_that_repairs_makes_an_inspection_no_negative():
    inspection = document(breakdown=False, kind=Kind.INSPECTION, finding=Finding.NOTHING)
    order = document(source="order", breakdown=False, kind=Kind.REPAIR)
    assert label_of([inspection]).outcome is Outcome.NOTHING_FOUND
    assert label_of([inspection, order]).outcome is Outcome.REPAIRED_IN_TIME


def test_a_label_of_a_void_document_is_rejected_and_says_why():
    made = label(void=True)
    assert (made.state, made.note) == (State.REJECTED, "its document is void")


def test_a_void_part_says_nothing_of_a_document_that_is_not():
    order = document(source="order", breakdown=False, kind=Kind.PLANNED, text="never done", void=True)
    made = label_of([order, document()])
    assert (made.state, made.text, made.reason) == (State.PROPOSED, "", Reason.BREAKDOWN)
    assert joined([order, document()]).kind is Kind.REPAIR


# The file


@settings(deadline=None)
@given(versions)
def test_labels_are_read_as_they_are_written(parts):
    labels = {label_of([part]).id: label_of([part]) for part in parts}.values()
    lines = encoded(labels)
    assert encoded(decoded(lines)) == lines
    assert set(decoded(lines)) == set(labels)


@pytest.mark.parametrize(
    ("line", "said"),
    [(b"{}", "line 2 is no label"), (b"x", "line 2 is no label"), (encoded([label()]).strip(), "line 2 has the id")],
)
def test_a_line_that_is_no_label_is_named(line, said):
    with pytest.raises(LabelsUnreadable, match=said):
        decoded(encoded([label()]) + line)
