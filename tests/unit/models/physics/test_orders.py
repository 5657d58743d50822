"""Work orders: one for each repair and service, about a fifth of them dated two days off."""

from functools import cache

import numpy as np

from models.physics.faults import FaultLaw
from models.physics.fleet import FleetBlock, FleetEventKind, FleetSpec, simulate
from models.physics.orders import DAY_US, OrderKind
from models.physics.wear import WearLaw
from tests.unit.models.physics.small import START_US, joined


@cache
def run() -> FleetBlock:
    law = WearLaw(mean_life_days=10.0)
    return joined(simulate(FleetSpec(start_us=START_US, n_pumps=60, days=60, wear=law, faults=FaultLaw.none()), seed=5))


def test_each_repair_has_an_order_with_the_failure_as_found() -> None:
    repairs = [(e.asset, e.time_us, e.mode, e.part) for e in run().events if e.kind is FleetEventKind.REPAIRED]
    orders = [(o.asset, o.entered_us, o.mode, o.part) for o in run().orders if o.kind is OrderKind.CORRECTIVE]
    assert orders == repairs and len(repairs) > 200


def test_the_dates_of_an_order_are_true_but_for_its_shift() -> None:
    failed = {(e.asset, e.time_us) for e in run().events if e.kind is FleetEventKind.FAILED}
    for order in run().orders:
        assert order.reported_us < order.started_us < order.finished_us
        assert order.finished_us - order.shift_us == order.entered_us
        if order.kind is OrderKind.CORRECTIVE:
            assert (order.asset, order.reported_us - order.shift_us) in failed
        else:
            assert order.mode is None and order.part is None
            assert 3 * DAY_US - 3.6e9 <= order.started_us - order.reported_us <= 14 * DAY_US


def test_a_fifth_of_the_orders_is_dated_two_days_early_or_late() -> None:
    shifts = np.array([order.shift_us for order in run().orders])
    assert set(shifts.tolist()) == {-2 * DAY_US, 0, 2 * DAY_US}
    assert 0.15 < np.mean(shifts != 0) < 0.25
    assert 0.3 < np.mean(shifts[shifts != 0] > 0) < 0.7


def test_order_numbers_are_unique() -> None:
    numbers = [order.number for order in run().orders]
    assert len(set(numbers)) == len(numbers)
