"""`forewarn tune`: the role as a process."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog
from aiokafka.errors import KafkaError

from connectors.influx.query import InfluxReader
from connectors.kafka.following import EVERYTHING, TopicsFollower
from connectors.kafka.publisher import KafkaPublisher
from connectors.kafka.releases import ReleaseReader
from models.failure.learned import Lister, Model
from models.records import Release
from models.release import Cause, Refused, State
from models.tuning.tuner import Demoted
from pipelines.cli.board import offices
from pipelines.cli.ending import until_told
from pipelines.cli.logs import to_stderr
from pipelines.cli.planning_error import PlanError
from pipelines.cli.role_shown import of_suggestions, shown
from pipelines.main import WallClock, influx_target, loader_of, provision_log, read_model
from pipelines.plant_file import PlantFile
from pipelines.releases.board import Board as ReleaseBoard
from pipelines.releases.follower import ReleaseFollower
from pipelines.releases.moves import ReleaseError, Who
from pipelines.releases.shelf import Shelf
from pipelines.settings import Settings
from pipelines.topics import Topic, partition_of
from pipelines.tune.board import Board
from pipelines.tune.frames import Frames
from pipelines.tune.role import Tuning
from pipelines.tune.served import ServedModels

_log = structlog.get_logger()

STARTS = {Topic.QUALITY: EVERYTHING, Topic.SUGGESTIONS: EVERYTHING}
WHO = "forewarn tune"


async def run(settings: Settings) -> int:
    """Tune until SIGTERM or Ctrl-C. Raises PlanError, ModelError."""
    to_stderr(False, settings.secrets)
    file = PlantFile(settings.plant, settings.site)
    if file.plant.tuning is None:
        raise PlanError(f"{settings.plant} says nothing of tuning: add [tuning.stations.NAME] and its parameters to it")
    provision_log(settings)
    _log.info("tuning-begins", kafka=settings.kafka, stations=sorted(file.plant.tuning.stations))
    publisher = KafkaPublisher(settings.cluster, settings.topic_prefix, forgets=True)  # else a stop waits for Kafka
    async with InfluxReader(influx_target(settings)) as rows:
        role = role_of(settings, file, publisher, rows)
        try:
            async with shown(settings, "tune", role.doings, lambda: of_suggestions(role)):
                await until_told(role.run(), file.follow(role.change_plant))
        finally:
            await publisher.stop()
    return 0


def role_of(settings: Settings, file: PlantFile, publisher: KafkaPublisher, rows: InfluxReader) -> Tuning:
    """The role with all that it needs of the outside."""
    board = Board(file.plant)
    return Tuning(
        board,
        TopicsFollower(settings.cluster, settings.topic_prefix, STARTS),
        models_of(settings, file),
        publisher,
        WallClock(),
        lambda key: partition_of(key, settings.partitions),
        partial(demote, settings),
        Frames(board, rows),
        away=(KafkaError,),
    )


def models_of(settings: Settings, file: PlantFile) -> ServedModels:
    """Models of defects: releases first, then the folder's files."""
    models: dict[str, Lister] = {}
    board = ReleaseBoard(file.plant.plant)

    async def told(release: Release, _: State, to: State, __: Cause, refused: Refused | None) -> None:
        """Workers tell the audit; this role only says what it has itself."""
        _log.info("release-here", version=release.version, state=str(to), why=refused.detail if refused else "")

    follower = ReleaseFollower(
        board,
        Shelf(board, loader_of(settings, file, models), told),
        ReleaseReader(settings.cluster, settings.topic_prefix),
        lambda: file.plant.tuning.models if file.plant.tuning else (),
    )
    return ServedModels(follower, partial(_in_folder, settings))


def _in_folder(settings: Settings, name: str) -> Model | None:
    """The file of a name, None where there is none."""
    return read_model(settings.models, name) if (settings.models / f"{name}.json").is_file() else None


async def demote(settings: Settings, one: Demoted) -> None:
    """Roll a model back whose suggestion did not deliver; where nothing was before it, it is just not asked again."""
    try:
        said = await asyncio.to_thread(_roll_back, settings, one)
    except (ReleaseError, OSError, KafkaError) as why:
        _log.warning("not-rolled-back", version=one.version, why=str(why), doing="it is not asked again here")
        return
    for line in said:
        _log.warning("rolled-back", version=one.version, said=line)


def _roll_back(settings: Settings, one: Demoted) -> list[str]:
    at = offices(settings)
    board = at.board()
    champions = [name for name, held in board.appointed.items() if held.version == one.version and "@" not in name]
    if not champions:
        return [f"{one.version} is no champion: it is not asked again"]
    return [line for name in champions for line in at.roll_back(name, Who(WHO, one.why[:500]))]
