"""The topic of quality read once from its beginning, as the tuning role reads it."""

from __future__ import annotations

import asyncio

from connectors.influx.query import InfluxReader
from connectors.kafka.plain import Start, read
from models.plant import Plant, Station
from models.tuning.tuner import Tuner
from pipelines.cli.planned import readable
from pipelines.cli.planning_error import PlanError
from pipelines.main import WallClock, influx_target
from pipelines.settings import Settings
from pipelines.topics import Topic, named
from pipelines.tune.board import Board
from pipelines.tune.frames import Frames


def board_of(settings: Settings, plant: Plant) -> Board:
    """All parts and results of the plant's stations."""
    board = Board(plant)
    for record in read(settings.cluster, named(settings.topic_prefix, Topic.QUALITY), Start.BEGINNING):
        one = readable(record.value)
        if one is not None and one.plant == plant.plant:  # type: ignore[attr-defined] # all of this topic have one
            board.take_record(one)
    asyncio.run(_rows_too(settings, board))
    for tuner in board.tuners.values():
        tuner.joiner.settle(0)
    return board


async def _rows_too(settings: Settings, board: Board) -> None:
    """Parts of stations that send frames alone, of the last week. Raises StoreDown."""
    async with InfluxReader(influx_target(settings)) as rows:
        frames = Frames(board, rows)
        if frames.are_read:
            await frames.look(board.now_us(WallClock().now_us()))


def station_of(plant: Plant, asset: str) -> Station:
    """A station of the plant file. Raises PlanError."""
    stations = plant.tuning.stations if plant.tuning else {}
    if asset not in stations:
        raise PlanError(
            f"'{asset}' is no station of the plant file: there are "
            f"{', '.join(sorted(stations)) or 'none: add [tuning.stations.NAME]'}"
        )
    return stations[asset]


def tuner_of(board: Board, asset: str, product: str) -> Tuner:
    """What is known of a product at a station. Raises PlanError where no part of it is there."""
    found = board.tuners.get((asset, product))
    if found is None:
        of = sorted(name for known, name in board.tuners if known == asset)
        raise PlanError(
            f"no part of '{product}' was made at {asset}: there are parts of {', '.join(of) or 'none'}; "
            "`forewarn quality parts` puts some on the topic"
        )
    return found
