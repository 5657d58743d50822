"""The stop that operating states show of a breakdown."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from models.failure.labels import Begin, confirmed
from models.failure.stops import stop_before, with_stop
from tests.kit.documents import at, label, repair

MINUTE_US = 60_000_000
WORDS = {"r": "running", "o": "off", "s": "starting", "t": "stopping", "i": "idle", "u": "unknown", "m": "maintenance"}


def of(states: str, reported: int, finished: int | None = None):
    """Minutes of the last normal running and of the stop, of states a minute each."""
    times = np.arange(1, len(states) + 1) * MINUTE_US
    words = np.array([WORDS[state] for state in states], object)
    until = None if finished is None else finished * MINUTE_US
    stop = stop_before(times, words, reported * MINUTE_US, until)
    us = (stop.last_normal_us, stop.stopped_us)
    return tuple(None if each is None else each // MINUTE_US for each in us)


def test_the_stop_is_the_first_minute_that_stands_behind_the_last_one_that_ran():
    assert of("rrrtoooo", 7) == (3, 4)


def test_of_several_runs_the_last_before_the_report_counts():
    assert of("rrooorroorr", 9) == (7, 8)


def test_minutes_of_which_nothing_is_known_are_no_stop():
    assert of("rrruuoo", 7) == (3, 6)


def test_starting_is_neither_normal_running_nor_a_stop():
    assert of("rrossso", 7) == (2, 7)


def test_a_machine_that_runs_when_it_is_reported_stops_afterwards():
    assert of("rrrrrroo", 2) == (2, 7)


def test_a_stop_after_the_repair_is_another_one():
    assert of("rrrrrroo", 2, finished=5) == (2, None)


def test_a_machine_that_never_ran_before_has_no_stop():
    stop = stop_before(np.array([MINUTE_US]), np.array(["off"], object), MINUTE_US)
    assert stop == (None, None, Begin.NOT_SEEN)


def shown(one, hours: float = 99):
    """With signals of a machine that ran until then."""
    times = np.array([at(10), at(hours), at(hours + 0.5)])
    return with_stop(one, times, np.array(["running", "running", "off"], object))


def test_a_machine_that_ran_through_its_repair_has_no_stop_and_says_so():
    times = np.arange(1, 9) * MINUTE_US
    stop = stop_before(times, np.array(["running"] * 8, object), 4 * MINUTE_US, 6 * MINUTE_US)
    assert stop == (4 * MINUTE_US, None, Begin.NO_STOP)


@pytest.mark.parametrize(("minutes", "begin"), [(59, Begin.SEEN), (61, Begin.SEEN), (62, Begin.RAN_ON)])
def test_a_machine_that_ran_on_for_more_than_an_hour_after_its_report_says_so(minutes, begin):
    times = np.arange(1, 101) * MINUTE_US
    states = np.array(["running"] * (minutes - 1) + ["off"] * (101 - minutes), object)
    assert stop_before(times, states, MINUTE_US) == ((1 * MINUTE_US), minutes * MINUTE_US, begin)


def test_a_breakdown_gets_its_onset_and_its_stop():
    made = shown(label())
    assert (made.last_normal_us, made.stopped_us, made.time_us, made.begin) == (at(99), at(99.5), at(99.5), Begin.SEEN)


def test_nothing_is_proposed_for_what_a_person_decided_or_what_broke_nothing_down():
    for one in (confirmed(label(), "ann", at(200)), replace(label(), by="ann"), repair()):
        assert shown(one) == one


def test_signals_that_end_earlier_do_not_replace_what_is_known():
    late = shown(label(), 99)
    assert shown(late, 50) == late and shown(shown(label(), 50), 99) == late
    assert with_stop(late, np.empty(0, np.int64), np.empty(0, object)) == late
