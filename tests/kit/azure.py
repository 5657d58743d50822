"""Microsoft's simulated fleet of 20 machines (azure_pdm) as histories for the hazard: features, components, failures.

Public data, not shipped: see `tests.kit.public`. Each hour of a machine is a row. Four components have a sensor each,
errors of their own and dates of replacement; a reading is told in spreads of the machines that are trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl

from onnx_export.history import HOUR_US, Failure, History, next_failure
from onnx_export.pooled import Pool, pool_of
from onnx_export.survival import Outcomes, outcomes_of
from tests.kit.public import public

FOLDER = "azure_pdm"
MACHINES = 20
SENSORS = {"comp1": "volt", "comp2": "rotate", "comp3": "pressure", "comp4": "vibration"}
FALLS = ("rotate",)
"""Sensors of which less is worse: told with the other sign, as a plant tells by a limit's side."""
ERRORS = {
    "comp1": ("error1",), "comp2": ("error2", "error3"), "comp3": ("error4",), "comp4": ("error5",),
}  # fmt: skip
"""Whose errors are whose, as the data set's description pairs them."""
WINDOWS_H = (3, 6, 12, 24, 48)
USUAL_H = 48
"""A machine's usual are its hours up to this many ago, so that it does not follow a failure that has begun."""
DRIFT = 0.6
"""Of the cumulative sum (Page 1954, Biometrika 41, 100-115): half of a shift of 1.2 spreads. Our choice."""
COUNTED_H = (24, 48, 120)
PER_SENSOR = (*(f"mean_{hours}h" for hours in WINDOWS_H), "change_12h", "change_24h", "cusum", "cusum_h")
PER_ERROR = (*(f"count_{hours}h" for hours in COUNTED_H), "since_h")
PER_COMPONENT = ("replaced_h",)
PER_MACHINE = ("visited_h", "age_years")


class Fleet(NamedTuple):
    """What the files say: hours since the first sample; arrays [machines, hours, sensors] and times by machine."""

    readings: np.ndarray
    age_years: np.ndarray
    failures: tuple[tuple[tuple[float, int], ...], ...]  # hour and component by number
    replaced: tuple[tuple[tuple[float, int], ...], ...]
    errors: tuple[dict[str, np.ndarray], ...]


COMPONENTS = tuple(SENSORS)
SIGNALS = tuple(SENSORS.values())


@cache
def fleet() -> Fleet:
    """The set, read once."""

    def read(name: str) -> pl.DataFrame:
        return pl.read_csv(public(FOLDER, f"PdM_{name}.csv"), try_parse_dates=True)

    telemetry = read("telemetry").sort("machineID", "datetime")
    begin = telemetry["datetime"].min()

    def by_machine(table: pl.DataFrame, what: str) -> list[list[tuple[float, str]]]:
        at = (pl.col("datetime") - begin).dt.total_seconds() / 3600
        rows = table.sort("datetime").select("machineID", at.alias("hour"), what).rows()
        return [[(hour, value) for of, hour, value in rows if of == machine + 1] for machine in range(MACHINES)]

    def numbered(table: list[list[tuple[float, str]]]) -> tuple[tuple[tuple[float, int], ...], ...]:
        return tuple(tuple((hour, COMPONENTS.index(name)) for hour, name in rows) for rows in table)

    errors = by_machine(read("errors"), "errorID")
    names = [name for of in ERRORS.values() for name in of]
    hours = len(telemetry) // MACHINES
    return Fleet(
        readings=telemetry.select(SIGNALS).to_numpy().reshape(MACHINES, hours, len(SIGNALS)),
        age_years=read("machines").sort("machineID")["age"].to_numpy().astype(np.float64),
        failures=numbered(by_machine(read("failures"), "failure")),
        replaced=numbered(by_machine(read("maint"), "comp")),
        errors=tuple({name: np.array([at for at, of in rows if of == name]) for name in names} for rows in errors),
    )


def names() -> tuple[str, ...]:
    """Names of the features of a machine's row, in order."""
    parts = (
        (SIGNALS, PER_SENSOR), (tuple(name for of in ERRORS.values() for name in of), PER_ERROR),
        (COMPONENTS, PER_COMPONENT),
    )  # fmt: skip
    return tuple(f"{of}.{what}" for owners, per in parts for of in owners for what in per) + PER_MACHINE


def pool() -> Pool:
    """Each component with its sensor, its date of replacement and its errors."""
    return pool_of(names(), {of: (SENSORS[of], of, *ERRORS[of]) for of in COMPONENTS})


def features(trained: Sequence[int]) -> np.ndarray:
    """Rows of all machines, float32 [machines x hours, features]; only machines `trained` say what a spread is."""
    found = fleet()
    seen = found.readings[list(trained)].reshape(-1, len(SIGNALS))
    sign = np.array([-1.0 if name in FALLS else 1.0 for name in SIGNALS])
    scaled = (found.readings - seen.mean(axis=0)) / seen.std(axis=0) * sign
    count = scaled.shape[1]
    parts = [_sensors(scaled), *(_errors(count, name) for of in ERRORS.values() for name in of)]
    parts += [_since(count, found.replaced, component)[:, :, None] for component in range(len(COMPONENTS))]
    parts += [_since(count, found.replaced, None)[:, :, None]]
    parts += [np.repeat(found.age_years[:, None, None], count, axis=1)]
    return np.concatenate(parts, axis=2).reshape(MACHINES * count, -1).astype(np.float32)


