"""Load forecasts on a real plant's meter: ours, through its ONNX file, beside sktime's forecasters in the same run.

`make bench ONLY=load`. Set `steel_energy`, 2018. A forecast is made at each midnight of the last EVALUATED days, of the
96 steps of the next 24 h, and of 288 steps where 72 h follow; "24 h" is all of the first 96 steps. Nothing after an
origin is at hand at it: models are trained on what came before `cuts`, four weeks apart, as a plant would; the width of
intervals comes from weeks that no model of them had seen. Features, recipe and horizons of trees were chosen on the 16
weeks before the evaluated ones (11 July to 5 November) and frozen then.

Ways tried on those 16 weeks, as shares of the weekly naive's error at midnights: lags of single days 0.73, medians over
days worked 0.70, without single days 0.68, the weekday's quantiles over 4 to 24 weeks 0.65. Not kept, since worse or no
better: a level of the last weeks (0.70 for 0.68), one set of trees for all 72 h (0.71 for 0.68), extremely random
trees, a forest, a smooth forecast (0.79 for 0.73), older days counting less, reactive power and power factor. Told the
day's energy as an oracle, an early recipe reached 0.60: most of what is left is whether, and how much, a day is worked.

How much can be told: with the tariff known ahead, whose light days are the days off, the same recipe shows what a
plant gains that gives its plan. Bars: error at most 0.62 of the weekly naive's over 24 h; 78 to 82 % of loads within.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from models.energy.load import STEPS, forecast
from models.energy.wall import DAY_STEPS, STEP_US
from models.figures.model import FigureModel
from onnx_export.load import Asked, train_load
from onnx_export.load_learn import Recipe
from onnx_export.load_rows import Series
from onnx_export.load_scores import covered_of, error_of, pinball_of
from tests.kit import steel
from tests.kit.bench import Row, report
from tests.kit.load_peers import peers
from tests.kit.public import why_not

EVALUATED, RETRAINED = 56, 28
"""Days: the last eight weeks, with a training every four."""
BAR, LEAST_COVERED, MOST_COVERED = 0.62, 0.78, 0.82
SEEDS = (20260107, 1)
"""The recipe's own, which bars are of, and one more, to tell how much a seed does."""
OURS, NAIVE = "ours", "weekly seasonal naive"


class Said(NamedTuple):
    """Forecasts [origins, steps]; those of one value have no quantiles but the median: [3, origins, steps]."""

    kw: np.ndarray
    seconds: float


def cuts() -> list[tuple[int, Sequence[int]]]:
    """When models are trained, and origins that are told of then, in steps."""
    days = range(steel.DAYS - EVALUATED, steel.DAYS)
    parts = [days[at : at + RETRAINED] for at in range(0, len(days), RETRAINED)]
    return [(part[0] * DAY_STEPS, [day * DAY_STEPS for day in part]) for part in parts]


def ours(series: Series, seed: int, progress: Progress) -> Said:
    """By the ONNX file of each training, NaN after the end of the series."""
    begun, out = time.perf_counter(), []
    for trained, origins in progress.track(cuts(), description=f"ours, seed {seed}"):
        asked = Asked(name="steel", command="make bench ONLY=load", trained_on="2018", recipe=Recipe(seed=seed))
        ahead = {name: known._replace(values=known.values[:trained]) for name, known in series.ahead.items()}
        made = train_load(series._replace(kw=series.kw[:trained], ahead=ahead), asked)
        model = FigureModel(made.onnx, made.card)
        for origin in origins:
            at_us = series.begin_us + origin * STEP_US
            known = series.known(origin, STEPS)
            out.append(forecast(model, series.kw[:origin], at_us, series.calendar, known))
    return Said(np.stack(out, axis=1), time.perf_counter() - begun)


def theirs(kw: np.ndarray, progress: Progress) -> dict[str, Said]:
    """By each peer, as ours."""
    out = {}
    for name, say in peers().items():
        begun = time.perf_counter()
        parts = [say(kw, origins, STEPS, trained) for trained, origins in progress.track(cuts(), description=name)]
        out[name] = Said(np.concatenate(parts)[None], time.perf_counter() - begun)
    return out


def came_after(kw: np.ndarray) -> np.ndarray:
    """What came at the steps from each origin on, NaN after the end: [origins, steps]."""
    longer = np.concatenate([kw, np.full(STEPS, np.nan)])
    return np.stack([longer[origin : origin + STEPS] for _, origins in cuts() for origin in origins])


