"""Two models held against each other in warnings and chances: which minutes, by which models, with which failures.

Of live traffic by the topics of forecasts and shadows, or of history by two folders that backfills left. What came of
it is told in `compared`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl
from rich.console import Console

from connectors.kafka.plain import read
from models.alerting.hindsight import HORIZON_US, Past
from models.alerting.thresholds import threshold_of
from models.alerting.verdict import DAYS_A_WEEK, Trial
from models.alerting.versus import Versus, Watched, stricter, together, versus
from models.failure.ends import End, ends_of, repairs_of
from models.failure.hazard import WARNING, Card
from models.features import Spec
from models.plant import Plant
from models.records import WARNING_HORIZON_H, Maintenance, OperatingState, Shadow, decode
from models.release import Role
from pipelines.backfill.results import PLAN, Results, last_of_each
from pipelines.cli.backfill.live import read_live
from pipelines.cli.board import board_of
from pipelines.cli.coverage import confirmed, events_of
from pipelines.cli.model_checks import served
from pipelines.cli.released import files_of
from pipelines.plant_file import read_plant
from pipelines.releases.board import Board
from pipelines.releases.moves import ReleaseError
from pipelines.settings import Settings
from pipelines.topics import Topic, named

EVER_US, WEEK_US = 1 << 61, 604_800_000_000
MOST_GAP_US = 86_400_000_000
"""What counts of the time between two minutes of a machine that both spoke of: the rest is silence. Our choice."""
CHANCE = f"chance_{WARNING_HORIZON_H}h"
BATCH = "256"
SHADOWS = {
    "asset": pl.String, "window_end_us": pl.Int64, "revision": pl.Int64, "model": pl.String, "beside": pl.String,
    CHANCE: pl.Float64,
}  # fmt: skip


class NothingSaid(ReleaseError):
    """There is nothing to compare yet."""


class Pair(NamedTuple):
    """Versions of a champion and a candidate."""

    champion: str
    candidate: str


class Beside(NamedTuple):
    """What two models said of the same minutes, by asset and time, and which they are.

    Columns are asset, window_end_us, champion and candidate: chances within 72 h.
    """

    table: pl.DataFrame
    pair: Pair
    every_min: int


class Compared(NamedTuple):
    """Two models on all machines together and one by one; `took_us` is a row of a batch of 256 by each, here.

    `watched` is what they were compared by, `missed_to_unfounded` what the plant says of costs.
    """

    champion: str
    candidate: str
    whole: Versus
    each: list[Versus]
    took_us: tuple[float, float]
    watched: list[Watched]
    missed_to_unfounded: float | None

    @property
    def trial(self) -> Trial:
        """As a verdict is given of it."""
        days = max(one.weeks for one in self.each) * DAYS_A_WEEK
        return Trial(self.whole, days, self.took_us, partial(stricter, self.watched), self.missed_to_unfounded)


def of_live(settings: Settings, labels: Path | None, errors: Console, name: str = "") -> Compared:
    """What the shadow of a name, or the last one of any, said beside the champion. Raises ReleaseError where none did.

    Minutes of another champion, before a promotion or of a type that stays with its own release, are left out.
    """
    plant = read_plant(settings.plant, settings.site)
    beside = _live(settings, plant, name, errors)
    return _compared(settings, plant, beside, ends_of(confirmed(labels), events_of(settings)))


def of_runs(settings: Settings, folders: tuple[Path, Path], labels: Path | None) -> Compared:
    """What two backfills of one history said, by two models. Raises ReleaseError where they share no minutes."""
    plant = read_plant(settings.plant, settings.site)
    for folder in folders:
        if not (folder / PLAN).is_file():
            raise ReleaseError(f"{folder} is no folder of a backfill: name one in build/backfill")
    runs = [Results(folder) for folder in folders]
    tables = [_ran(run.forecasts()) for run in runs]
    models = [table["model"].unique().to_list() for table in tables]
    if any(len(found) != 1 for found in models):
        raise ReleaseError(f"each run is to be of one model: {folders[0]} has {models[0]}, {folders[1]} {models[1]}")
    events = [one for one in runs[0].records() if isinstance(one, Maintenance)]
    beside = Beside(_joined(*tables), Pair(models[0][0], models[1][0]), runs[0].plan.every_min)
    return _compared(settings, plant, beside, ends_of(confirmed(labels), events))


def _live(settings: Settings, plant: Plant, name: str, errors: Console) -> Beside:
    values = (record.value for record in read(settings.cluster, named(settings.topic_prefix, Topic.SHADOWS)))
    said = pl.DataFrame(list(shadows_of(values, plant, name)), SHADOWS, orient="row")
    if said.is_empty():
        raise NothingSaid(
            f"no release {name and f'of {name!r} '}said anything beside a champion yet: `forewarn model publish` has "
            "one run beside it, from the next rows of its machines on"
        )
    pair = pair_of(said, board_of(settings))
    shadows = said.filter(pl.col("model") == pair.candidate, pl.col("beside") == pair.champion)
    if shadows.is_empty():
        raise NothingSaid(f"{pair.candidate} said nothing beside the champion {pair.champion} yet: wait for rows")
    forecasts = read_live(settings, 0, EVER_US, set(plant.assets), errors).forecasts
    own = forecasts.filter(pl.col("model") == pair.champion)
    return Beside(_joined(_ran(own), last_of_each(shadows)), pair, 1)


def shadows_of(
    values: Iterable[bytes | None], plant: Plant, name: str
) -> Iterator[tuple[str, int, int, str, str, float]]:
    """Rows of SHADOWS, of a name or of any, from what is on the topic."""
    for value in values:
        try:
            one = decode(value or b"")
        except msgspec.DecodeError:
            continue  # of another version
        if isinstance(one, Shadow) and _counts(one, plant, name):
            yield one.asset, one.window_end_us, one.revision, one.model, one.beside, one.chances[WARNING]


def _counts(one: Shadow, plant: Plant, name: str) -> bool:
    """Whether it is of the plant and the name, and not beside itself, as for a moment where it is promoted."""
    return one.asset in plant.assets and name in ("", name_of(one.model)) and one.model != one.beside


def pair_of(said: pl.DataFrame, board: Board) -> Pair:
    """Whom to compare, of what shadows said, in the order in which they did: those that run now, else the last two.

    A champion that is no release is the one that a shadow ran beside last, types that stay with a release aside.
    """
    name = name_of(said["model"][-1])
    running = board.version_of(name, Role.SHADOW)
    candidate = running or said["model"][-1]
    if running and (champion := board.version_of(name, Role.CHAMPION)):
        return Pair(champion, candidate)
    pinned = [one.version for one in board.appointed.values() if one.role is Role.PIN]
    beside = said.filter(pl.col("model") == candidate)["beside"]
    free = beside.filter(~beside.is_in(pinned))
    return Pair(next(one[-1] for one in (free, beside, said["beside"]) if len(one)), candidate)


def name_of(version: str) -> str:
    """The name of a model's version."""
    return version.partition("@")[0]


