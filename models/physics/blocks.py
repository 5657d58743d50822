"""What goes into a fleet and what comes out of it, a day at a time: specification, events and rows."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from models.physics.cycles import CycleLaw
from models.physics.duty import DutyLaw
from models.physics.faults import FaultLaw, SensorFault
from models.physics.orders import FleetOrder, OrderLaw
from models.physics.pump import Array, PumpFailure, PumpParameters
from models.physics.wear import WearLaw, WornPart

HOUR_S = 3600


class FleetEventKind(StrEnum):
    """What can happen to a pump: it fails, and it is repaired."""

    FAILED = "failed"
    REPAIRED = "repaired"


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetSpec:
    """What to simulate. `sample_s` is the step too: 60 to 600 s, a divisor of the hour. `start_us` is UTC."""

    start_us: int
    n_pumps: int = 12
    days: int = 60
    sample_s: int = 600
    wear: WearLaw = field(default_factory=WearLaw)
    duty: DutyLaw = field(default_factory=DutyLaw)
    cycles: CycleLaw = field(default_factory=CycleLaw)
    faults: FaultLaw = field(default_factory=FaultLaw)
    orders: OrderLaw = field(default_factory=OrderLaw)
    pump: PumpParameters = field(default_factory=PumpParameters)

    def __post_init__(self) -> None:
        if not 60 <= self.sample_s <= 600 or HOUR_S % self.sample_s:
            raise ValueError(f"fleet: sample_s is {self.sample_s}; use a divisor of 3600 from 60 to 600")
        if self.n_pumps < 1 or self.days < 0:
            raise ValueError(
                f"fleet: {self.n_pumps} pumps over {self.days} days; use at least one pump and no negative days"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetEvent:
    """A failure, at the row that reached the limit, or the repair after it, at the last row of its maintenance.

    `mode` is the limit that was reached, `part` the part that had worn: a radial bearing often ends as hot oil.
    """

    asset: int
    time_us: int
    kind: FleetEventKind
    mode: PumpFailure
    part: WornPart


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetBlock:
    """A day of rows, by time and then asset: every pump has a row at every step. Arrays are of shape (rows,).

    `values` are (rows, len(SIGNALS)), NaN where the signal was not sent with this row. `run_state` indexes RUN_STATES
    and `alarm` ALARMS, -1 where not sent. `true_state` is the state of every row. Events and orders are those of the
    day by their true times (an order's: when it was entered), `faults` those that begin on it.
    """

    asset: NDArray[np.int32]
    time_us: NDArray[np.int64]
    values: Array
    run_state: NDArray[np.int8]
    alarm: NDArray[np.int8]
    true_state: NDArray[np.int8]
    events: tuple[FleetEvent, ...]
    orders: tuple[FleetOrder, ...]
    faults: tuple[SensorFault, ...]
