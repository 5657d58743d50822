"""Schedules of one pass: whom they take next, on which machine, and what finds no room."""

from models.energy.planning import greedy
from models.energy.planning.problem import NOTHING, Option
from tests.kit.energy_tiny import machine, problem


def ready(steps, **changed):
    return machine(steps, start_steps=0, **changed)


def made(of, choice=greedy.usual):
    schedule = greedy.build(of, choice)
    return [(schedule.machine_of(of, at), schedule.begin[at]) for at in range(len(of.operations))]


def test_what_is_due_first_goes_first():
    jobs = [(0, 9, [(0, [Option(0, 2, 5.0)])]), (0, 4, [(0, [Option(0, 2, 5.0)])])]
    assert made(problem([ready(10)], jobs, [1.0] * 10)) == [(0, 2), (0, 0)]


def test_no_machine_is_kept_for_an_order_that_is_not_there_yet():
    jobs = [(4, 7, [(0, [Option(0, 2, 5.0)])]), (0, 9, [(0, [Option(0, 2, 5.0)])])]
    assert made(problem([ready(10)], jobs, [1.0] * 10)) == [(0, 4), (0, 0)]


def test_orders_that_wait_for_the_same_shift_go_by_when_they_are_due():
    jobs = [(0, 9, [(0, [Option(0, 2, 5.0)])]), (1, 8, [(0, [Option(0, 2, 5.0)])])]
    assert made(problem([ready(10, closed=range(4))], jobs, [1.0] * 10)) == [(0, 6), (0, 4)]


def test_the_usual_rule_takes_the_machine_that_is_free_first_at_the_first_speed():
    ways = [Option(0, 2, 9.0), Option(0, 3, 1.0), Option(1, 2, 1.0)]
    jobs = [(0, 9, [(0, ways)])] * 3
    assert made(problem([ready(10), ready(10)], jobs, [1.0] * 10)) == [(0, 0), (1, 0), (0, 2)]


def test_the_thrifty_one_fills_the_cheapest_machine():
    jobs = [(0, 9, [(0, [Option(0, 2, 9.0), Option(1, 2, 8.0)])])] * 3
    of = problem([ready(10), ready(10)], jobs, [1.0] * 10)
    assert made(of, greedy.thrifty) == [(1, 0), (1, 2), (1, 4)]


def test_for_whom_waiting_costs_the_next_best_machine_is_taken():
    jobs = [(0, 9, [(0, [Option(0, 2, 9.0), Option(1, 2, 8.0)])])] * 3
    of = problem([ready(10), ready(10)], jobs, [1.0] * 10)
    assert made(of, greedy.patient(0.2)) == [(1, 0), (0, 0), (1, 2)]


def test_setups_and_starts_take_their_time():
    jobs = [(0, 5, [(0, [Option(0, 2, 5.0)])]), (0, 9, [(1, [Option(0, 2, 5.0)])])]
    assert made(problem([machine(10, start_steps=2)], jobs, [1.0] * 10)) == [(0, 2), (0, 5)]


def test_an_order_that_finds_no_room_is_left_whole():
    jobs = [(0, 9, [(0, [Option(0, 3, 5.0)]), (0, [Option(0, 8, 5.0)])]), (0, 9, [(0, [Option(0, 4, 5.0)])])]
    of = problem([ready(10)], jobs, [1.0] * 10)
    assert greedy.build(of, greedy.usual).option == (NOTHING, NOTHING, 0)
