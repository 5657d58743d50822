"""What machines do between their work, and what a schedule takes."""

import pytest

from models.energy.planning.problem import Option, Schedule
from models.energy.planning.timeline import Habit, all_spans, figures
from models.records import PowerState
from tests.kit.energy_tiny import machine, problem

OFF, START, IDLE, SETUP, RUN = (
    PowerState.OFF, PowerState.START, PowerState.IDLE, PowerState.SETUP, PowerState.RUN,
)  # fmt: skip


def said(one, begins, habit=Habit.CHEAPEST, families=(0, 0), price=None):
    """Spans of a machine with orders of two steps."""
    steps = len(one.is_open)
    jobs = [(0, steps, [(family, [Option(0, 2, 10.0)])]) for family in families[: len(begins)]]
    of = problem([one], jobs, price or [1.0] * steps)
    schedule = Schedule((0,) * len(begins), tuple(begins), ())
    return [(span.state, span.begin, span.end) for span in all_spans(of, schedule, habit)[0]]


def test_a_machine_is_switched_off_where_that_costs_less_than_to_stand_idle():
    assert said(machine(12), (1, 6)) == [
        (START, 0, 1), (RUN, 1, 3), (OFF, 3, 5), (START, 5, 6), (RUN, 6, 8), (OFF, 8, 12),
    ]  # fmt: skip
    assert said(machine(12), (1, 4))[2] == (IDLE, 3, 4)


def test_by_prices_it_may_pay_to_stand_idle():
    dear = [1.0] * 5 + [9.0] + [1.0] * 6
    assert said(machine(12, idle_kw=1.0, start_kw=9.0), (1, 6), price=dear)[2] == (IDLE, 3, 6)


def test_one_that_is_left_on_stands_idle_between_its_orders_but_not_before_and_after():
    assert said(machine(12), (2, 8), Habit.LEFT_ON) == [
        (OFF, 0, 1), (START, 1, 2), (RUN, 2, 4), (IDLE, 4, 8), (RUN, 8, 10), (OFF, 10, 12),
    ]  # fmt: skip


def test_one_that_is_left_on_is_off_while_it_may_not_work_and_on_again_from_when_it_may():
    assert said(machine(14, closed=(4, 5, 6, 7)), (1, 10), Habit.LEFT_ON)[2:6] == [
        (IDLE, 3, 4), (OFF, 4, 7), (START, 7, 8), (IDLE, 8, 10),
    ]  # fmt: skip


def test_over_two_nights_it_is_off_twice():
    states = said(machine(16, closed=(4, 5, 6, 9, 10, 11)), (1, 13), Habit.LEFT_ON)
    assert states[2:-2] == [
        (IDLE, 3, 4), (OFF, 4, 6), (START, 6, 7), (IDLE, 7, 9), (OFF, 9, 11), (START, 11, 12), (IDLE, 12, 13),
    ]  # fmt: skip


def test_a_break_that_is_shorter_than_a_start_it_stands_idle():
    assert [state for state, *_ in said(machine(12, closed=(4,), start_steps=2), (2, 8), Habit.LEFT_ON)].count(OFF) == 1


def test_what_must_not_be_off_stands_idle():
    assert said(machine(8, may_be_off=False), (2,)) == [(IDLE, 0, 2), (RUN, 2, 4), (IDLE, 4, 8)]


def test_a_machine_is_set_up_right_before_another_family():
    assert said(machine(12), (1, 6), families=(0, 1))[2:5] == [(OFF, 3, 4), (START, 4, 5), (SETUP, 5, 6)]


def test_figures_add_up_energy_cost_peak_and_delay():
    of = problem([machine(8)], [(0, 2, [(0, [Option(0, 2, 10.0)])])], [1.0, 2.0] * 4)
    took = figures(of, Schedule((0,), (1,), ()))
    assert (took.kwh, took.energy_cost, took.peak_kw) == (6 + 20, 6 + 20 + 10, 10)
    assert (took.late_steps, took.late_jobs, took.late_cost) == (1, 1, 100)
    assert took.cost == pytest.approx(136)
