"""`forewarn model compare`: what would change if a candidate took the champion's place, in warnings.

Of live traffic by the topics of forecasts and shadows, or of history by two folders that backfills left.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from connectors.kafka.plain import read
from connectors.releases.registry import Cached, Registry
from models.alerting.hindsight import Past
from models.alerting.thresholds import threshold_of
from models.alerting.versus import Side, Versus, together, versus
from models.alerting.wording import clock
from models.failure.ends import End, ends_of, repairs_of
from models.failure.hazard import WARNING, Card, read_card
from models.features import Spec
from models.inference import ModelError
from models.plant import Plant
from models.records import WARNING_HORIZON_H, Maintenance, OperatingState, Shadow, decode
from models.release import Part, decoded
from pipelines.backfill.results import PLAN, Results, last_of_each
from pipelines.cli.backfill.live import read_live
from pipelines.cli.board import board_of
from pipelines.cli.coverage import confirmed, events_of
from pipelines.cli.model_checks import served
from pipelines.plant_file import read_plant
from pipelines.releases.moves import ReleaseError
from pipelines.settings import Settings
from pipelines.topics import Topic, named

EVER_US, WEEK_US, DAYS_A_WEEK = 1 << 61, 604_800_000_000, 7.0
CHANCE = f"chance_{WARNING_HORIZON_H}h"
BATCH = "256"
SHOWN = 20
"""Warnings of one side alone that are listed for people; --json has all."""
SHADOWS = {"asset": pl.String, "window_end_us": pl.Int64, "revision": pl.Int64, "model": pl.String, CHANCE: pl.Float64}


class Beside(NamedTuple):
    """What two models said of the same minutes, by asset and time, and which they are.

    Columns are asset, window_end_us, champion and candidate: chances within 72 h.
    """

    table: pl.DataFrame
    champion: str
    candidate: str
    every_min: int


class Compared(NamedTuple):
    """Two models on all machines together and one by one; `took_us` is a row of a batch of 256 by each, here."""

    champion: str
    candidate: str
    whole: Versus
    each: list[Versus]
    took_us: tuple[float, float]


class Files(NamedTuple):
    """A model's ONNX file and card."""

    onnx: bytes
    card: Card


def of_live(settings: Settings, labels: Path | None, errors: Console) -> Compared:
    """What the shadow said live beside the champion. Raises ReleaseError where none did."""
    plant = read_plant(settings.plant, settings.site)
    beside = _live(settings, plant, errors)
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
    joined = _joined(*tables)
    events = [one for one in runs[0].records() if isinstance(one, Maintenance)]
    beside = Beside(joined, models[0][0], models[1][0], runs[0].plan.every_min)
    return _compared(settings, plant, beside, ends_of(confirmed(labels), events))


def _live(settings: Settings, plant: Plant, errors: Console) -> Beside:
    shadows: list[tuple[str, int, int, str, float]] = []
    for record in read(settings.kafka, named(settings.topic_prefix, Topic.SHADOWS)):
        try:
            one = decode(record.value or b"")
        except msgspec.DecodeError:
            continue  # of another version
        if isinstance(one, Shadow) and one.asset in plant.assets:
            chance = one.chances[WARNING]
            shadows.append((one.asset, one.window_end_us, one.revision, one.model, chance))
            champion = one.beside
    if not shadows:
        raise ReleaseError(
            "no release said anything beside a champion yet: `forewarn model publish` has one run beside it, from the "
            "next rows of its machines on"
        )
    candidate = shadows[-1][3]
    table = pl.DataFrame([one for one in shadows if one[3] == candidate], SHADOWS, orient="row")
    said = read_live(settings, 0, EVER_US, set(plant.assets), errors).forecasts
    return Beside(_joined(_ran(said), last_of_each(table)), champion, candidate, 1)


def _ran(forecasts: pl.DataFrame) -> pl.DataFrame:
    return forecasts.filter(pl.col("operating") == OperatingState.RUNNING.value, pl.col(CHANCE).is_not_null())


