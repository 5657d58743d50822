"""Whatever happens while plans are carried out, the next one can be done from where the plant is."""

from __future__ import annotations

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.energy.planning import search
from models.energy.planning.continuing import continued
from models.energy.planning.posing import pose
from models.energy.planning.telling import Made, told
from models.energy.planning.timeline import all_spans, figures
from models.records import PlanReason
from tests.kit.energy_check import walk
from tests.kit.production import HOUR_US, MONDAY_US, order, plant, situation, tariff, warning

PLANT = plant()
QUARTER_US = 900 * 1_000_000
PRODUCTS = ("cover", "housing", "seal")


def happenings(seed):
    """Situations one after another: orders come and are done, machines break and are mended, warnings come and go."""
    random = np.random.default_rng(seed)
    orders, down, warnings, now_us = {}, set(), {}, MONDAY_US
    for turn in range(6):
        for number in range(int(random.integers(0, 4))):
            name = f"o-{turn}-{number}"
            due_h = (now_us - MONDAY_US) / HOUR_US + float(random.uniform(4, 60))
            orders[name] = order(name, str(random.choice(PRODUCTS)), int(random.integers(20, 500)), due_h)
        for name in list(orders):
            if random.random() < 0.1:
                del orders[name]
        machine = str(random.choice(list(PLANT.production.machines)))
        down ^= {machine} if random.random() < 0.3 else set()
        if random.random() < 0.4:
            one = warning(machine, window_end_us=now_us, act_before_us=now_us + int(random.integers(1, 60)) * HOUR_US)
            warnings = {} if machine in warnings else warnings | {machine: one}
        yield now_us, dict(orders), frozenset(down), tuple(warnings.values())
        now_us += int(random.integers(1, 20)) * QUARTER_US


@given(st.integers(0, 10**9))
@settings(deadline=None, max_examples=25)
def test_each_plan_goes_on_from_the_one_before(seed):
    running, prices = None, (tariff([0.1 + 0.05 * (hour % 24 in range(7, 12)) for hour in range(96)]),)
    for now_us, orders, down, warnings in happenings(seed):
        at = situation(orders=orders, begin_us=now_us, down=down, warnings=warnings, tariffs=prices, running=running)
        posed = pose(at)
        found = search.mended(posed.problem, seed, rounds=8)
        best = continued(posed.problem)
        for schedule in [found.schedule] + [best] * (best is not None):
            seen = walk(posed.problem, schedule, all_spans(posed.problem, schedule))
            assert seen.wrong == []
            assert abs(seen.kwh - figures(posed.problem, schedule).kwh) < 1e-6 * seen.kwh
        begun = (
            {(job.order, job.step) for job in (*running.done, *running.jobs) if job.end_us <= now_us}
            if running
            else set()
        )
        running = told(at, posed, found.schedule, Made(PlanReason.ROLLED, now_us, "test", 0.1, None, 0))
        assert not {job.order for job in running.jobs} - orders.keys()
        assert msgspec.json.encode(running)
        steps = [(job.order, job.step) for job in (*running.done, *running.jobs)]
        left = {one.order for one in running.unplanned}
        assert len(steps) == len(set(steps))  # no step is made twice
        assert {one for one in begun if one[0] in orders} <= {(job.order, job.step) for job in running.done}
        assert set(steps) >= {(name, step) for name in orders.keys() - left for step in (0, 1)}
