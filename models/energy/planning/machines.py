"""What a machine takes and how fast it is: what was learned, and the plant file's word for what was not."""

from __future__ import annotations

from typing import NamedTuple

from models.plant import Producer, seconds
from models.records import EnergyProfile, Learned, OperatingState

STATED_ERROR = 0.1
"""Standard error, as a share, of a power that a plant file states. Our choice."""
LEAST_MIN = 60
"""Minutes of data below which a learned figure does not take the place of a stated one. Our choice."""


class Made(NamedTuple):
    """Making a product at full speed: kW, the part of it that is drawn at any speed, units an hour."""

    kw: float
    base_kw: float
    units_per_h: float


class Rates(NamedTuple):
    """A machine's powers by state, its start, and what it makes; `error` is the share that powers may be off by."""

    off_kw: float
    idle_kw: float
    setup_kw: float
    start_kw: float
    start_s: float
    makes: dict[str, Made]
    error: float
    is_learned: bool


def rates_of(one: Producer, learned: EnergyProfile | None) -> Rates:
    """What is known of a machine."""
    states = {} if learned is None else learned.states_kw
    off = _known(states.get(OperatingState.OFF), one.off_kw)
    idle = max(off, _known(states.get(OperatingState.IDLE), one.idle_kw))
    start_kw, start_s = _start(one, learned, idle)
    makes = {name: _made(one, learned, name, idle) for name in one.makes}
    is_learned = learned is not None and any(enough(product.kwh_per_unit) for product in learned.products)
    return Rates(
        off, idle, idle if one.setup_kw is None else one.setup_kw, start_kw, start_s, makes,
        _error(learned) if is_learned else STATED_ERROR, is_learned,
    )  # fmt: skip


def enough(figure: Learned | None) -> bool:
    """Whether a learned figure is of enough data."""
    return figure is not None and figure.minutes >= LEAST_MIN


def _known(figure: Learned | None, stated: float) -> float:
    return max(0.0, figure.value) if figure is not None and enough(figure) else stated


def _start(one: Producer, learned: EnergyProfile | None, idle: float) -> tuple[float, float]:
    """Power and seconds of a start."""
    stated = idle if one.start_kw is None else one.start_kw
    if learned is None or learned.start_kwh is None or learned.start_min is None or learned.start_min.value <= 0:
        return stated, seconds(one.start)
    minutes = learned.start_min.value
    return max(0.0, learned.start_kwh.value * 60 / minutes), minutes * 60


def _made(one: Producer, learned: EnergyProfile | None, product: str, idle: float) -> Made:
    stated = one.makes[product]
    of = {each.product: each for each in (() if learned is None else learned.products)}.get(product)
    if learned is None or of is None or learned.running_kw is None or not enough(of.kwh_per_unit):
        kw = stated.kwh_per_unit * stated.units_per_h
        return Made(kw, min(idle, kw), stated.units_per_h)
    rate = of.units_per_h.value if of.units_per_h.value > 0 else stated.units_per_h
    base = max(0.0, learned.running_kw.value)
    return Made(base + max(0.0, of.kwh_per_unit.value) * rate, base, rate)


def _error(learned: EnergyProfile | None) -> float:
    """Share that learned powers may be off by: the mean of the products' errors against what they take an hour."""
    products = () if learned is None else learned.products
    shares = []
    for one in products:
        kw = one.kwh_per_unit.value * one.units_per_h.value
        if kw > 0:
            shares.append(one.kwh_per_unit.error * one.units_per_h.value / kw)
    return min(STATED_ERROR, sum(shares) / len(shares)) if shares else STATED_ERROR
