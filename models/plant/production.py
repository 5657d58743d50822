"""What a plant file says of production: products and their routes, machines with power states, what power costs.

Structs and their checks. A machine is an asset of the plant; powers and rates are what the plant expects until they are
learned (`models.energy.profiles`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import NamedTuple

from msgspec import Struct

from models.plant.durations import check_duration, seconds
from models.plant.errors import PlantError
from models.records import Name

LEAST_STEP_S, MOST_STEP_S = 60, 900
LONGEST_HORIZON_S = 7 * 86_400
SETUPS = ">"
"""Between two families in the name of a setup: `"white>black"`."""


class Product(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Is made on one machine of each group of its `route`, in order; `family` is what those are set up for."""

    route: tuple[Name, ...]
    family: str = ""


class Making(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a machine makes a product: units an hour, and kWh for each of them, all that it takes meanwhile counted."""

    units_per_h: float
    kwh_per_unit: float


class Producer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A machine: its group, kW by power state, and what it makes.

    `power`, `parts` and `product` are its signals of kW, of units made and of what is being made; `model` forecasts its
    power. `start` is how long
    it warms up, `maintenance` how long the work takes that a warning asks for. One that `may_be_off` is false is never
    switched off by a plan, a furnace as a rule. `slower` are speeds beside the full one, as shares of it. `sheddable`
    says whether it may be asked to wait when the site's peak is near, for at most `longest_wait`.
    """

    group: Name
    idle_kw: float
    off_kw: float = 0.0
    setup_kw: float | None = None
    start_kw: float | None = None
    start: str = "0min"
    may_be_off: bool = True
    makes: dict[Name, Making] = {}
    slower: tuple[float, ...] = ()
    shifts: tuple[Name, ...] | None = None
    maintenance: str = "2h"
    sheddable: bool = False
    longest_wait: str = "15min"
    least_on: str = "0min"
    power: Name | None = None
    parts: Name | None = None
    product: Name | None = None
    model: Name | None = None


class Demand(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a kW of the highest quarter-hour costs a month, and the least that is billed.

    `paid_kw` is the highest that is billed already; `ratchet` is the share of `highest_kw`, of the months before, that
    is billed anyway. Load over `limit_kw` is not allowed.
    """

    price_per_kw: float = 0.0
    paid_kw: float = 0.0
    highest_kw: float = 0.0
    ratchet: float = 0.0
    limit_kw: float | None = None

    @property
    def billed_kw(self) -> float:
        """What is billed whatever is planned."""
        return max(self.paid_kw, self.ratchet * self.highest_kw)


class Meter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A meter: an asset and its signal of kW, and the model that forecasts it, where there is one.

    It is the site's, whose quarter-hours are billed; or, where it is not `whole`, that of the load beside the machines,
    whose forecast plans then rest on.
    """

    asset: Name
    signal: Name = "power_kw"
    model: Name | None = None
    whole: bool = True


class Tap(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signal of an asset."""

    asset: Name
    signal: Name


class Air(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A compressed-air network: what its compressors take, the pressure at the consumer that needs most, all in bar(g).

    `setpoint_bar` is what the network is held at, `least_bar` what that consumer needs, and a suggestion never goes
    below `lowest_bar`. `flow` is in m3 a minute, where it is measured.
    """

    compressors: tuple[Tap, ...]
    pressure: Tap
    setpoint_bar: float
    least_bar: float
    lowest_bar: float
    flow: Tap | None = None


class Metered(NamedTuple):
    """What has a load forecast: an asset, its signal of kW, and the model."""

    asset: str
    signal: str
    model: str


class Production(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is planned, and how. `shifts` are those in which machines may work that name none; none: always.

    `base_kw` is the load beside the machines where no forecast says it. `setups` are times from family to family, such
    as `{"white>black" = "30min"}`, before `setup`. Steps that begin within `frozen` stay as they are. An hour's delay
    costs `late_per_h` and a job that changes its place `move_cost`, so that plans do not jump.
    """

    products: dict[Name, Product]
    machines: dict[Name, Producer]
    step: str = "5min"
    horizon: str = "72h"
    frozen: str = "1h"
    shifts: tuple[Name, ...] = ()
    setup: str = "0min"
    setups: dict[str, str] = {}
    base_kw: float = 0.0
    meter: Meter | None = None
    air: Air | None = None
    demand: Demand = Demand()
    price_per_kwh: float = 0.0
    late_per_h: float = 10.0
    co2_per_t: float = 0.0
    move_cost: float = 1.0

    @property
    def groups(self) -> dict[str, list[str]]:
        """Machines by group, in the file's order."""
        found: dict[str, list[str]] = {}
        for name, machine in self.machines.items():
            found.setdefault(machine.group, []).append(name)
        return found

    @property
    def metered(self) -> list[Metered]:
        """What has a load forecast: the meter, and machines."""
        machines = [
            Metered(name, one.power, one.model) for name, one in self.machines.items() if one.power and one.model
        ]
        meter = self.meter
        return ([Metered(meter.asset, meter.signal, meter.model)] if meter and meter.model else []) + machines

    def family_of(self, product: str) -> str:
        """What machines are set up for to make it."""
        return self.products[product].family or product

    def setup_s(self, before: str, after: str) -> int:
        """Seconds to set up from one family to another."""
        if before == after:
            return 0
        return seconds(self.setups.get(f"{before}{SETUPS}{after}", self.setup))


def check_production(
    production: Production | None, assets: Mapping[str, Collection[str]], shifts: Collection[str]
) -> None:
    """Raise PlantError for the first thing that is wrong, with its place; `assets` have the signals of each."""
    if production is None:
        return
    _check_times(production)
    _check_shifts("production", production.shifts, shifts)
    for name, machine in production.machines.items():
        where = f"production.machines.{name}"
        if name not in assets:
            raise PlantError(f"{where}: there is no such asset: add [assets.{name}]")
        _check_machine(where, machine, production.products)
        for key in ("power", "parts", "product"):
            _check_signal(f"{where}.{key}", name, getattr(machine, key), assets)
        _check_shifts(where, machine.shifts or (), shifts)
    for name, product in production.products.items():
        _check_product(f"production.products.{name}", name, product, production)
    _check_setups(production)
    _check_demand(production.demand)
    if production.meter is not None and production.meter.asset not in assets:
        raise PlantError(f"production.meter.asset: there is no asset '{production.meter.asset}'")
    if production.meter is not None:
        _check_signal("production.meter.signal", production.meter.asset, production.meter.signal, assets)
    _check_air(production.air, assets)
    for key in ("base_kw", "late_per_h", "co2_per_t", "move_cost"):
        _check_number(f"production.{key}", getattr(production, key))


def _check_times(production: Production) -> None:
    for key, least_s in (("step", LEAST_STEP_S), ("horizon", 3600), ("frozen", 0), ("setup", 0)):
        check_duration(f"production.{key}", getattr(production, key), least_s)
    step_s, horizon_s = seconds(production.step), seconds(production.horizon)
    if step_s > MOST_STEP_S or MOST_STEP_S % step_s:
        raise PlantError(f"production.step is {production.step}: write one that 15min is a multiple of, such as 5min")
    if horizon_s > LONGEST_HORIZON_S or horizon_s % MOST_STEP_S:
        raise PlantError(f"production.horizon is {production.horizon}: write a multiple of 15min, at most 168h")


def _check_shifts(where: str, named: Collection[str], known: Collection[str]) -> None:
    for shift in named:
        if shift not in known:
            raise PlantError(f"{where}.shifts: there is no shift '{shift}', but {sorted(known)}")


def _check_machine(where: str, machine: Producer, products: Mapping[str, Product]) -> None:
    for key in ("start", "maintenance", "longest_wait", "least_on"):
        check_duration(f"{where}.{key}", getattr(machine, key))
    for key in ("idle_kw", "off_kw", "setup_kw", "start_kw"):
        if (kw := getattr(machine, key)) is not None:
            _check_number(f"{where}.{key}", kw)
    if machine.off_kw > machine.idle_kw:
        raise PlantError(f"{where}: off_kw is over idle_kw: a machine that is off takes no more than one that is idle")
    for name, making in machine.makes.items():
        if name not in products:
            raise PlantError(f"{where}.makes.{name}: there is no such product: add [production.products.{name}]")
        _check_number(f"{where}.makes.{name}.kwh_per_unit", making.kwh_per_unit)
        if not (math.isfinite(making.units_per_h) and making.units_per_h > 0):
            raise PlantError(f"{where}.makes.{name}.units_per_h must be over 0")
    if any(not 0 < share < 1 for share in machine.slower):
        raise PlantError(f"{where}.slower: write shares of the full speed between 0 and 1")


def _check_product(where: str, name: str, product: Product, production: Production) -> None:
    if not product.route:
        raise PlantError(f"{where}.route: name at least one group")
    for group in product.route:
        makers = production.groups.get(group, ())
        if not any(name in production.machines[machine].makes for machine in makers):
            raise PlantError(f"{where}.route: no machine of group '{group}' makes it: add it to one's makes")


def _check_setups(production: Production) -> None:
    families = {production.family_of(name) for name in production.products}
    for pair, duration in production.setups.items():
        check_duration(f"production.setups.{pair}", duration)
        before, _, after = pair.partition(SETUPS)
        if not {before, after} <= families:
            raise PlantError(f"production.setups: '{pair}' must be two of {sorted(families)} with {SETUPS} between")


def _check_demand(demand: Demand) -> None:
    for key in ("price_per_kw", "paid_kw", "highest_kw", "ratchet"):
        _check_number(f"production.demand.{key}", getattr(demand, key))
    if demand.ratchet > 1:
        raise PlantError("production.demand.ratchet is a share, 0 to 1")
    if demand.limit_kw is not None and not demand.limit_kw > 0:
        raise PlantError("production.demand.limit_kw must be over 0")


def _check_signal(where: str, asset: str, signal: str | None, assets: Mapping[str, Collection[str]]) -> None:
    if signal is not None and signal not in assets[asset]:
        raise PlantError(f"{where}: '{asset}' has no signal '{signal}', but {sorted(assets[asset])}")


def _check_air(air: Air | None, assets: Mapping[str, Collection[str]]) -> None:
    if air is None:
        return
    for tap in (*air.compressors, air.pressure, *([air.flow] if air.flow else [])):
        if tap.asset not in assets:
            raise PlantError(f"production.air: there is no asset '{tap.asset}'")
        _check_signal("production.air", tap.asset, tap.signal, assets)
    if not 0 < air.lowest_bar <= air.least_bar < air.setpoint_bar:
        raise PlantError("production.air: lowest_bar, least_bar and setpoint_bar must rise, from over 0")


def _check_number(where: str, value: float) -> None:
    if not (math.isfinite(value) and value >= 0):
        raise PlantError(f"{where} must be 0 or more")
