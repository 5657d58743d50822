"""A meter's CSV file to a load model: read, brought to steps of 15 min, trained, written, and told of.

What is no number or not there is missing; rows more often than 15 min are averaged. Raises ModelError for the rest.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from msgspec import Struct
from rich.console import Console

from models.contracts import STEP_MIN
from models.energy.wall import DAY_STEPS, STEP_US, Calendar
from models.failure.hazard import card_json
from models.inference import Graph, ModelError
from models.plant.errors import PlantError
from models.plant.shifts import Date, check_zone
from pipelines.cli import model_checks
from pipelines.cli.training import needing_train, showing

if TYPE_CHECKING:
    from onnx_export.load import Made
    from onnx_export.load_rows import Series


class Wanted(Struct, frozen=True, kw_only=True):
    """What was asked for; `known` are COLUMN:UNIT."""

    file: Path
    time: str
    kw: str
    zone: str
    holidays: tuple[str, ...]
    known: tuple[str, ...]
    out: Path
    name: str

    @property
    def command(self) -> str:
        """As it would be typed again."""
        words = ["forewarn", "model", "load-forecast", "--from", str(self.file), "--time", self.time, "--kw", self.kw]
        words += ["--zone", self.zone, *(word for day in self.holidays for word in ("--holiday", day))]
        words += [word for one in self.known for word in ("--known", one)]
        return shlex.join([*words, "--out", str(self.out), "--name", self.name])


def train(wanted: Wanted, console: Console, errors: Console, *, as_json: bool) -> None:
    """Write NAME.onnx and NAME.json, and print what they are. Raises ModelError."""
    series = series_of(wanted)
    with needing_train():
        from onnx_export.load import Asked, train_load
    asked = Asked(name=wanted.name, command=wanted.command, trained_on=_span(wanted, series))
    with showing(errors) as show:
        made = train_load(series, asked, show)
    model_checks.contents(made.onnx)
    model_checks.check_rows_alone(Graph(made.onnx, tuple(made.card.outputs)))
    wanted.out.mkdir(parents=True, exist_ok=True)
    file = wanted.out / f"{wanted.name}.onnx"
    file.write_bytes(made.onnx)
    file.with_suffix(".json").write_bytes(card_json(made.card))
    if as_json:
        told = {"file": str(file), "version": made.card.version, "bytes": len(made.onnx), "scores": made.card.scores}
        console.print_json(json.dumps(told))
        return
    for line in _lines(file, made):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def series_of(wanted: Wanted) -> Series:
    """The meter's load by steps of 15 min, with what is known ahead. Raises ModelError."""
    with needing_train():
        from onnx_export.load_rows import Known, Series
    calendar = _calendar(wanted)
    units = dict(_known(one) for one in wanted.known)
    table = _table(wanted, (wanted.kw, *units))
    step = table["step"].to_numpy()
    begin, count = int(step[0]), int(step[-1] - step[0]) + 1
    columns = {}
    for name in (wanted.kw, *units):
        columns[name] = np.full(count, np.nan)
        columns[name][step - begin] = table[name].to_numpy()
    ends = np.flatnonzero(~np.isnan(columns[wanted.kw]))
    if not len(ends):
        raise ModelError(f"{wanted.file}: '{wanted.kw}' has no number: name the column of the load in kW")
    ahead = {name: Known(unit, columns[name]) for name, unit in units.items()}
    return Series(columns[wanted.kw][: int(ends[-1]) + 1], begin * STEP_US, calendar, ahead)


def _table(wanted: Wanted, names: Sequence[str]) -> pl.DataFrame:
    """Columns `step`, since 1970 in UTC, and means of `names` as float64, in order of time."""
    try:
        read = pl.read_csv(wanted.file, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as wrong:
        raise ModelError(f"{wanted.file} cannot be read as CSV: {wrong}") from wrong
    if lacking := [name for name in (wanted.time, *names) if name not in read.columns]:
        raise ModelError(f"{wanted.file} has no column {', '.join(lacking)}: it has {', '.join(read.columns)}")
    told = pl.col(wanted.time).str.strip_chars()
    zoned = read[wanted.time].str.contains(r"(Z|[+-]\d\d:?\d\d)$").any()
    try:
        at = read.select(
            told.str.to_datetime(time_unit="us", time_zone="UTC") if zoned
            else told.str.to_datetime(time_unit="us").dt.replace_time_zone(
                wanted.zone, ambiguous="earliest", non_existent="null"
            ).dt.convert_time_zone("UTC")
        ).to_series()  # fmt: skip
    except pl.exceptions.PolarsError as wrong:
        raise ModelError(f"{wanted.file}: '{wanted.time}' is no time as 2025-01-31 06:15: {wrong}") from wrong
    numbers = read.select(pl.col(name).str.strip_chars().cast(pl.Float64, strict=False) for name in names)
    table = numbers.with_columns(step=at.dt.epoch("us") // STEP_US).drop_nulls("step")
    return table.group_by("step").agg(pl.all().mean().fill_null(np.nan)).sort("step")


def _calendar(wanted: Wanted) -> Calendar:
    try:
        check_zone(wanted.zone)
    except PlantError as wrong:
        raise ModelError(f"--zone: {wrong}") from wrong
    try:
        return Calendar(zone=wanted.zone, holidays=tuple(Date.fromisoformat(day) for day in wanted.holidays))
    except ValueError as wrong:
        raise ModelError(f"--holiday: {wrong}: write days as 2025-12-25") from wrong


def _known(told: str) -> tuple[str, str]:
    name, _, unit = told.rpartition(":")
    if not name or not unit:
        raise ModelError(f"--known is '{told}': write COLUMN:UNIT, as orders_t:t, and 1 for a unit of none")
    return name, unit


def _span(wanted: Wanted, series: Series) -> str:
    missing = float(np.isnan(series.kw).mean())
    return f"{len(series.kw) / DAY_STEPS:.0f} days of {wanted.file.name}, {wanted.kw}, {missing:.1%} missing"


def _lines(file: Path, made: Made) -> list[str]:
    scores = made.card.scores
    lines = [
        f"{file}: {made.card.version}, {len(made.onnx):,} bytes, learned from {made.card.trained_on}",
        "of the last weeks, by models that had not seen them:",
    ]
    for hours in (24, 72):
        lines.append(
            f"  {hours} h ahead: off by {scores[f'error_{hours}h_kw']:.3g} kW in the mean, "
            f"{scores[f'of_naive_{hours}h']:.2f} of what last week's load is off"
        )
    if "covered_of_80" in scores:
        lines.append(f"  the 80 % interval held {scores['covered_of_80']:.1%}, steps of {STEP_MIN} min to 72 h")
    return [*lines, f"offer it: forewarn model publish {file} --key NAME:FILE"]
