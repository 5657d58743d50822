"""Importing again: what is new is added, what changed is proposed again, and what a person decided stays."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from models.failure.documents import Kind
from models.failure.labels import Begin, Outcome, State, confirmed, encoded, rejected
from models.failure.merging import Change, merged
from tests.kit.documents import at, document, label, versions


def imported(*imports):
    labels = ()
    for parts in imports:
        labels = merged(labels, parts).labels
    return labels


@settings(deadline=None)
@given(versions)
def test_an_import_done_twice_is_one_done_once(parts):
    once = imported(parts)
    again = merged(once, parts)
    assert encoded(again.labels) == encoded(once)
    assert set(again.changes.values()) <= {Change.SAME}


@settings(deadline=None)
@given(versions.flatmap(lambda parts: st.tuples(st.just(parts), st.permutations(parts))), st.integers(1, 12))
def test_imports_in_any_order_and_any_portions_give_the_same_file(both, size):
    parts, shuffled = both
    portions = [shuffled[at : at + size] for at in range(0, len(shuffled), size)]
    assert encoded(imported(*portions)) == encoded(imported(parts))


def by_ann(*parts):
    """The one label of an import, which a person confirmed."""
    (one,) = imported(parts)
    return confirmed(one, "ann", at(200))


def test_what_a_person_confirmed_is_never_overwritten():
    edited = replace(by_ann(document()), mode="OHE", last_normal_us=at(50), begin=Begin.PERSON)
    (after,) = merged([edited], [document(mode="BRD", reported_us=at(105))]).labels
    assert (after.mode, after.last_normal_us, after.reported_us) == ("OHE", at(50), at(100))


def test_a_document_that_changed_makes_a_confirmed_label_proposed_again_with_the_reason():
    made = merged([by_ann(document())], [document(breakdown=False)])
    (after,) = made.labels
    assert (after.state, after.outcome, list(made.changes.values())) == (
        State.PROPOSED, Outcome.FAILED, [Change.CHANGED],
    )  # fmt: skip
    assert "since ann decided" in after.note
    assert "outcome repaired-in-time (it said failed)" in after.note


def test_so_it_does_a_rejected_one():
    (before,) = imported([document()])
    (after,) = merged([rejected(before, "ann", at(200))], [document(mode="OHE")]).labels
    assert after.state is State.PROPOSED and "mode OHE (it said VIB)" in after.note


def test_a_document_that_became_void_makes_a_confirmed_label_proposed_again():
    (after,) = merged([by_ann(document())], [document(void=True)]).labels
    assert after.state is State.PROPOSED and "state rejected (it said proposed)" in after.note


def test_one_that_became_void_before_anybody_decided_is_rejected():
    (after,) = imported([document()], [document(void=True)])
    assert (after.state, after.by) == (State.REJECTED, "")


def test_one_that_is_proposed_again_is_still_not_overwritten():
    after = imported([document()])
    after = merged([confirmed(after[0], "ann", at(200))], [document(mode="OHE")]).labels
    (after,) = merged(after, [document(mode="BRD")]).labels
    assert (after.mode, after.state) == ("VIB", State.PROPOSED)


def test_another_text_alone_leaves_a_label_confirmed():
    (after,) = merged([by_ann(document(text="hot"))], [document(text="hot, tripped")]).labels
    assert (after.state, after.text) == (State.CONFIRMED, "hot, tripped")


def test_an_import_of_the_same_leaves_a_confirmed_label_as_it_is():
    before = by_ann(document())
    assert merged([before], [document()]).labels == (before,)


def test_an_older_version_changes_nothing():
    before = imported([document(mode="OHE", changed_us=at(20))])
    assert merged(before, [document(mode="VIB", changed_us=at(10))]).labels == before


def test_without_ages_the_version_that_is_given_now_counts():
    (after,) = imported([document(mode="OHE")], [document(mode="VIB")])
    assert after.mode == "VIB"


def test_an_order_that_comes_later_becomes_part_of_its_notification():
    order = document(source="order", kind=Kind.PLANNED, breakdown=False, started_us=at(102))
    assert imported([document()], [order]) == imported([order], [document()]) == imported([document(), order])
    assert len(imported([document(), order])) == 1


def test_a_changed_document_keeps_the_stop_that_signals_showed():
    seen = replace(label(), begin=Begin.SEEN, last_normal_us=at(90), stopped_us=at(91))
    (after,) = merged([seen], [document(mode="OHE")]).labels
    assert (after.mode, after.last_normal_us, after.stopped_us) == ("OHE", at(90), at(91))


def test_another_time_of_the_report_asks_signals_again():
    seen = replace(label(), begin=Begin.SEEN, last_normal_us=at(90), stopped_us=at(91))
    (after,) = merged([seen], [document(reported_us=at(80))]).labels
    assert (after.begin, after.last_normal_us) == (Begin.NO_SIGNALS, None)
