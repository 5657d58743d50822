"""What a plant file says of process tuning: stations, what may be changed there within which limits, when nothing may.

Structs and their checks. A station is an asset of the plant; what limits mean is in `models.tuning.rails`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from msgspec import Struct
from msgspec.structs import replace

from models.plant.durations import check_duration
from models.plant.errors import PlantError
from models.records import Name

Range = tuple[float, float]


class Moves(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What changes with a parameter: `factor` for each unit of it, times a condition where `per` names one."""

    input: Name
    factor: float = 1.0
    per: Name | None = None


class Parameter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A setting that people may change: its unit, its hard bounds, the largest change at once.

    In `rate_h` hours it changes by `rate` at most, after a change it rests for `cool_down`, and less than `least_step`
    is not worth it. Outside of `qualified` the process is not qualified. Over `two_above` two people must approve; a
    change over `trial_above` is a matter of a trial. `moves` is what of a part's measured values moves with it.
    """

    unit: str
    low: float
    high: float
    step: float
    least_step: float = 0.0
    rate: float | None = None
    rate_h: float = 24.0
    cool_down: str = "0min"
    qualified: Range | None = None
    two_above: float | None = None
    trial_above: float | None = None
    moves: Moves | None = None


class Combination(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings that must never hold together; an edge may be infinite, as `[9.6, inf]`."""

    name: str
    ranges: dict[Name, Range]


