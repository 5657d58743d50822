"""An energy baseline of a CSV, for people, for machines, and the CUSUM against it as a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from models.energy.baseline import Baseline, Unfit, Validity, expected, fit
from models.energy.performance import Enpi, Fitness, Saving, Steps, calibration, cusum, enpi, fitness, saving
from pipelines.cli.report.plots import BAD, GOOD, QUIET, STYLE

FORMATS = ("svg", "png")
SIZE_IN, DOTS_AN_INCH = (8.0, 3.5), 150


class EnergyError(Exception):
    """The file or the columns cannot be used; the message says what to do."""


class Asked(NamedTuple):
    """Which file, columns and rows the baseline is of (None: all), where to draw and keep it, and EnPI per what."""

    file: Path
    energy: str
    drivers: tuple[str, ...]
    baseline_rows: int | None = None
    chart: Path | None = None
    out: Path | None = None
    per: str = ""


class Found(NamedTuple):
    """The baseline, how it fits its own rows, kWh over it in every row added up, and the saving of rows after them."""

    baseline: Baseline
    fitness: Fitness
    cusum_kwh: np.ndarray
    rows: int
    saving: Saving | None
    indicators: tuple[tuple[str, Enpi], ...] = ()


def baseline(asked: Asked, console: Console, *, as_json: bool) -> None:
    """Fit, tell and draw. Raises EnergyError."""
    if asked.chart is not None:
        _check(asked.chart)
    found = find(asked)
    if asked.chart is not None:
        draw(found, asked.chart)
    if asked.out is not None:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_bytes(msgspec.json.encode(found.baseline))
    if as_json:
        console.out(json.dumps(_said(found)), highlight=False)
    else:
        _show(found, console)


def find(asked: Asked) -> Found:
    """The baseline of the first rows of the file, and what came of the rest. Raises EnergyError."""
    energy, drivers = _columns(asked)
    rows = min(asked.baseline_rows or len(energy), len(energy))
    made = fit(energy[:rows], {name: column[:rows] for name, column in drivers.items()})
    if isinstance(made, Unfit):
        raise EnergyError(f"{asked.file}: no baseline can be made of {rows} rows: {made.detail} ({made.why})")
    told = expected(made, drivers).kwh
    over = np.where(np.isfinite(energy - told), energy - told, 0.0)
    known = np.isfinite(energy[:rows]) & np.isfinite(told[:rows])
    saved = None
    if rows < len(energy):
        after = {name: column[rows:] for name, column in drivers.items()}
        saved = saving(made, energy[rows:], after, 0, 0)
    fits = fitness(energy[:rows][known], told[:rows][known], len(made.terms) + 1)
    return Found(made, fits, cusum(over, over * 0.0), rows, saved, _indicators(asked, made, energy, drivers, rows))


def _indicators(
    asked: Asked, made: Baseline, energy: np.ndarray, drivers: dict[str, np.ndarray], rows: int
) -> tuple[tuple[str, Enpi], ...]:
    """Energy for one of a column's, of the baseline's rows and of those after, and what it is of that expected."""
    if not asked.per:
        return ()
    made_of = _columns(asked._replace(energy=asked.per, drivers=()))[0]
    parts = (("the baseline's rows", slice(0, rows)), ("the rows after", slice(rows, None)))
    return tuple(
        (name, enpi(energy[part], made_of[part], asked.per, made, {key: of[part] for key, of in drivers.items()}))
        for name, part in parts
        if len(energy[part])
    )


def _columns(asked: Asked) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    names = (asked.energy, *asked.drivers)
    try:
        table = pl.read_csv(asked.file, infer_schema_length=None)
    except (OSError, pl.exceptions.PolarsError) as wrong:
        raise EnergyError(f"{asked.file} cannot be read as CSV: {wrong}") from wrong
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise EnergyError(f"{asked.file} has no column {', '.join(missing)}: it has {', '.join(table.columns)}")
    texts = [name for name in names if not table[name].dtype.is_numeric()]
    if texts:
        raise EnergyError(f"{asked.file}: {', '.join(texts)} is not of numbers only")
    if len(set(names)) < len(names):
        raise EnergyError(f"a column is named twice among {', '.join(names)}")
    columns = {name: table[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in names}
    return columns.pop(asked.energy), columns


def _show(found: Found, console: Console) -> None:
    made = found.baseline
    table = Table("driver", "kWh for one more", "error", "t", "p", "seen from", "to")
    for one in made.terms:
        numbers = one.kwh_per_one, one.error, one.t, one.p, one.least, one.most
        table.add_row(one.driver, *(f"{number:.4g}" for number in numbers))
    console.print(table)
    for line in lines(found):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def lines(found: Found) -> list[str]:
    """What else is to be told of it, a sentence each."""
    made, fits = found.baseline, found.fitness
    told = [
        f"intercept {made.intercept_kwh:.4g} kWh a period, of {made.rows} rows",
        f"R2 {made.r2:.3f}, F {made.f:.4g} (p {made.f_p:.2g}), CV(RMSE) {fits.cv_rmse:.1%}, NMBE {fits.nmbe:.1%}",
        "ASHRAE Guideline 14: " + ", ".join(f"{steps} limits {calibration(fits, steps)}" for steps in Steps),
    ]
    if made.validity is Validity.VALID:
        told.append("valid by the rules of EnPI Lite (LBNL, US-DOE)")
    else:
        told.append(f"not to be used: it breaks {', '.join(made.broken)} (EnPI Lite of LBNL and US-DOE)")
    if found.saving is not None:
        told.append(_saved(found.saving))
    return told + [_indicator(name, one) for name, one in found.indicators]


def _indicator(name: str, one: Enpi) -> str:
    plain = "none was made" if one.kwh_per is None else f"{one.kwh_per:.4g} kWh for one of {one.per}"
    same = f"; {one.ratio:.1%} of what the baseline expects of it" if one.ratio is not None else f"; {one.why}"
    return f"EnPI of {name}: {plain}{same}"


def _saved(found: Saving) -> str:
    if not found.is_valid:
        return f"no saving is claimed of the rows after: {found.why}"
    return (
        f"saved in the rows after: {found.share:.1%} ({found.low:.1%} to {found.high:.1%} in 4 of 5), "
        f"{found.baseline_kwh - found.measured_kwh:,.0f} of {found.baseline_kwh:,.0f} kWh"
    )


def _said(found: Found) -> dict[str, object]:
    fits = found.fitness
    return {
        "baseline": msgspec.to_builtins(found.baseline),
        "validity": found.baseline.validity,
        "cv_rmse": fits.cv_rmse if fits.cv_rmse == fits.cv_rmse else None,
        "nmbe": fits.nmbe if fits.nmbe == fits.nmbe else None,
        "guideline_14": {str(steps): calibration(fits, steps) for steps in Steps},
        "cusum_kwh": found.cusum_kwh.tolist(),
        "saving": None if found.saving is None else _claim(found.saving),
        "enpi": {name: one._asdict() for name, one in found.indicators},
    }


def _claim(found: Saving) -> dict[str, object]:
    return {
        "share": found.share, "low": found.low, "high": found.high, "measured_kwh": found.measured_kwh,
        "baseline_kwh": found.baseline_kwh, "is_valid": found.is_valid, "validity": found.validity, "why": found.why,
    }  # fmt: skip


def _check(file: Path) -> None:
    """Raise where it could not be drawn, before anything is read."""
    from pipelines.cli.picture import check

    if file.suffix.removeprefix(".") not in FORMATS:
        raise EnergyError(f"--chart {file}: name a file that ends in .{' or .'.join(FORMATS)}")
    check()


def draw(found: Found, file: Path) -> None:
    """The CUSUM: kWh over the baseline, added up row by row; it falls where energy is saved."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE | {"svg.hashsalt": "forewarn", "figure.facecolor": "white"}):
        figure = Figure(figsize=SIZE_IN, layout="constrained")
        axis: Any = figure.subplots()
        rows = np.arange(1, len(found.cusum_kwh) + 1)
        axis.axhline(0.0, color=QUIET, lw=1)
        axis.plot(rows, found.cusum_kwh, color=GOOD if found.cusum_kwh[-1] <= 0 else BAD, lw=1.5)
        if found.rows < len(rows):
            axis.axvline(found.rows + 0.5, color=QUIET, ls="--", lw=1)
            axis.text(
                found.rows + 0.5, 1.0, "baseline ends", transform=axis.get_xaxis_transform(), ha="center", va="bottom"
            )
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.set_xlabel("row of the file")
        axis.set_ylabel("kWh over the baseline, added up")
        kind = file.suffix.removeprefix(".")
        dated: dict[str, Any] = {"metadata": {"Date": None}} if kind == "svg" else {"dpi": DOTS_AN_INCH}
        figure.savefig(file, format=kind, **dated)