def _sensors(scaled: np.ndarray) -> np.ndarray:
    """PER_SENSOR of each, [machines, hours, sensors x PER_SENSOR]."""
    machines, count, sensors = scaled.shape
    added = np.concatenate([np.zeros((machines, 1, sensors)), np.cumsum(scaled, axis=1)], axis=1)
    end = np.arange(1, count + 1)

    def mean(hours: int) -> np.ndarray:
        begin = np.maximum(end - hours, 0)
        return (added[:, end] - added[:, begin]) / (end - begin)[:, None]

    past = np.maximum(end - 1 - USUAL_H, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        usual = np.where((past >= USUAL_H)[:, None], added[:, past] / past[:, None], np.nan)
    cusum, since = np.zeros((machines, count, sensors)), np.zeros((machines, count, sensors))
    for hour in range(count):
        before = (cusum[:, hour - 1], since[:, hour - 1]) if hour else (0.0, 0.0)
        cusum[:, hour] = np.maximum(before[0] + scaled[:, hour] - DRIFT, 0.0)
        since[:, hour] = np.where(cusum[:, hour] > 0, before[1] + 1.0, 0.0)
    columns = [*(mean(hours) for hours in WINDOWS_H), mean(12) - usual, mean(24) - usual, cusum, since]
    return np.stack(columns, axis=3).reshape(machines, count, -1)


def _errors(count: int, name: str) -> np.ndarray:
    """PER_ERROR of one, [machines, hours, PER_ERROR]: what came up to the hour itself."""
    hour, out = np.arange(float(count)), np.empty((MACHINES, count, len(PER_ERROR)))
    for machine, of in enumerate(fleet().errors):
        upto = np.searchsorted(of[name], hour, side="right")
        for at, window in enumerate(COUNTED_H):
            out[machine, :, at] = upto - np.searchsorted(of[name], hour - window, side="right")
        out[machine, :, -1] = _hours_since(of[name], hour)
    return out


def _since(count: int, dates: Sequence[Sequence[tuple[float, int]]], component: int | None) -> np.ndarray:
    """Hours since a component was replaced, or any, [machines, hours]; NaN where no date is known."""
    of = [np.array(sorted(at for at, which in rows if component in (None, which))) for rows in dates]
    return np.stack([_hours_since(times, np.arange(float(count))) for times in of])


def _hours_since(times: np.ndarray, hour: np.ndarray) -> np.ndarray:
    last = np.searchsorted(times, hour, side="right") - 1
    return np.where(last < 0, np.nan, hour - np.append(times, np.nan)[last])


def outcomes() -> tuple[Outcomes, np.ndarray]:
    """Of each component of each row, and of which anything is known: as `pool().rows` has them.

    A component that is replaced before it fails is censored there, whatever else of its machine failed.
    """
    found, count = fleet(), fleet().readings.shape[1]
    hour = np.arange(float(count))
    hours, known = (np.empty((MACHINES, count, len(COMPONENTS))) for _ in range(2))
    for machine in range(MACHINES):
        for of in range(len(COMPONENTS)):
            failed, replaced = (
                np.append([at for at, which in rows[machine] if which == of], np.inf)
                for rows in (found.failures, found.replaced)
            )
            hours[machine, :, of] = failed[np.searchsorted(failed, hour, side="right")] - hour
            until = np.minimum(replaced[np.searchsorted(replaced, hour, side="right")], count)
            known[machine, :, of] = until - hour
    return outcomes_of(hours.ravel(), known.ravel())


def history(rows: np.ndarray, moved_h: float = 0.0) -> History:
    """The machines' rows with their failures, each `moved_h` later than it was; a failure is a repair as well."""
    count = fleet().readings.shape[1]
    asset = np.repeat(np.arange(MACHINES), count)
    end_us = np.tile(np.arange(count) * HOUR_US, MACHINES)
    failures = []
    for machine, of in enumerate(fleet().failures):
        first = dict(reversed(of))  # two at once are one failure of the machine
        failures += [Failure(machine, int((at + moved_h) * HOUR_US), which) for at, which in sorted(first.items())]
    failures = [one for one in failures if 0 <= one.time_us <= count * HOUR_US]
    hours, mode = next_failure(asset, end_us, failures)
    times = np.array([[one.asset, one.time_us] for one in failures])
    since = np.zeros(len(asset), np.int64)
    for machine in range(MACHINES):
        own, mine = np.append(0, times[times[:, 0] == machine, 1]), asset == machine
        since[mine] = own[np.searchsorted(own, end_us[mine], side="left") - 1]
    known_h = np.minimum(hours, count - end_us / HOUR_US)
    return History(rows, asset, end_us, since, hours, known_h, mode, tuple(failures), COMPONENTS, count * HOUR_US, 60)
