"""Our trend as a forecast of signals, beside sktime's forecasters with conformal intervals.

`make bench ONLY=forecasts`. All plants are simulated: six of PUMPS pumps over DAYS days, one a wear law that is in no
recipe of ours, of seeds that nothing was tuned on. A forecast starts in each life after a week of running and every
EVERY_H hours of running from there, and is of a limited signal's residual 24 h and 72 h of running later. All see the
same week, as medians of 6 h, which is what the trend sees: hours say the same again, and ConformalIntervals fits anew
at every one. sktime's intervals are the 90 % quantile of what its forecaster was off earlier in the week, from
LEAST_POINTS points on: 16 times at 24 h, 8 at 72 h, each a point farther ahead than that (sktime's issue 10766, open in
1.2.0), which makes them a little wide. Series with a gap are left out, since sktime takes none. ThetaForecaster is not
here, since it needs statsmodels, which we do not install; a parabola stands in its place.

Our interval `of the line` is the one that time to limit rests on: of where the level will be, not of single points. The
one `of points about it` adds how they lay about the line, and is what compares with sktime's. No bar: none is stated
for forecasts of signals.
"""

from __future__ import annotations

import multiprocessing
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from models.failure import trend
from models.failure.trend import LEAST_POINTS
from models.plant import parse
from onnx_export.fleets import Job
from onnx_export.recipe import NAME, Plan
from onnx_export.starter import plant_text
from tests.bench.pumps import LAWS, STARTS, WORKERS
from tests.kit.bench import Row, report
from tests.kit.forecasting import (
    COVER,
    HORIZONS_H,
    STEPS,
    Figures,
    Said,
    came_after,
    judged,
    known_at,
    origins_of,
    ours,
    points_of,
)
from tests.kit.rungs_alone import load

PUMPS, DAYS, EVERY_MIN, EVERY_H = 6, 50, 60, 240
SEEDS = tuple(range(7701, 7707))
OURS, LINE, ABOUT = "our trend", "our trend, of the line", "our trend, of points about it"
UNITS = {"flow_m3_h": "flow, m3/h"}
KELVIN = "temperatures, K"
WIDTH = 130


class Plant(NamedTuple):
    """A plant's forecasts and what came: arrays [origins, tracks], of forecasts and `came` [.., horizons]."""

    machine: np.ndarray
    known: np.ndarray
    told: np.ndarray  # where the rung of time to limit says hours
    came: np.ndarray
    said: dict[str, Said]
    seconds: dict[str, float]
    tracks: tuple[str, ...]


def forecasters() -> dict[str, Callable[[], Any]]:
    """sktime's, by name."""
    from sktime.forecasting.naive import NaiveForecaster
    from sktime.forecasting.trend import PolynomialTrendForecaster, TrendForecaster

    return {
        "last value": lambda: NaiveForecaster(strategy="last"),
        "drift": lambda: NaiveForecaster(strategy="drift"),
        "straight line": TrendForecaster,
        "parabola": lambda: PolynomialTrendForecaster(degree=2),
    }


