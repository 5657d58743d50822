"""Drift told apart on simulated plants: cause said by cause made, over 20 seeds, and years in which nothing drifts.

`make bench ONLY=drift`; `BENCH_QUICK=1` is for trying, on the seeds that bars were chosen on. Each plant of twelve
pumps runs for 40 days and changes one way for 28 more, during which it is looked at every four days: the last 14 days
against all before them, and never against a day after the change. Whatever else is said of it counts as well, right
or wrong: pumps of a plant wear and fail by themselves. The shipped model says the chances.
"""

from __future__ import annotations

import multiprocessing
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.resources import files
from typing import NamedTuple

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from models import starter
from models.failure.hazard import read_card
from models.features import Spec
from models.plant import parse
from models.records import HORIZONS_H, WARNING_HORIZON_H, DriftCause
from onnx_export.drift import Context, Rows, Standing, Told, looked, noticed, told_apart, watched
from onnx_export.episodes import chances_of
from onnx_export.history import DAY_US
from onnx_export.recipe import NAME
from onnx_export.starter import plant_text
from tests.kit.bench import Row, report
from tests.kit.ground import QUICK
from tests.kit.moving import (
    DAYS,
    DAYS_AFTER,
    DEVELOPMENT,
    NAMES,
    SEEDS,
    YEAR_DAYS,
    YEAR_DEVELOPMENT,
    YEAR_SEEDS,
    Made,
    Plant,
    plants,
    year,
)  # fmt: skip

AMBIENT = ("ambient_temp_degc",)
RECENT_DAYS, LOOK_EVERY_DAYS, LOOK_A_YEAR_EVERY_DAYS = 14, 4, 7
WARNING = HORIZONS_H.index(WARNING_HORIZON_H)
WORKERS = 2
MOST_NOTICES = 2
"""A year, of a plant that does not drift."""
NOTHING = "nothing"
RIGHT: dict[Made, str] = {
    Made.NOTHING: NOTHING,
    Made.RECALIBRATED: DriftCause.SENSOR_RECALIBRATED,
    Made.EXCHANGED: DriftCause.SENSOR_SUSPECTED,
    Made.PRODUCT: DriftCause.NEW_PRODUCT,
    Made.AMBIENT: DriftCause.AMBIENT,
    Made.DEGRADATION: DriftCause.DEGRADATION,
}


class Said(NamedTuple):
    """Of a plant: days after the change at which causes were told first, and those that allow an update."""

    seed: int
    days: dict[str, int]
    updates: tuple[str, ...]


class Year(NamedTuple):
    """Notices of a year, each by its day and cause."""

    seed: int
    notices: tuple[tuple[int, str], ...]


def rows_of(plant: Plant) -> Rows:
    """With the shipped model's chances."""
    onnx = (files(starter) / "pump.onnx").read_bytes()
    return Rows.of(plant.rows, chances_of(onnx, plant.rows.features)[:, WARNING])


def looks(
    plant: Plant, spec: Spec, from_us: int, every_days: int, last_day: int, first_day: int
) -> Iterator[tuple[int, tuple[Told, ...]]]:
    """Days after `from_us`, up to which the reference may go, and what is told then."""
    rows, watch = rows_of(plant), watched(spec, AMBIENT)
    for day in range(first_day, last_day + 1, every_days):
        now_us = from_us + day * DAY_US
        begin_us = now_us - RECENT_DAYS * DAY_US
        split_us = min(from_us, begin_us)
        found = looked(
            rows.between(0, split_us),
            rows.between(begin_us, now_us),
            NAMES,
            watch,
            later=rows.between(split_us, now_us),
        )
        events = [one for one in plant.events if one.time_us <= now_us]
        yield day, told_apart(found, Context(assets=NAMES, events=events))


def said(seed: int) -> dict[Made, Said]:
    """What is said of the plant of a seed, changed each way."""
    spec, out = spec_of(), {}
    for made, plant in plants(seed, parse(plant_text()).types[NAME], spec).items():
        days: dict[str, int] = {}
        updates: dict[str, None] = {}
        for day, told in looks(plant, spec, plant.middle_us, LOOK_EVERY_DAYS, DAYS_AFTER, LOOK_EVERY_DAYS):
            for one in told:
                days.setdefault(one.cause, day)
                if one.may_update:
                    updates[one.cause] = None
        out[made] = Said(seed, days, tuple(updates))
    return out


