"""The paper behind repairs and services: work orders with their dates, some typed in wrong days later.

An order is entered when the work is done. What is true stands in `entered_us` and `shift_us`, for tests and counting;
the dates are what the maintenance system shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from models.physics.cycles import HOUR_US, SLOT_US
from models.physics.duty import HOURS_A_DAY
from models.physics.faults import within
from models.physics.pump import PumpFailure
from models.physics.wear import WornPart

DAY_US = HOURS_A_DAY * HOUR_US


class OrderKind(StrEnum):
    """What the order was for."""

    CORRECTIVE = "corrective"
    SERVICE = "service"


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderLaw:
    """How orders are written. All numbers are our assumptions; a pair is drawn from evenly."""

    misdated_share: float = 0.2
    misdated_days: int = 2
    """All three dates of a misdated order are off by so many days, early or late."""
    waiting_share: tuple[float, float] = (0.1, 0.4)
    """Share of a repair's time that passes before the work starts: crew, parts, permit."""
    planned_days: tuple[float, float] = (3.0, 14.0)
    """A service is reported, that is planned, so long before it starts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetOrder:
    """A work order: its dates as written, when it was entered, and by how much its dates are off.

    `mode` and `part` are what the repair found, None for a service.
    """

    asset: int
    number: str
    kind: OrderKind
    mode: PumpFailure | None
    part: WornPart | None
    reported_us: int
    started_us: int
    finished_us: int
    entered_us: int
    shift_us: int


class Orders:
    """Writes orders: each pump numbers its own and draws from its own generator."""

    def __init__(self, law: OrderLaw, rngs: Sequence[np.random.Generator]) -> None:
        self.law, self._rngs = law, rngs
        self._written = [0] * len(rngs)

    def corrective(self, asset: int, failed_us: int, repaired_us: int, mode: PumpFailure, part: WornPart) -> FleetOrder:
        """The order of a repair, reported at the failure."""
        waiting, shift_us = self._draw(asset)
        wait_us = int(within(self.law.waiting_share, waiting) * (repaired_us - failed_us)) // SLOT_US * SLOT_US
        return FleetOrder(
            asset=asset, number=self._number(asset), kind=OrderKind.CORRECTIVE, mode=mode, part=part,
            reported_us=failed_us + shift_us, started_us=failed_us + wait_us + shift_us,
            finished_us=repaired_us + shift_us, entered_us=repaired_us, shift_us=shift_us,
        )  # fmt: skip

    def service(self, asset: int, started_us: int, finished_us: int) -> FleetOrder:
        """The order of a planned service, reported days before."""
        planned, shift_us = self._draw(asset)
        ahead_us = int(within(self.law.planned_days, planned) * HOURS_A_DAY) * HOUR_US
        return FleetOrder(
            asset=asset, number=self._number(asset), kind=OrderKind.SERVICE, mode=None, part=None,
            reported_us=started_us - ahead_us + shift_us, started_us=started_us + shift_us,
            finished_us=finished_us + shift_us, entered_us=finished_us, shift_us=shift_us,
        )  # fmt: skip

    def _draw(self, asset: int) -> tuple[float, int]:
        """A uniform for the dates, and by how much they are off."""
        dates, misdated, late = self._rngs[asset].random(3).tolist()
        off_us = self.law.misdated_days * DAY_US if misdated < self.law.misdated_share else 0
        return dates, off_us if late < 0.5 else -off_us

    def _number(self, asset: int) -> str:
        """The pump's number and a count: no pump's orders depend on another's."""
        self._written[asset] += 1
        return f"WO-{asset + 1:04}-{self._written[asset]:03}"
