"""Parts of a station as columns: in order of making, with what was found last, and nothing guessed."""

from __future__ import annotations

import numpy as np
import pytest

from models.tuning.journal import ROOM, UNKNOWN, Journal
from tests.kit.tuned import part, result


@pytest.fixture
def journal():
    return Journal(("heat", "load"), ("heat", "load", "room"), ("energy",))


def test_rows_are_in_order_of_making_whenever_parts_come(journal):
    for number in (3, 1, 2):
        journal.take(part(number, {"heat": number, "load": 5.0}))
    assert [journal.rows.settings[at][0] for at in journal.rows.setting] == [1, 2, 3]
    assert list(journal.rows.measured[:, 0]) == [1, 2, 3]


def test_a_part_that_does_not_say_a_setting_is_counted_and_not_kept(journal):
    assert journal.take(part(1, {"heat": 1.0})) is None
    assert (journal.unset, journal.parts) == (1, 0)


def test_what_was_not_measured_is_missing(journal):
    journal.take(part(1, measured={"heat": 1.0}))
    assert np.isnan(journal.rows.measured[0]).tolist() == [False, True, True]
    assert np.isnan(journal.rows.figures).all()


def test_a_part_without_a_result_is_not_known(journal):
    journal.take(part(1))
    assert journal.rows.defects[0] == UNKNOWN and not journal.rows.known[0] and journal.known == 0


def test_a_later_finding_takes_the_place_of_the_one_before(journal):
    at = journal.take(part(1))
    journal.put(at, result(1, 1))
    journal.put(at, result(1, 0, found_us=result(1).found_us + 5))
    assert (journal.rows.defects[0], journal.rows.kinds[journal.rows.kind[0]], journal.known) == (0, "", 1)


def test_an_earlier_finding_that_comes_late_changes_nothing(journal):
    at = journal.take(part(1))
    journal.put(at, result(1, 0, found_us=result(1).found_us + 5))
    journal.put(at, result(1, 1))
    assert journal.rows.defects[0] == 0


def test_a_batch_has_as_many_defects_as_units_at_most(journal):
    at = journal.take(part(1, units=10))
    journal.put(at, result(1, 12, units=10))
    assert (journal.rows.units[0], journal.rows.defects[0]) == (10, 10)


def test_rows_are_the_same_object_until_something_changes(journal):
    at = journal.take(part(1))
    before = journal.rows
    assert journal.rows is before
    journal.put(at, result(1))
    assert journal.rows is not before


def test_more_parts_than_there_was_room_for_are_all_there(journal):
    for number in range(ROOM + 3):
        journal.put(journal.take(part(number, lot=f"l{number % 2}")), result(number, number % 2))
    rows = journal.rows
    assert len(rows.time_us) == ROOM + 3 and rows.known.all()
    assert (rows.defects == np.arange(ROOM + 3) % 2).all() and (rows.lot == np.arange(ROOM + 3) % 2).all()