def in_a_year(seed: int) -> Year:
    """Notices of a plant that does not change, against its first 40 days."""
    spec = spec_of()
    plant = year(seed, parse(plant_text()).types[NAME], spec)
    from_us = int(plant.rows.window_end_us.min()) // DAY_US * DAY_US + DAYS * DAY_US
    standing: Standing = {}
    notices: list[tuple[int, str]] = []
    last = YEAR_DAYS - DAYS
    for day, told in looks(plant, spec, from_us, LOOK_A_YEAR_EVERY_DAYS, last, RECENT_DAYS):
        standing, new = noticed(standing, told, from_us + day * DAY_US)
        notices += [(DAYS + day, one.cause) for one in new]
    return Year(seed, tuple(notices))


def spec_of() -> Spec:
    """What the shipped model looks at."""
    return Spec.of_card(read_card((files(starter) / "pump.json").read_bytes()))


def run_all(seeds: Sequence[int], years: Sequence[int]) -> tuple[list[dict[Made, Said]], list[Year]]:
    """Every plant, a process a core."""
    with (
        Progress(console=Console(stderr=True), transient=True) as progress,
        ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn")) as pool,
    ):
        task = progress.add_task("plants", total=len(seeds) + len(years))
        long = [pool.submit(in_a_year, seed) for seed in years]
        short = [pool.submit(said, seed) for seed in seeds]
        for _ in as_completed([*long, *short]):
            progress.advance(task)
        return [one.result() for one in short], [one.result() for one in long]


def confusion(title: str, found: Sequence[dict[Made, Said]], of: Callable[[Said], Sequence[str]]) -> Table:
    """Plants by what was made, and by what was said."""
    columns = (NOTHING, *DriftCause)
    out = Table("made", *columns, title=title, title_justify="left")
    for made in Made:
        counts = Counter(cause for one in found for cause in of(one[made]) or (NOTHING,))
        out.add_row(made, *(f"{counts[cause]}" + "*" * (cause == RIGHT[made]) for cause in columns))
    return out


def first(one: Said) -> tuple[str, ...]:
    """What was told first; several told on one day, the right or the wrong, count each."""
    soonest = min(one.days.values(), default=0)
    return tuple(cause for cause, day in one.days.items() if day == soonest)


def figures(found: Sequence[dict[Made, Said]], years: Sequence[Year]) -> list[Row]:
    """Share told right, days until then, and what must not be."""
    rows = []
    for made in Made:
        right = [one[made].days.get(RIGHT[made]) for one in found]
        told = [day for day in right if day is not None]
        share = [not one[made].days for one in found] if made is Made.NOTHING else [day is not None for day in right]
        rows.append(Row(name=f"{made}: told", value=statistics.mean(share), unit="share of plants"))
        if told:
            rows.append(Row(name=f"{made}: delay", value=statistics.median(told), unit="d, median"))
            rows.append(Row(name=f"{made}: longest delay", value=max(told), unit="d"))
    sick = [one[Made.DEGRADATION] for one in found]
    learned = sum(DriftCause.DEGRADATION in one.updates for one in sick)
    rows.append(Row(name="updates because of a degradation", value=learned, unit="plants", bar=0, at_most=True))
    other = sum(bool(one.updates) for one in sick)
    rows.append(Row(name="degrading plants with an update for something else", value=other, unit="plants"))
    quiet = sum(bool(one[Made.NOTHING].updates) for one in found)
    rows.append(Row(name="plants without a change, with an update allowed", value=quiet, unit="plants"))
    most = max(len(one.notices) for one in years)
    rows.append(Row(name="notices in a year without drift, the most of any plant", value=most, unit="notices",
                    bar=MOST_NOTICES, at_most=True))  # fmt: skip
    return rows


def main() -> None:
    """Run it."""
    seeds, years_of = (DEVELOPMENT[:2], YEAR_DEVELOPMENT[:1]) if QUICK else (SEEDS, YEAR_SEEDS)
    found, years = run_all(seeds, years_of)
    console = Console(width=160)
    console.print(f"{len(seeds)} simulated plants, {len(years)} simulated years{', for trying' * QUICK}")
    console.print(confusion("first said by made, plants; * is right", found, first))
    console.print(confusion("ever said by made, plants; * is right", found, lambda one: tuple(one.days)))
    for one in years:
        said_then = ", ".join(f"day {day} {cause}" for day, cause in one.notices) or NOTHING
        console.print(f"year of seed {one.seed}: {said_then}")
    report("drift", figures(found, years), quick=QUICK)


if __name__ == "__main__":
    main()
