"""The starter's model of weld defects: learned from trials of a simulated cell, at settings around an engineer's first.

`python -m onnx_export.starter_weld` writes it. All of it is simulated; the same recipe gives the same bytes again.
"""

from __future__ import annotations

import argparse
from importlib.resources import files
from pathlib import Path

import numpy as np

from models import starter
from models.failure.hazard import card_json
from models.figures.card import FigureCard
from models.physics import weld
from models.physics.weld_parts import Place, records_of
from models.plant import Station, parse_files
from models.tuning.tuner import Tuner
from onnx_export.defect_station import made

NAME, ASSET, PRODUCT = "weld-defects", "weld-01", "bracket"
COMMAND = "python -m onnx_export.starter_weld"
SEED, TRIALS, PARTS, FIRST = 4001, 24, 1000, 6000
"""Trials of so many parts, then parts at the first setting. Seeds from 4000 on are used nowhere else."""
ALONG, ASIDE = (0.5, 0.6, -30.0, 0.12), (0.08, 0.08, 5.0, 0.03)
"""Trials go from an engineer's first setting towards more current, force and boost and less time, so much in all, each
setting off that line by these standard deviations: kA, kN, ms, kA per 100 welds. Our choice, as trials are laid out."""
PLACE = Place("simulated", ASSET, PRODUCT, begin_us=0, step_us=3_000_000, late=0)


def station_of() -> Station:
    """The demo's station, as its plant file has it."""
    texts = {name: files(starter).joinpath(name).read_text() for name in ("pumps.toml", "weld.toml")}
    tuning = parse_files(texts).tuning
    assert tuning is not None
    return tuning.stations[ASSET]


def trials(random: np.random.Generator) -> list[weld.Settings]:
    """Settings of trials, within what is qualified."""
    out = []
    for at in np.linspace(0.0, 1.0, TRIALS):
        wished = np.array(weld.START) + at * np.array(ALONG) + random.normal(0.0, ASIDE)
        limited = [min(max(value, one.low), one.high) for value, one in zip(wished, weld.PARAMETERS, strict=True)]
        out.append(weld.Settings(*(round(float(value), 2) for value in limited)))
    return out


def trained() -> tuple[bytes, FigureCard]:
    """The model and its card. Raises NotReleased, ModelError."""
    station, cell = station_of(), weld.Cell(SEED)
    tuner = Tuner(PLACE.plant, ASSET, PRODUCT, station)
    runs = [(one, PARTS) for one in trials(np.random.default_rng(SEED))] + [(weld.START, FIRST)]
    for settings, parts in runs:
        for part, result in records_of(cell.make(settings, parts), settings, PLACE):
            tuner.take(part)
            tuner.take(result)
    return made(tuner.journal.rows, station, NAME, PRODUCT, COMMAND, tuner.journal.parameters)


def main() -> None:
    """Write the model into a folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path(str(files(starter))))
    folder = parser.parse_args().out
    onnx, card = trained()
    (folder / f"{NAME}.onnx").write_bytes(onnx)
    (folder / f"{NAME}.json").write_bytes(card_json(card))


if __name__ == "__main__":
    main()