def _ran(forecasts: pl.DataFrame) -> pl.DataFrame:
    return forecasts.filter(pl.col("operating") == OperatingState.RUNNING.value, pl.col(CHANCE).is_not_null())


def _joined(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    keys = ["asset", "window_end_us"]
    sides = [
        table.select(*keys, pl.col(CHANCE).alias(side)) for table, side in ((first, "champion"), (second, "candidate"))
    ]
    out = sides[0].join(sides[1], on=keys, how="inner").sort(keys)
    if out.is_empty():
        raise NothingSaid("the two said nothing of the same minutes: give runs of the same machines and time")
    return out


def _compared(settings: Settings, plant: Plant, beside: Beside, ends: tuple[End, ...]) -> Compared:
    files = [files_of(settings, version) for version in beside.pair]
    watched = [
        _watched(str(asset), rows, beside.every_min, ends, plant, [one.card for one in files])
        for (asset,), rows in beside.table.partition_by("asset", as_dict=True, maintain_order=True).items()
    ]
    took_us = [served(one.onnx, len(Spec.of_card(one.card).names)).latency_us_a_row[BATCH] for one in files]
    each = [versus(*one) for one in watched]
    ratio = plant.budget.missed_to_unfounded
    return Compared(*beside.pair, together(each), each, (took_us[0], took_us[1]), watched, ratio)


def _watched(
    asset: str, rows: pl.DataFrame, every_min: int, ends: Iterable[End], plant: Plant, cards: list[Card]
) -> Watched:  # fmt: skip
    """Of a machine; what failed longer after the last minute than any horizon is nothing that either spoke of."""
    own = [end for end in ends if end.asset == asset]
    at_us = rows["window_end_us"].to_numpy()
    until_us = int(at_us[-1]) + HORIZON_US
    failures = sorted(end.time_us for end in own if end.failed and at_us[0] <= end.time_us <= until_us)
    pasts = [
        Past(
            window_end_us=at_us,
            chance=rows[side].to_numpy(),
            failures_us=np.array(failures, np.int64),
            repairs_us=np.array(sorted(time_us for _, time_us in repairs_of(own)), np.int64),
            weeks=float(np.minimum(np.diff(at_us), MOST_GAP_US).sum()) / WEEK_US,
            to_us=max([int(at_us[-1]), *failures]),
            every_min=every_min,
        )
        for side in ("champion", "candidate")
    ]
    limits = [threshold_of(plant, asset, card.warning_limit) for card in cards]
    return Watched(asset, (pasts[0], pasts[1]), (limits[0], limits[1]))
