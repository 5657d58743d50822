"""The simulated plant draws what the plan says where nothing is off, and waits where something is late."""

import numpy as np
import pytest

from models.energy.planning import greedy
from models.energy.planning.problem import Option
from models.energy.planning.timeline import Habit, all_spans, figures
from tests.kit.energy_loop import Noise, carry_out
from tests.kit.energy_plants import SEEDS, week
from tests.kit.energy_tiny import machine, problem


def exact(of):
    ones = np.ones(len(of.operations))
    return Noise(ones, ones, np.ones(len(of.machines)))


@pytest.mark.parametrize("choice", [greedy.usual, greedy.thrifty])
@pytest.mark.parametrize("habit", Habit)
def test_without_noise_a_plan_draws_what_it_says(choice, habit):
    of = week(SEEDS[0])
    schedule = greedy.build(of, choice)
    carried = carry_out(of, schedule, all_spans(of, schedule, habit), exact(of))
    assert carried.kwh == pytest.approx(figures(of, schedule, habit).kwh)


def test_where_work_is_longer_what_follows_is_later_and_all_is_drawn():
    of = problem([machine(9)], [(0, 4, [(0, [Option(0, 2, 10.0)])])] * 2, [1.0] * 9)
    schedule = greedy.build(of, greedy.usual)
    longer = exact(of)._replace(steps=np.array([1.5, 1.0]))
    carried = carry_out(of, schedule, all_spans(of, schedule), longer)
    assert (carried.kwh, carried.late_steps) == (6 + 30 + 20, 2.0)


def test_a_machine_that_is_late_stays_on_where_there_is_no_time_for_a_start():
    of = problem([machine(9)], [(0, 9, [(0, [Option(0, 2, 10.0)])]), (5, 9, [(0, [Option(0, 2, 10.0)])])], [1.0] * 9)
    schedule = greedy.build(of, greedy.usual)
    late = exact(of)._replace(steps=np.array([1.6, 1.0]))
    carried = carry_out(of, schedule, all_spans(of, schedule), late)
    assert carried.kwh == pytest.approx(6 + 32 + 0.8 * 4 + 20)
