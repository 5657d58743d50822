"""`forewarn quality share`: counts of parts and defects by setting, with noise that hides each part, for other plants.

The budget is kept in a file, written before the release is: what was spent stays spent, whatever happens then.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from rich.console import Console

from connectors.privacy import released
from models.plant import Parameter, Plant
from models.tuning.fleet import Account, Bound, Made, Named, Spend, Withheld, counted
from pipelines.cli.lined import say
from pipelines.cli.planning_error import PlanError
from pipelines.cli.stations import board_of
from pipelines.plant_file import PlantFile
from pipelines.settings import Settings
from pipelines.tune.board import Board


class Wish(NamedTuple):
    """What a release may cost, where the budget and the release are kept, and what the budget is at the first."""

    epsilon: float
    account: Path
    file: Path
    budget: float


def share(settings: Settings, wish: Wish, console: Console, *, as_json: bool) -> None:
    """Write a release and charge the budget. Raises PlanError, PrivacyError."""
    plant = PlantFile(settings.plant, settings.site).plant
    board, bins = board_of(settings, plant), bins_of(plant)
    if not bins:
        raise PlanError(f"{settings.plant} has no stations: add [tuning.stations.NAME]")
    bound = Bound(parts=1, histograms=max(len(one.parameters) for one in board.stations.values()))
    now_us = time.time_ns() // 1000
    name = f"{plant.plant} {datetime.fromtimestamp(now_us / 1e6, UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    account = _account(wish)
    found = released(
        counted(made_of(board), bins, bound), bound, account, Spend(release=name, epsilon=wish.epsilon, time_us=now_us)
    )
    if isinstance(found, Withheld):
        raise PlanError(f"nothing is released, {found.why}: {found.detail}")
    release, after = found
    _keep(wish.account, msgspec.json.encode(after))
    wish.file.write_bytes(msgspec.json.encode(release))
    say(
        console, as_json, wrote=str(wish.file), epsilon=wish.epsilon, epsilon_left=round(after.left, 9),
        scale=round(release.scale, 3), histograms=len(release.histograms),
    )  # fmt: skip


def bins_of(plant: Plant) -> dict[Named, tuple[float, ...]]:
    """Edges by kind of station and parameter: from its lowest to its highest in its largest steps, and to the end."""
    stations = plant.tuning.stations if plant.tuning else {}
    return {
        (plant.assets[asset].type, name): _edges(one)
        for asset, station in stations.items()
        for name, one in station.parameters.items()
    }


def made_of(board: Board) -> Iterator[Made]:
    """Each inspected part once for each parameter; a batch counts as one part, defective where any unit is."""
    for (asset, product), tuner in board.tuners.items():
        if asset not in board.stations:
            continue
        rows, kind = tuner.journal.rows, board.plant.assets[asset].type
        for at in np.flatnonzero(rows.known):
            for name, value in zip(tuner.journal.parameters, rows.settings[int(rows.setting[at])], strict=True):
                yield Made(f"{asset}/{product}/{at}", kind, name, value, bool(rows.defects[at]))


def _edges(of: Parameter) -> tuple[float, ...]:
    steps = np.arange(of.low, of.high, of.step or (of.high - of.low) / 10) if of.high > of.low else np.array([of.low])
    return (*(float(one) for one in steps), float(np.nextafter(of.high, np.inf)))


def _account(wish: Wish) -> Account:
    if not wish.account.exists():
        return Account(epsilon_total=wish.budget)
    try:
        return msgspec.json.decode(wish.account.read_bytes(), type=Account)
    except (OSError, msgspec.DecodeError) as wrong:
        raise PlanError(f"{wish.account} is no account of a budget ({wrong}): nothing goes out without it") from wrong


def _keep(file: Path, content: bytes) -> None:
    """Whole or not at all, and on the disk before anything is let out."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".new")
    with beside.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(file)
