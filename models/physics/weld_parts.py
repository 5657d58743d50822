"""What a simulated weld cell made, as records: a part for each weld, and what was found of it some parts later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from models.physics.weld import Kind, Settings, Welds
from models.records import Part, QualityResult

KINDS = {Kind.GOOD: "", Kind.UNDERSIZE: "undersize", Kind.EXPULSION: "expulsion"}


class Place(NamedTuple):
    """Where and when parts are made: one each `step_us` from `begin_us` on; results come `late` parts after."""

    plant: str
    asset: str
    product: str
    begin_us: int
    step_us: int
    late: int


def records_of(made: Welds, settings: Settings, at: Place) -> Iterator[tuple[Part, QualityResult]]:
    """Each weld's part and result. Resistance is told, too, but follows from an expulsion: no input for a model."""
    columns = zip(
        made.number.tolist(), made.welds_since_dress.tolist(), made.current_ka.tolist(), made.force_kn.tolist(),
        made.weld_ms.tolist(), made.resistance_uohm.tolist(), made.energy_kj.tolist(), made.cycle_s.tolist(),
        made.lot.tolist(), made.kind.tolist(), strict=True,
    )  # fmt: skip
    said = {name: float(value) for name, value in settings._asdict().items()}
    for number, since, current, force, ms, ohm, energy, cycle, lot, kind in columns:
        time_us = at.begin_us + number * at.step_us
        part = Part(
            plant=at.plant, asset=at.asset, part=str(number), product=at.product, time_us=time_us, settings=said,
            lot=f"lot-{lot}",
            measured={
                "current_ka": current, "force_kn": force, "weld_ms": ms, "since_dress": float(since),
                "resistance_uohm": ohm, "energy_kj": energy, "cycle_s": cycle,
            },
        )  # fmt: skip
        yield part, QualityResult(
            plant=at.plant, asset=at.asset, part=part.part, time_us=time_us, found_us=time_us + at.late * at.step_us,
            defects=int(kind > 0), kind=KINDS[Kind(kind)],
        )  # fmt: skip