def conformal(make: Callable[[], Any], points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Low end, forecast and high end at each horizon, of one series of points."""
    import pandas as pd
    from sktime.forecasting.conformal import ConformalIntervals

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of defaults in sktime's next version, at every fit
        wrapped = ConformalIntervals(make(), method="conformal", initial_window=LEAST_POINTS)
        wrapped.fit(pd.Series(points), fh=list(STEPS))
        ends = wrapped.predict_interval(coverage=COVER).to_numpy(np.float64)
        return ends[:, 0], wrapped.predict().to_numpy(np.float64).ravel(), ends[:, 1]


def by_sktime(make: Callable[[], Any], points: np.ndarray, known: np.ndarray) -> Said:
    """Forecasts of each series that is known, NaN of others."""
    out = np.full((3, *known.shape, len(STEPS)), np.nan)
    for origin, track in np.argwhere(known).tolist():
        out[:, origin, track] = conformal(make, points[origin, track])
    return Said(*out)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What it gives, and the seconds it took."""
    begun = time.perf_counter()
    return work(), time.perf_counter() - begun


def run(number: int) -> Plant:
    """One plant: simulated, and forecast by all."""
    model, seed = load(), SEEDS[number]
    law = list(LAWS.values())[number % len(LAWS)]
    plan = Plan(seed=seed, law=law, start_us=STARTS[number % len(STARTS)], faults=number % 2 == 0)
    history = Job(plan, PUMPS, DAYS, EVERY_MIN, parse(plant_text()).types[NAME], model.spec).run()
    scored = model.scores(history.features)
    hours = model.hours(history.features, scored, history.since_us, history.window_end_us // 3_600_000_000)
    rows = origins_of(history.asset, history.since_us, EVERY_H)
    trends, limited = known_at(hours, rows), np.flatnonzero(~np.isnan(model.bounds.limit))
    told = ~np.isnan(trend.ahead(trends, model.bounds).median_h[:, limited])
    trends.values, trends.expected = trends.values[:, limited], trends.expected[:, limited]
    came, points = came_after(hours.values[:, limited], rows), points_of(trends)[1]
    known = ~np.isnan(came).any(axis=2) & ~np.isnan(trends.values).any(axis=2)
    ours(trends)  # once before the clock runs
    (line, about), spent = timed(lambda: ours(trends))
    said, seconds = {LINE: line, ABOUT: about}, {OURS: spent * known.mean()}
    for name, make in forecasters().items():
        conformal(make, np.arange(28.0))
        said[name], seconds[name] = timed(lambda make=make: by_sktime(make, points, known))
    tracks = tuple(model.tracks[at] for at in limited.tolist())
    return Plant(seed * 1000 + history.asset[rows], known, told, came, said, seconds, tracks)


def run_all() -> list[Plant]:
    """All plants, a process a core."""
    with (
        Progress(console=Console(stderr=True), transient=True) as progress,
        ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn")) as pool,
    ):
        found = pool.map(run, range(len(SEEDS)))
        return list(progress.track(found, total=len(SEEDS), description="simulated plants"))


def joined(plants: Sequence[Plant]) -> Plant:
    """All as one."""
    machine, known, told, came = (np.concatenate(parts) for parts in list(zip(*plants, strict=True))[:4])
    said = {
        name: Said(*(np.concatenate(parts) for parts in zip(*(one.said[name] for one in plants), strict=True)))
        for name in plants[0].said
    }
    seconds = {name: sum(one.seconds[name] for one in plants) for name in plants[0].seconds}
    return Plant(machine, known, told, came, said, seconds, plants[0].tracks)


def parts_of(found: Plant) -> dict[str, np.ndarray]:
    """Which forecasts are judged together, bool [origins, tracks]: by unit, all and where a trend is told."""
    units = np.array([UNITS.get(track, KELVIN) for track in found.tracks])
    out = {}
    for unit in (KELVIN, *UNITS.values()):
        of_unit = found.known & (units == unit)
        out[unit] = of_unit
        out[f"{unit}, where time to limit is told"] = of_unit & found.told
    return {part: where for part, where in out.items() if where.any()}


def table(part: str, figures: dict[tuple[str, int], Figures]) -> Table:
    """A line a forecaster and horizon."""
    number = next(iter(figures.values())).forecasts
    title = f"{part}: {number} forecasts a line, simulated"
    head = ("forecaster", "h", "error", "more than ours", "95 %", "covered", "95 %", "width")
    out = Table(*head, title=title, title_justify="left")
    for (name, horizon_h), of in figures.items():
        more, held = (f"{low:.{at}f} to {high:.{at}f}" for (low, high), at in ((of.more_ends, 2), (of.ends, 3)))
        figures_of = (f"{of.error:.2f}", f"{of.more:.2f}", more, f"{of.coverage:.3f}", held, f"{of.width:.2f}")
        out.add_row(name, f"{horizon_h}", *figures_of)
    return out


def rows_of(part: str, figures: dict[tuple[str, int], Figures]) -> list[Row]:
    """The same as rows."""
    rows = []
    for (name, horizon_h), of in figures.items():
        head = f"{part}: {name}, {horizon_h} h"
        rows += [
            Row(
                name=f"{head}: mean absolute error",
                value=of.error,
                unit="of the signal",
                at_most=True,
                **({} if name in (LINE, ABOUT) else {"peer": name, "ours": figures[LINE, horizon_h].error}),
            ),
            Row(name=f"{head}: more than ours", value=of.more, unit="{:.3f} to {:.3f}".format(*of.more_ends)),
            Row(name=f"{head}: covered of 90 %", value=of.coverage, unit="share, {:.3f} to {:.3f}".format(*of.ends)),
            Row(name=f"{head}: median width", value=of.width, unit="of the signal"),
        ]
    return rows


def main() -> None:
    found = joined(run_all())
    console, unprinted = Console(), []
    console.width = max(console.width, WIDTH)
    for part, where in parts_of(found).items():
        figures = {
            (name, horizon_h): judged(found.machine, found.came[:, :, at], said.at(at), found.said[LINE].at(at), where)
            for at, horizon_h in enumerate(HORIZONS_H)
            for name, said in found.said.items()
        }
        console.print(table(part, figures))
        unprinted += rows_of(part, figures)
    number = int(found.known.sum())
    rows = [
        Row(name="machines", value=len(np.unique(found.machine)), unit="simulated"),
        Row(name="series forecast, each at 24 h and 72 h", value=number, unit="a forecaster"),
        Row(name="series with a gap, left out", value=found.known.size - number, unit="series"),
    ]
    for name, seconds in found.seconds.items():
        beside = {} if name == OURS else {"peer": name, "ours": found.seconds[OURS] / number * 1000}
        told = {"unit": "ms a series", "at_most": True, **beside}
        rows.append(Row(name=f"{name}: both horizons", value=seconds / number * 1000, **told))
    report("forecasts", rows, unprinted)


if __name__ == "__main__":
    main()
