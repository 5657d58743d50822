"""What came of plans: each day's energy and units measured, and held against the energy baseline of that output."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from models.energy.baseline import Baseline
from models.energy.realised import predicted_share, realised
from models.plant import Plant
from models.records import Plan, PlanResult, key_of
from pipelines.plan.ports import Rows
from pipelines.plan.readings import minutes_of
from pipelines.plan.role import Look, Planner
from pipelines.topics import Topic

DAY_US = 86_400 * 1_000_000
LOOK_S = 60.0
ENERGY = "energy_kwh"
UNITS = "units_"
"""Before a product's name in the name of a driver."""
NO_BASELINE = (
    "there is no energy baseline: make one of `forewarn energy history` by `forewarn energy baseline --out`, and name "
    "its file in FOREWARN_ENERGY_BASELINE"
)


async def daily(plant: Plant, rows: Rows, from_us: int, to_us: int) -> pl.DataFrame:
    """Whole days of the plant's machines: `day_us`, `energy_kwh`, and `units_PRODUCT` of each product."""
    production = plant.production
    assert production is not None
    products = sorted(production.products)
    days = np.arange(from_us // DAY_US, to_us // DAY_US)
    kwh, units = np.zeros(len(days)), np.zeros((len(days), len(products)))
    for name, machine in production.machines.items():
        if machine.power is None:
            continue
        kind = plant.assets[name].type
        found = minutes_of(await rows.read(kind, from_us, to_us, [name]), machine, plant.types[kind])
        at = found.minute // 1440 - from_us // DAY_US
        inside = (at >= 0) & (at < len(days))
        np.add.at(kwh, at[inside], found.power_kw[inside] / 60)
        for number, product in enumerate(found.products):
            of = inside & (found.product == number)
            if product in products:
                np.add.at(units, (at[of], products.index(product)), found.units[of])
    columns = {"day_us": days * DAY_US, ENERGY: kwh}
    return pl.DataFrame(columns | {f"{UNITS}{name}": units[:, at] for at, name in enumerate(products)})


def telling(planner: Planner, rows: Rows, baseline: Baseline | None) -> Look:
    """Of each day that is over, what its plan brought; of days since the role began."""
    told_us: int | None = None
    plans: dict[str, Plan] = {}

    async def once(now_us: int) -> None:
        nonlocal told_us
        board, day_us = planner.board, now_us // DAY_US * DAY_US
        if board.plan is not None:
            plans[board.plan.id] = board.plan
        if told_us is not None and day_us > told_us:
            made = await result_of(board.plant, plans, rows, day_us - DAY_US, baseline)
            if made is not None:
                await planner.send(Topic.PLANS, [(key_of(made.plant, "result"), made)])
            for old in [one.id for one in plans.values() if one.end_us < day_us]:
                del plans[old]
        told_us = day_us

    return Look("results", LOOK_S, once)


async def result_of(
    plant: Plant, plans: Mapping[str, Plan], rows: Rows, day_us: int, baseline: Baseline | None
) -> PlanResult | None:
    """What came of a day by the plan that was in force when it began; None where none was."""
    inside = [one for one in plans.values() if one.begin_us <= day_us + DAY_US and one.end_us > day_us]
    if not inside:
        return None
    plan = min(inside, key=lambda one: (abs(one.begin_us - day_us), one.made_us))
    found = await daily(plant, rows, day_us, day_us + DAY_US)
    measured, predicted = found[ENERGY].to_numpy(), predicted_share(plan)
    if baseline is None:
        kwh = float(measured.sum())
        return PlanResult(
            plant=plant.plant, plan=plan.id, begin_us=day_us, end_us=day_us + DAY_US, measured_kwh=kwh,
            baseline_kwh=0.0, realised=0.0, realised_low=0.0, realised_high=0.0, predicted=predicted, is_valid=False,
            why=NO_BASELINE,
        )  # fmt: skip
    drivers = {name: found[name].to_numpy() for name in baseline.drivers if name in found.columns}
    return realised(plant.plant, plan.id, predicted, baseline, measured, drivers, day_us, day_us + DAY_US)