def _joined(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    keys = ["asset", "window_end_us"]
    sides = [
        table.select(*keys, pl.col(CHANCE).alias(side)) for table, side in ((first, "champion"), (second, "candidate"))
    ]
    out = sides[0].join(sides[1], on=keys, how="inner").sort(keys)
    if out.is_empty():
        raise ReleaseError("the two said nothing of the same minutes: give runs of the same machines and time")
    return out


def _compared(settings: Settings, plant: Plant, beside: Beside, ends: tuple[End, ...]) -> Compared:
    files = [_files(settings, version) for version in (beside.champion, beside.candidate)]
    each = [
        _versus(str(asset), rows, beside.every_min, ends, plant, [one.card for one in files])
        for (asset,), rows in beside.table.partition_by("asset", as_dict=True, maintain_order=True).items()
    ]
    took_us = [served(one.onnx, len(Spec.of_card(one.card).names)).latency_us_a_row[BATCH] for one in files]
    return Compared(beside.champion, beside.candidate, together(each), each, (took_us[0], took_us[1]))


def _versus(
    asset: str, rows: pl.DataFrame, every_min: int, ends: Iterable[End], plant: Plant, cards: list[Card]
) -> Versus:  # fmt: skip
    own = [end for end in ends if end.asset == asset]
    at_us = rows["window_end_us"].to_numpy()
    failures = sorted(end.time_us for end in own if end.failed and at_us[0] <= end.time_us)
    pasts = [
        Past(
            window_end_us=at_us,
            chance=rows[side].to_numpy(),
            failures_us=np.array(failures, np.int64),
            repairs_us=np.array(sorted(time_us for _, time_us in repairs_of(own)), np.int64),
            weeks=float(at_us[-1] - at_us[0]) / WEEK_US,
            to_us=max([int(at_us[-1]), *failures]),
            every_min=every_min,
        )
        for side in ("champion", "candidate")
    ]
    limits = [threshold_of(plant, asset, card.warning_limit) for card in cards]
    return versus(asset, (pasts[0], pasts[1]), (limits[0], limits[1]))


def _files(settings: Settings, version: str) -> Files:
    """A model's files, from the models' folder or the registry. Raises ReleaseError where it is in neither."""
    for path in sorted(settings.models.glob("*.onnx")):
        with suppress(OSError, ModelError):  # a health model's card, or none
            card = read_card(path.with_suffix(".json").read_bytes())
            if card.version == version:
                return Files(path.read_bytes(), card)
    release = board_of(settings).releases.get(version)
    if release is None:
        raise ReleaseError(f"{version} is neither in {settings.models} nor a release: `forewarn model releases`")
    cached = Cached(Registry(settings.registry_url), settings.cache_folder / "releases")
    files = decoded(bytes(release.manifest)).files
    return Files(cached.get(files[Part.ONNX]), read_card(cached.get(files[Part.CARD])))


def show(found: Compared, console: Console, *, as_json: bool) -> None:
    """Print what would change."""
    if as_json:
        console.out(json.dumps(_said(found)), highlight=False)
        return
    table = Table("", found.champion, found.candidate, title=_title(found), title_justify="left")
    for name, of in FIGURES:
        table.add_row(name, *(of(side, found.whole.weeks) for side in found.whole.sides))
    table.add_row("us a row, in batches of 256, here", *(f"{us:.2f}" for us in found.took_us))
    console.print(table)
    gained = found.whole.gained_h
    if gained:
        console.print(
            f"lead of the candidate less the champion's, where both warned of a failure: median "
            f"{median(gained):+.1f} h, from {min(gained):+.1f} to {max(gained):+.1f} h ({len(gained)} failures)",
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip
    for at, name in enumerate((found.champion, found.candidate)):
        alone = sorted((us, one.asset) for one in found.each for us in one.sides[at].alone_us)
        for us, asset in alone[:SHOWN]:
            console.print(f"only {name} warns of {asset} at {clock(us)}", highlight=False, markup=False)
        if len(alone) > SHOWN:
            console.print(f"and {len(alone) - SHOWN} more: --json has all", highlight=False, markup=False)


def _title(found: Compared) -> str:
    whole = found.whole
    return (
        f"{len(found.each)} machines, {whole.weeks * DAYS_A_WEEK:,.1f} machine-days, {whole.both} warnings of the "
        "champion that the candidate gives too"
    )


def _a_day(count: int, weeks: float) -> str:
    return f"{count / (weeks * DAYS_A_WEEK):.3f}" if weeks else "-"


FIGURES: tuple[tuple[str, Callable[[Side, float], str]], ...] = (
    ("warnings", lambda side, _: str(side.worth.warnings)),
    ("warnings a machine-day", lambda side, weeks: _a_day(side.worth.warnings, weeks)),
    ("that only it gives", lambda side, _: str(len(side.alone_us))),
    ("unfounded", lambda side, _: str(side.worth.unfounded)),
    ("undecided yet", lambda side, _: str(side.worth.undecided)),
    ("failures warned of", lambda side, _: f"{side.worth.caught} of {side.worth.failures}"),
    ("median lead, h", lambda side, _: "-" if side.worth.median_lead_h is None else f"{side.worth.median_lead_h:.1f}"),
    ("Brier within 72 h", lambda side, _: "-" if side.brier is None else f"{side.brier:.4f}"),
    (
        "minutes before a failure: by its chances, and as it came",
        lambda side, _: f"{side.expected:,.0f}, {side.came:,} of {side.known:,} known",
    ),
)


def _said(found: Compared) -> dict[str, object]:
    """For machines: both sides, and what only one gives."""
    sides = {}
    for at, version in enumerate((found.champion, found.candidate)):
        side = found.whole.sides[at]
        sides[version] = {
            "warnings": side.worth.warnings, "unfounded": side.worth.unfounded, "undecided": side.worth.undecided,
            "failures": side.worth.failures, "leads_h": side.worth.leads_h, "brier_72h": side.brier,
            "expected": side.expected, "came": side.came, "known": side.known, "us_a_row_256": found.took_us[at],
            "alone": [[one.asset, us] for one in found.each for us in one.sides[at].alone_us],
        }  # fmt: skip
    whole = found.whole
    return {
        "champion": found.champion, "candidate": found.candidate, "machines": len(found.each),
        "machine_days": whole.weeks * DAYS_A_WEEK, "both": whole.both, "lead_gained_h": whole.gained_h, "sides": sides,
    }  # fmt: skip
