"""Which parts count as before and after: by their settings, not by the clock."""

from __future__ import annotations

from models.tuning.arms import arms_of, at_setting, kinds_told, seen_of
from models.tuning.effect import Arm, Pair
from models.tuning.journal import Journal
from tests.kit.tuned import at_us, part, result

OLD, NEW = {"heat": 150.0, "load": 5.0}, {"heat": 142.0, "load": 5.0}
WAS, IS = (150.0, 5.0), (142.0, 5.0)


def arm(defects, parts):
    return Arm(parts=parts, defects=defects)


def rows(*spans, lot="", known=True):
    """Of spans (parts, defects, settings), one behind the other."""
    journal, number = Journal(("heat", "load"), ("heat",), ()), 0
    for parts, defects, settings in spans:
        for at in range(parts):
            place = journal.take(part(number, settings, lot=lot))
            if known:
                journal.put(place, result(number, int(at < defects), kind="crack" if at % 2 else ""))
            number += 1
    return journal.rows


def test_a_holdout_period_counts_where_its_settings_belong():
    found = arms_of(rows((10, 2, OLD), (10, 1, NEW), (5, 1, OLD), (10, 0, NEW)), WAS, IS, at_us(10), None)
    assert (found.old, found.new) == (arm(3, 15), arm(1, 20))


def test_parts_made_at_the_new_setting_before_the_change_do_not_count_as_after():
    found = arms_of(rows((4, 3, NEW), (6, 1, OLD), (5, 0, NEW)), WAS, IS, at_us(10), None)
    assert (found.old, found.new) == (arm(1, 6), arm(0, 5))


def test_parts_at_any_other_setting_count_for_nothing():
    other = {"heat": 142.0, "load": 6.0}
    found = arms_of(rows((5, 1, OLD), (5, 5, other), (5, 0, NEW)), WAS, IS, at_us(5), None)
    assert (found.old, found.new) == (arm(1, 5), arm(0, 5))


def test_parts_without_a_result_count_for_nothing():
    assert arms_of(rows((5, 0, OLD), (5, 0, NEW), known=False), WAS, IS, at_us(5), None)[:2] == (arm(0, 0),) * 2


def test_a_batch_counts_by_its_units():
    journal = Journal(("heat", "load"), ("heat",), ())
    journal.put(journal.take(part(1, OLD, units=50)), result(1, 3, units=50))
    assert arms_of(journal.rows, WAS, IS, 0, None).old == arm(3, 50)


def test_a_machine_beside_has_parts_before_and_after_the_change_though_its_settings_stay():
    own = rows((10, 2, OLD), (10, 1, NEW))
    beside = rows((10, 3, OLD), (5, 1, OLD))
    assert arms_of(own, WAS, IS, at_us(10), beside).pair == Pair(old=arm(3, 10), new=arm(1, 5))


def test_settings_that_differ_by_rounding_are_the_same():
    assert at_setting(rows((3, 0, {"heat": 0.1 + 0.2, "load": 5.0})), (0.3, 5.0)).all()


def test_what_was_seen_of_settings_is_of_the_last_lot_alone():
    journal = Journal(("heat", "load"), ("heat",), ())
    for number, lot in enumerate(("a", "a", "b", "b", "b")):
        journal.put(journal.take(part(number, OLD, lot=lot)), result(number, 1))
    assert seen_of(journal.rows) == {WAS: (3, 3)}


def test_kinds_of_defects_are_told_with_their_numbers():
    found = rows((6, 4, OLD))
    assert kinds_told(found, at_setting(found, WAS)) == "2 not named, 2 crack"
