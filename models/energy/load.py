"""Load forecasts: rows of a model from a meter's history up to an origin, a row a step ahead, and quantiles in kW.

All of a row is known at the origin: the calendar of the target, what the site took at that time of day before, how it
runs now. Loads are in shares of a meter's level, so that one graph serves meters of any size; that level, `scale_kw`,
is an input too, by which the graph multiplies what its trees say: it gives kW. It is of the meter and stays the same,
since one of the last weeks moves with what it measures: medians were then 3 % worse on `steel_energy`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from models.contracts import MOST_STEPS, QUANTILES, STEP_MIN
from models.energy import past
from models.energy.past import Past
from models.energy.wall import DAY_STEPS, STEP_US, Calendar
from models.figures.card import Input
from models.figures.model import FigureModel
from models.inference import ModelError

STEPS = 72 * 60 // STEP_MIN
"""Of a forecast: 72 h."""
SCALE = "scale_kw"
AHEAD = "ahead."
"""Before the name of a series that is known ahead: planned production, weather."""
_CALENDAR = {"step": "1", "slot": "1", "weekday": "1", "holiday": "1"}


class LoadQuantiles(NamedTuple):
    """Loads in kW that stay below with a chance of 10, 50 and 90 %: float64 [steps] each."""

    q10_kw: np.ndarray
    q50_kw: np.ndarray
    q90_kw: np.ndarray


def inputs_of(ahead: Mapping[str, str] | None = None) -> tuple[Input, ...]:
    """Inputs of a load model in order; `ahead` has units, as UCUM writes them, by name of what is known ahead."""
    own = _CALENDAR | dict.fromkeys(past.NAMES, "1")
    more = {f"{AHEAD}{name}": unit for name, unit in (ahead or {}).items()}
    return tuple(Input(name=name, unit=unit) for name, unit in (own | more | {SCALE: "kW"}).items())


def rows_of(
    history_kw: np.ndarray,
    origin_us: int,
    calendar: Calendar,
    scale_kw: float,
    ahead: Mapping[str, np.ndarray] | None = None,
    steps: int = STEPS,
) -> np.ndarray:
    """Float32 rows [steps, inputs] for an origin, in the order of `inputs_of`; NaN is missing.

    `history_kw` are float64 means over 15 min that end at the origin, NaN where missing; `past.DAYS` of them are looked
    at, and fewer do. `scale_kw` is the meter's level (`past.level_of`). `ahead` has [steps] values of each series that
    is known ahead. Raises ValueError.
    """
    if origin_us % STEP_US or not 0 < steps <= MOST_STEPS:
        raise ValueError(f"an origin is at a whole {STEP_MIN} min, of 1 to {MOST_STEPS} steps: {origin_us}, {steps}")
    known = {name: np.asarray(values, np.float64) for name, values in (ahead or {}).items()}
    if short := [name for name, values in known.items() if values.shape != (steps,)]:
        raise ValueError(f"series that are known ahead have a value for each of {steps} steps: not {', '.join(short)}")
    if not 0.0 < scale_kw < np.inf:
        raise ValueError(f"the level of a meter is more than 0 kW, not {scale_kw}")
    seen = Past(np.asarray(history_kw, np.float64), origin_us, calendar.zone, scale_kw)
    target = seen.targets(steps)
    columns = [*_calendar(target, calendar), *seen.columns(target), *known.values(), np.full(steps, scale_kw)]
    return np.stack(columns, axis=1).astype(np.float32)


def forecast(
    model: FigureModel,
    history_kw: np.ndarray,
    origin_us: int,
    calendar: Calendar,
    ahead: Mapping[str, np.ndarray] | None = None,
    steps: int = STEPS,
    scale_kw: float | None = None,
) -> LoadQuantiles:
    """Quantiles of the load at each step from the origin on. Raises ModelError where the model takes other inputs.

    `ahead` is by name, in the model's units; what the model knows of ahead and is not given counts as missing.
    `scale_kw` is the level of another meter than the one that the model learned from.
    """
    names = [one.name for one in model.card.inputs]
    wanted = [name.removeprefix(AHEAD) for name in names if name.startswith(AHEAD)]
    if names != [one.name for one in inputs_of(dict.fromkeys(wanted, "1"))]:
        raise ModelError(f"'{model.card.name}' is no load model of this program: its inputs are others; train it anew")
    if unknown := sorted(set(ahead or {}) - set(wanted)):
        raise ModelError(f"'{model.card.name}' knows nothing of {', '.join(unknown)}: it was trained without")
    known = {name: (ahead or {}).get(name, np.full(steps, np.nan)) for name in wanted}
    level = model.card.scores.get(SCALE, 1.0) if scale_kw is None else scale_kw
    said = model.run(rows_of(history_kw, origin_us, calendar, level, known, steps))
    return LoadQuantiles(*(said[name][:, 0] for name in QUANTILES))


def _calendar(target: np.ndarray, calendar: Calendar) -> list[np.ndarray]:
    """Of targets in steps of the wall: one of the columns of _CALENDAR each."""
    days = target // DAY_STEPS
    return [
        np.arange(len(target), dtype=np.float64),
        (target % DAY_STEPS).astype(np.float64),
        ((days + 3) % 7).astype(np.float64),  # 1970-01-01 was a Thursday
        np.isin(days, calendar.holiday_numbers).astype(np.float64),
    ]
