"""The starter's model of weld defects: learned from trials of a simulated cell, at settings around an engineer's first.

`python -m onnx_export.starter_weld` writes it. All of it is simulated; the same recipe gives the same bytes again.
"""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

import numpy as np

from models import starter
from models.failure.hazard import card_json
from models.figures.card import FigureCard
from models.physics import weld
from models.plant import Station, parse_files
from models.records import Part, QualityResult
from models.tuning.tuner import Tuner
from onnx_export.defect_station import made

NAME, ASSET, PRODUCT = "weld-defects", "weld-01", "bracket"
COMMAND = "python -m onnx_export.starter_weld"
SEED, TRIALS, PARTS, FIRST = 4001, 24, 600, 6000
"""Trials of so many parts, and parts at the first setting. Seeds from 4000 on are used nowhere else."""
KINDS = {weld.Kind.GOOD: "", weld.Kind.UNDERSIZE: "undersize", weld.Kind.EXPULSION: "expulsion"}
NAMES = tuple(one.name for one in weld.PARAMETERS)


def station_of() -> Station:
    """The demo's station, as its plant file has it."""
    texts = {name: files(starter).joinpath(name).read_text() for name in ("pumps.toml", "weld.toml")}
    tuning = parse_files(texts).tuning
    assert tuning is not None
    return tuning.stations[ASSET]


def trained() -> tuple[bytes, FigureCard]:
    """The model and its card. Raises NotReleased, ModelError."""
    station, random = station_of(), np.random.default_rng(SEED)
    tuner = Tuner("simulated", ASSET, PRODUCT, station)
    cell = weld.Cell(SEED)
    for at in range(TRIALS):
        for record in records_of(cell.make(trial(random), PARTS), trial_settings(cell), at):
            tuner.take(record)
    return made(tuner.journal.rows, station, NAME, PRODUCT, COMMAND, tuner.journal.parameters)
