"""Stops of the simulated pumps, whose failures are known and of whose work orders a fifth is dated two days off."""

from __future__ import annotations

from functools import cache

import numpy as np

from models.failure.labels import Begin
from models.failure.stops import Stop, stop_before
from models.physics.cycles import RUN_STATES, SLOT_US
from models.physics.faults import FaultLaw
from models.physics.fleet import FleetSpec, simulate
from models.physics.orders import OrderKind
from models.physics.wear import WearLaw
from tests.unit.models.physics.small import START_US, joined


@cache
def found() -> list[tuple[int, Stop, int]]:
    """Of each repair's order the failure as it was, the stop that its dates lead to, and by how much they are off."""
    law = WearLaw(mean_life_days=10.0)
    plant = joined(
        simulate(FleetSpec(start_us=START_US, n_pumps=20, days=60, wear=law, faults=FaultLaw.none()), seed=5)
    )
    words = np.array(RUN_STATES, object)
    out = []
    for order in plant.orders:
        if order.kind is OrderKind.CORRECTIVE:
            mine = plant.asset == order.asset
            states = words[plant.true_state[mine]]
            stop = stop_before(plant.time_us[mine] + SLOT_US, states, order.reported_us, order.finished_us)
            out.append((order.reported_us - order.shift_us, stop, order.shift_us))
    return out


def test_the_stop_of_an_order_with_right_dates_is_the_failure_but_for_two_slots() -> None:
    right = [(failed_us, stop) for failed_us, stop, shift_us in found() if not shift_us]
    assert len(right) > 50
    for failed_us, stop in right:
        assert stop.stopped_us is not None and 0 <= stop.stopped_us - failed_us <= 2 * SLOT_US
        assert stop.begin is Begin.SEEN and stop.last_normal_us is not None and stop.last_normal_us <= failed_us


def test_most_orders_with_dates_that_are_off_are_told_by_what_signals_show() -> None:
    begins = [stop.begin for _, stop, shift_us in found() if shift_us]
    assert len(begins) > 10
    told = sum(begin is not Begin.SEEN for begin in begins) / len(begins)
    assert told > 0.7, f"{told:.2f} of {len(begins)}"