class Lock(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An interlock: nothing is suggested while a measured value is not known to be within."""

    name: str
    signal: Name
    low: float
    high: float


class Station(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A machine whose settings are suggested: what may be changed, what else is measured of its parts, by which model.

    `models` by product give the chance of a defect from `inputs`, names and units of what parts measure; what
    follows from a defect must not be among them. A suggestion rests on `evidence` parts at least and holds for
    `valid`. Results without a part's id belong to the part nearest in time, within `tolerance`; they come `late` at
    most. `recipes` are windows by product. `pair` is a machine beside it whose settings stay. `takes` are measured
    values that a part takes, with units: none is to grow. A rate of `target` is good enough. One that `explores` is
    told small moves to learn by, too, where none is likely better. `qualification` says what must be tested anew
    after a change. `signals` are those of frames that are parts, where no part records come.
    """

    parameters: dict[Name, Parameter]
    inputs: dict[Name, str]
    models: dict[Name, Name] = {}
    evidence: int = 1000
    valid: str = "24h"
    tolerance: str = "2s"
    late: str = "72h"
    recipes: dict[Name, dict[Name, Range]] = {}
    forbidden: tuple[Combination, ...] = ()
    interlocks: tuple[Lock, ...] = ()
    pair: Name | None = None
    takes: dict[Name, str] = {}
    qualification: str = ""
    target: float = 0.0
    explores: bool = False
    signals: dict[Name, Name] = {}


class Tuning(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Stations by asset. `stopped` is the kill switch of the file: nothing is suggested while it is true."""

    stations: dict[Name, Station]
    stopped: bool = False

    def of(self, assets: Collection[str]) -> Tuning | None:
        """With the stations among some assets alone; None where none is."""
        here = {name: station for name, station in self.stations.items() if name in assets}
        return replace(self, stations=here) if here else None

    @property
    def models(self) -> set[str]:
        """Names of all models of defects."""
        return {model for station in self.stations.values() for model in station.models.values()}


def check_tuning(tuning: Tuning | None, assets: Mapping[str, Collection[str]]) -> None:
    """Raise PlantError for the first thing that is wrong, with its place; `assets` have the signals of each."""
    if tuning is None:
        return
    for name, station in tuning.stations.items():
        where = f"tuning.stations.{name}"
        for asset in (name, station.pair):
            if asset is not None and asset not in assets:
                raise PlantError(f"{where}: there is no asset '{asset}': add [assets.{asset}]")
        if station.pair == name:
            raise PlantError(f"{where}.pair is the station itself: name the machine beside it, or leave it out")
        _check_station(where, station, assets[name])


def _check_station(where: str, station: Station, signals: Collection[str]) -> None:
    for key, least_s in (("valid", 1), ("tolerance", 0), ("late", 1)):
        check_duration(f"{where}.{key}", getattr(station, key), least_s)
    if not station.parameters or not station.inputs:
        raise PlantError(f"{where}: name at least one of parameters, and one of inputs")
    if station.evidence < 1:
        raise PlantError(f"{where}.evidence must be at least 1")
    for name, parameter in station.parameters.items():
        _check_parameter(f"{where}.parameters.{name}", name, parameter, station.inputs)
    for product, windows in station.recipes.items():
        _check_recipe(f"{where}.recipes.{product}", windows, station.parameters)
    for one in station.forbidden:
        _check_forbidden(f"{where}.forbidden '{one.name}'", one, station.parameters)
    for lock in station.interlocks:
        _check_range(f"{where}.interlocks '{lock.name}'", (lock.low, lock.high))
    for name, signal in station.signals.items():
        if signal not in signals:
            raise PlantError(f"{where}.signals.{name}: there is no signal '{signal}', but {sorted(signals)}")


def _check_parameter(where: str, name: str, parameter: Parameter, inputs: Collection[str]) -> None:
    check_duration(f"{where}.cool_down", parameter.cool_down)
    bounds = parameter.low, parameter.high
    _check_range(where, bounds)
    if parameter.qualified is not None:
        _check_range(f"{where}.qualified", parameter.qualified)
        _check_meets(f"{where}.qualified", parameter.qualified, bounds)
    _check_sizes(where, parameter)
    moves = parameter.moves or Moves(input=name)
    for one in (moves.input, moves.per):
        if one is not None and one not in inputs:
            raise PlantError(f"{where}.moves: '{one}' is none of the inputs {sorted(inputs)}: add it there")
    if not math.isfinite(moves.factor):
        raise PlantError(f"{where}.moves.factor must be a number")


def _check_sizes(where: str, parameter: Parameter) -> None:
    """Each is a number, and those by which nothing could ever change, or over no time, are over 0."""
    for key in ("step", "least_step", "rate", "rate_h", "two_above", "trial_above"):
        value = getattr(parameter, key)
        if value is not None and not 0.0 <= value < math.inf:
            raise PlantError(f"{where}.{key} must be a number of 0 or more")
        if value == 0.0 and key in ("step", "rate", "rate_h"):
            raise PlantError(f"{where}.{key} is 0, and nothing could change: give more, or leave the parameter out")
    if parameter.least_step > parameter.step:
        raise PlantError(f"{where}.least_step is over step, {parameter.step:g}: no change is both")


def _check_recipe(where: str, windows: Mapping[str, Range], parameters: Mapping[str, Parameter]) -> None:
    """A window that shares nothing with the bounds, or with what is qualified, would let no value pass."""
    for name, within in windows.items():
        _check_known(where, name, parameters)
        _check_range(f"{where}.{name}", within)
        of = parameters[name]
        for other in ((of.low, of.high), of.qualified):
            if other is not None:
                _check_meets(f"{where}.{name}", within, other)


def _check_forbidden(where: str, one: Combination, parameters: Collection[str]) -> None:
    if not one.ranges:
        raise PlantError(f"{where}.ranges is empty: name the parameters that must not be so together")
    for name, (low, high) in one.ranges.items():
        _check_known(where, name, parameters)
        if not low <= high:
            raise PlantError(f"{where}.{name}: low and high must be numbers that do not fall")


def _check_known(where: str, name: str, parameters: Collection[str]) -> None:
    if name not in parameters:
        raise PlantError(f"{where}: '{name}' is none of the parameters {sorted(parameters)}")


def _check_range(where: str, within: Range) -> None:
    low, high = within
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise PlantError(f"{where}: low and high must be numbers that do not fall")


def _check_meets(where: str, within: Range, other: Range) -> None:
    if max(within[0], other[0]) > min(within[1], other[1]):
        raise PlantError(
            f"{where} is {within[0]:g} to {within[1]:g}, which shares nothing with {other[0]:g} to {other[1]:g}: "
            "no value could be suggested"
        )
