"""`forewarn model defects`: a station's defect model from parts and results, and on to a release if wished."""

from __future__ import annotations

import getpass
import time
from pathlib import Path
from typing import NamedTuple

from kafka.errors import KafkaError
from rich.console import Console

from models.failure.hazard import card_json
from models.figures.card import FigureCard
from models.plant import Plant, seconds
from pipelines.cli.board import offices
from pipelines.cli.lined import say
from pipelines.cli.planning_error import PlanError
from pipelines.cli.releasing import Signer, publish, tell
from pipelines.cli.stations import board_of, station_of, tuner_of
from pipelines.cli.training import needing_train
from pipelines.plant_file import PlantFile
from pipelines.ports import StoreDown
from pipelines.releases.moves import ReleaseError, Who
from pipelines.settings import Settings


class Wanted(NamedTuple):
    """Of which station and product, where the files go, signed by whom, and whether it is to serve."""

    asset: str
    product: str
    out: Path
    key: str
    is_published: bool
    is_promoted: bool


def train(settings: Settings, wanted: Wanted, every: str, console: Console, *, as_json: bool) -> None:
    """Learn once, or anew after each span, as long as there is something new. Raises PlanError, ModelError."""
    if not every:
        _once(settings, wanted, 0, console, as_json=as_json, may_wait=False)
        return
    known = 0
    while True:
        try:
            known = _once(settings, wanted, known, console, as_json=as_json, may_wait=True)
        except (PlanError, ReleaseError, KafkaError, StoreDown, OSError) as fault:  # the next round tries again
            console.print(f"not this time: {fault}", highlight=False, markup=False)
        time.sleep(seconds(every))


def _once(settings: Settings, wanted: Wanted, known: int, console: Console, *, as_json: bool, may_wait: bool) -> int:
    """Learn where more is known than before; how much is known."""
    plant = PlantFile(settings.plant, settings.site).plant
    station, name = station_of(plant, wanted.asset), _name(plant, wanted)
    tuner = tuner_of(board_of(settings, plant), wanted.asset, wanted.product)
    if tuner.journal.known == known:
        return known
    command = f"forewarn model defects {wanted.asset} --product {wanted.product}"
    with needing_train():
        from onnx_export.defect_station import NotReleased, made
    try:
        onnx, card = made(tuner.journal.rows, station, name, wanted.product, command, tuner.journal.parameters)
    except NotReleased as why:
        if not may_wait:
            raise PlanError(str(why)) from why
        console.print(f"nothing is released: {why}", highlight=False, markup=False)
        return tuner.journal.known
    _put(settings, wanted, onnx, card, console, as_json=as_json)
    return tuner.journal.known


def _put(settings: Settings, wanted: Wanted, onnx: bytes, card: FigureCard, console: Console, *, as_json: bool) -> None:
    wanted.out.mkdir(parents=True, exist_ok=True)
    file = wanted.out / f"{card.name}.onnx"
    file.write_bytes(onnx)
    file.with_suffix(".json").write_bytes(card_json(card))
    say(
        console, as_json, wrote=str(file), version=card.version, trained_on=card.trained_on,
        **{name: round(value, 5) for name, value in card.scores.items()},
    )  # fmt: skip
    if wanted.is_published:
        publish(settings, file, Signer(wanted.key), console, wanted=card.name)
    if wanted.is_promoted:
        who = Who(getpass.getuser(), f"learned anew: {card.trained_on}")
        tell(offices(settings).promote(card.version, who), console)


def _name(plant: Plant, wanted: Wanted) -> str:
    models = station_of(plant, wanted.asset).models
    if wanted.product not in models:
        raise PlanError(
            f"the plant file names no model for '{wanted.product}' at {wanted.asset}: add it to "
            f"tuning.stations.{wanted.asset}.models"
        )
    return models[wanted.product]
