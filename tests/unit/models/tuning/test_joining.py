"""Which result is of which part: late by hours, before its part, twice, corrected, by time, or lost."""

from __future__ import annotations

import random

import pytest

from models.tuning.joining import Joiner
from models.tuning.journal import Journal
from tests.kit.tuned import HOUR_US, SECOND_US, at_us, part, result

TOLERANCE_US, LATE_US = 2 * SECOND_US, HOUR_US


class Joined:
    def __init__(self):
        self.joiner = Joiner(TOLERANCE_US, LATE_US)
        self.journal = Journal(("heat", "load"), ("heat",), ())

    def parts(self, *numbers, **said):
        for number in numbers:
            self.joiner.take_part(part(number, **said), self.journal)
        return self

    def found(self, *results):
        for one in results:
            self.joiner.take_result(one)
        return self

    @property
    def defects(self):
        return self.journal.rows.defects.tolist()


@pytest.fixture
def of():
    return Joined()


def by_time(number, defects=1, **said):
    return result(number, defects, part=None, **said)


def test_a_result_that_comes_hours_late_is_of_its_part(of):
    of.parts(1, 2, 3).found(result(2, 1, found_us=at_us(2) + 9 * HOUR_US))
    assert of.defects == [-1, 1, -1]


def test_a_result_that_comes_before_its_part_waits_for_it(of):
    of.found(result(2, 1))
    assert of.joiner.waiting == 1
    assert (of.parts(1, 2).defects, of.joiner.waiting) == ([-1, 1], 0)


def test_of_two_results_before_their_part_the_later_finding_counts(of):
    later = result(1, 0, found_us=at_us(5))
    assert of.found(later, result(1, 1)).parts(1).defects == [0]


def test_a_result_that_comes_twice_counts_once(of):
    of.parts(1).found(result(1, 1), result(1, 1))
    assert (of.defects, of.journal.known) == ([1], 1)


def test_a_part_that_comes_twice_stays_as_it_was(of):
    of.parts(1)
    assert not of.joiner.take_part(part(1, {"heat": 1.0, "load": 1.0}), of.journal)
    assert of.journal.parts == 1


def test_a_result_by_time_is_of_the_nearest_part(of):
    of.parts(1, 1.15, 1.3).found(by_time(1.12))
    assert of.defects == [-1, 1, -1]


def test_a_result_by_time_between_two_parts_is_of_the_earlier(of):
    of.parts(1, 1.2).found(by_time(1.1))
    assert of.defects == [1, -1]


def test_a_result_by_time_is_of_no_part_beyond_the_tolerance(of):
    of.parts(1).found(result(0, 1, part=None, time_us=at_us(1) + TOLERANCE_US + 1))
    assert (of.defects, of.joiner.waiting) == ([-1], 1)
    of.found(result(0, 1, part=None, time_us=at_us(1) + TOLERANCE_US))
    assert of.defects == [1]


def test_a_result_by_time_waits_for_its_part(of):
    of.found(by_time(1)).parts(1)
    of.joiner.settle(at_us(2))
    assert (of.defects, of.joiner.waiting, of.joiner.lost) == ([1], 0, 0)


@pytest.mark.parametrize("one", [result(1, 1), by_time(1)])
def test_what_waited_too_long_is_lost_and_counted(of, one):
    of.found(one)
    of.joiner.settle(one.found_us + LATE_US)
    assert (of.joiner.waiting, of.joiner.lost) == (1, 0)
    of.joiner.settle(one.found_us + LATE_US + 1)
    assert (of.joiner.waiting, of.joiner.lost) == (0, 1)


def test_a_result_of_a_part_that_does_not_say_its_settings_does_not_wait(of):
    of.found(result(1)).parts(1, settings={}).found(result(1, 1))
    assert (of.joiner.waiting, of.journal.parts) == (0, 0)


def test_results_by_id_come_to_the_same_in_any_order(of):
    records = [("part", number) for number in range(40)]
    records += [("result", number) for number in range(40)] + [("again", number) for number in range(0, 40, 3)]
    random.Random(1).shuffle(records)
    for kind, number in records:
        if kind == "part":
            of.parts(number)
        else:
            again = kind == "again"
            of.found(result(number, int(again), found_us=at_us(number + 1 + again)))
    assert of.defects == [int(number % 3 == 0) for number in range(40)]
