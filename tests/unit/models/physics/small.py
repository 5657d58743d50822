"""A short run with short lives and all that can happen in it, and how it is hashed."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import numpy as np

from models.physics.cycles import CycleLaw
from models.physics.faults import FaultLaw
from models.physics.fleet import FleetBlock, FleetSpec, simulate
from models.physics.wear import WearLaw

START_US = 1_735_689_600_000_000  # 2025-01-01T00:00Z
HOUR_US = 3_600_000_000
LYING = FaultLaw(
    stuck_a_month=1.0, spike_a_month=2.0, gap_a_month=1.0, drift_a_month=1.0, stuck_hours=(2.0, 30.0),
    drift_days=(1.0, 3.0),
)  # fmt: skip
QUICK = WearLaw(mean_life_days=4.0, repair_hours=(2.0, 8.0))
SERVED = CycleLaw(service_mean_days=4.0)


def quick_spec(**changes) -> FleetSpec:
    laws = {"wear": QUICK, "cycles": SERVED, "faults": LYING}
    return FleetSpec(**({"start_us": START_US, "n_pumps": 5, "days": 8} | laws | changes))


@cache
def quick() -> tuple[FleetBlock, ...]:
    return tuple(simulate(quick_spec(), seed=7))


def digest(blocks: Iterable[FleetBlock]) -> str:
    """SHA-256 of all columns, events, orders and faults."""
    sha = hashlib.sha256()
    for block in blocks:
        sha.update(block.asset.astype("<i4").tobytes() + block.time_us.astype("<i8").tobytes())
        sha.update(np.where(np.isnan(block.values), -1e300, block.values).astype("<f8").tobytes())
        sha.update(block.run_state.tobytes() + block.alarm.tobytes() + block.true_state.tobytes())
        for e in block.events:
            sha.update(f"{e.asset} {e.time_us} {e.kind} {e.mode.name} {e.part.name};".encode())
        for o in block.orders:
            mode, part = (None if x is None else x.name for x in (o.mode, o.part))
            dates = f"{o.reported_us} {o.started_us} {o.finished_us} {o.entered_us} {o.shift_us}"
            sha.update(f"{o.asset} {o.number} {o.kind} {mode} {part} {dates};".encode())
        for f in block.faults:
            sha.update(f"{f.asset} {f.signal} {f.kind} {f.first_us} {f.last_us} {f.size:.9g};".encode())
    return sha.hexdigest()


ARRAYS = ("asset", "time_us", "values", "run_state", "alarm", "true_state")
TUPLES = ("events", "orders", "faults")


def own_parts(blocks: Iterable[FleetBlock], asset: int) -> list[FleetBlock]:
    """The blocks with one pump's rows and truth alone."""
    return [
        replace(
            block,
            **{name: getattr(block, name)[block.asset == asset] for name in ARRAYS},
            **{name: tuple(x for x in getattr(block, name) if x.asset == asset) for name in TUPLES},
        )
        for block in blocks
    ]


def joined(blocks: Iterable[FleetBlock]) -> FleetBlock:
    """Days as one block."""
    blocks = tuple(blocks)
    return FleetBlock(
        **{name: np.concatenate([getattr(block, name) for block in blocks]) for name in ARRAYS},
        **{name: tuple(x for block in blocks for x in getattr(block, name)) for name in TUPLES},
    )