class Figures(NamedTuple):
    """Of one forecaster: errors in kW, in shares of the naive's, pinball loss and what the interval held, over 24 h."""

    error_24: float
    of_naive_24: float
    of_naive_72: float
    pinball_24: float
    covered_24: float
    covered_72: float
    seconds: float


def judged(said: Said, naive: Said, came: np.ndarray) -> Figures:
    """Over 24 h of all origins, and over 72 h of those that it follows."""
    whole = ~np.isnan(came).any(axis=1)
    day, middle = slice(0, DAY_STEPS), said.kw[len(said.kw) // 2]
    error, without = error_of(came[:, day], middle[:, day]), error_of(came[:, day], naive.kw[0][:, day])
    later = error_of(came[whole], middle[whole]) / error_of(came[whole], naive.kw[0][whole])
    spread = [float("nan")] * 3
    if len(said.kw) == 3:
        first, all_of = said.kw[:, :, day].reshape(3, -1), said.kw[:, whole].reshape(3, -1)
        spread = [pinball_of(came[:, day].ravel(), first), covered_of(came[:, day].ravel(), first)]
        spread.append(covered_of(came[whole].ravel(), all_of))
    return Figures(error, error / without, later, *spread, said.seconds)


def table(figures: dict[str, Figures]) -> Table:
    """A line a forecaster."""
    head = ("forecaster", "kW, 24 h", "of naive, 24 h", "of naive, 72 h", "pinball", "held, 24 h", "held, 72 h", "s")
    title = f"{EVALUATED} forecasts a line, midnights of 2018-11-06 to 2018-12-31; intervals of 80 %"
    out = Table(*head, title=title, title_justify="left")
    for name, of in figures.items():
        told = (of.error_24, of.of_naive_24, of.of_naive_72, of.pinball_24, of.covered_24, of.covered_72)
        shown = ["" if np.isnan(value) else f"{value:.3f}" for value in told]
        out.add_row(name, *shown, f"{of.seconds:.0f}")
    return out


def rows_of(figures: dict[str, Figures]) -> list[Row]:
    """Bars of ours, and the peers' errors."""
    of = figures[OURS]
    return [
        Row(name="error over 24 h", value=of.of_naive_24, unit="of the weekly naive's", bar=BAR, at_most=True),
        Row(name="held by the 80 % interval, at least", value=of.covered_24, unit="share", bar=LEAST_COVERED),
        Row(name="and at most", value=of.covered_24, unit="share", bar=MOST_COVERED, at_most=True),
        Row(name="error over 72 h", value=of.of_naive_72, unit="of the weekly naive's"),
        Row(name="pinball loss over 24 h", value=of.pinball_24, unit="kW"),
        *(Row(name=f"{name}: error over 24 h", value=one.of_naive_24, unit="of the weekly naive's", at_most=True,
              **({} if name.startswith(OURS) else {"peer": name, "ours": of.of_naive_24}))
          for name, one in figures.items() if name != OURS),
    ]  # fmt: skip


def main() -> None:
    if not steel.path().exists():
        sys.exit(why_not(steel.path()))
    series = steel.series()
    came = came_after(series.kw)
    asked = {OURS: (series, SEEDS[0])} | {f"ours, seed {seed}": (series, seed) for seed in SEEDS[1:]}
    asked["ours, tariff known ahead"] = (steel.with_tariff(), SEEDS[0])
    with Progress(console=Console(stderr=True), transient=True) as progress:
        others, said = theirs(series.kw, progress), {}
        for name, (of, seed) in asked.items():
            said[name] = ours(of, seed, progress)
            share = judged(said[name], others[NAIVE], came).of_naive_24
            progress.console.print(f"{name}: {share:.3f} of the weekly naive's error over 24 h")
    said |= others
    figures = {name: judged(one, said[NAIVE], came) for name, one in said.items()}
    Console(width=120).print(table(figures))
    unprinted = [
        Row(name=f"{name}: {figure}", value=value, unit="kW, shares or s")
        for name, of in figures.items()
        for figure, value in of._asdict().items()
        if not np.isnan(value)
    ]
    report("load", rows_of(figures), unprinted)


if __name__ == "__main__":
    main()
