"""`forewarn plan`: the role as a process, or one plan of how things stand or stood."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog
from aiokafka.errors import KafkaError
from rich.console import Console

from connectors.influx.query import InfluxReader
from connectors.kafka.following import EVERYTHING, TopicsFollower
from connectors.kafka.publisher import KafkaPublisher
from models.energy.baseline import Baseline
from models.energy.load import forecast
from models.energy.wall import Calendar
from models.failure.learned import Model
from models.figures.model import FigureModel
from models.plant import Plant
from pipelines.cli import planned
from pipelines.cli.ending import until_told
from pipelines.cli.logs import to_stderr
from pipelines.cli.planning_error import PlanError
from pipelines.cli.role_shown import of_plans, shown
from pipelines.main import WallClock, influx_target, provision_log, read_model
from pipelines.plan.air import advising
from pipelines.plan.board import Board
from pipelines.plan.machines import looking
from pipelines.plan.meter import Forecaster, forecasting, watching
from pipelines.plan.results import telling
from pipelines.plan.role import Look, Planner, Solving
from pipelines.plant_file import PlantFile
from pipelines.ports import Output
from pipelines.settings import Settings
from pipelines.topics import Topic, partition_of

_log = structlog.get_logger()

STARTS = {
    Topic.ORDERS: EVERYTHING,
    Topic.TARIFFS: EVERYTHING,
    Topic.ALERTS: EVERYTHING,
    Topic.ENERGY: EVERYTHING,
    Topic.SUGGESTIONS: 1000,
    Topic.DEMAND: 5,
    Topic.PLANS: 5,
    Topic.LOADS: 5,
}
"""How many of the last records of each partition are read at the start."""


class _Nowhere:
    """A publisher that publishes nothing: of a dry run."""

    async def publish(self, partition: int, outputs: Sequence[Output]) -> None:
        """Nothing."""


async def once(settings: Settings, seconds: float, at: str, console: Console, *, is_dry: bool, as_json: bool) -> int:
    """Make one plan, publish and show it; the exit status. Raises PlanError."""
    to_stderr(False, settings.secrets)
    publisher = KafkaPublisher(settings.cluster, settings.topic_prefix)
    planner = _planner(settings, seconds, publisher, until_us(at), is_dry=is_dry)
    try:
        with console.status("planning", spinner="dots") if console.is_terminal and not as_json else nullcontext():
            made = await planner.once()
    finally:
        await publisher.stop()
    if made is None and at:
        raise PlanError(
            f"no orders were open at {at}, by what had been said by then: orders count from when they are put"
        )
    if made is None:
        raise PlanError("there are no open orders: put some on the topic, as by `forewarn orders put orders.csv`")
    planned.show(made, planner.board.plant.timezone, console, as_json=as_json)
    return 0


async def run(settings: Settings, seconds: float) -> int:
    """Plan until SIGTERM or Ctrl-C. Raises PlanError."""
    to_stderr(False, settings.secrets)
    publisher = KafkaPublisher(settings.cluster, settings.topic_prefix, forgets=True)  # else a stop waits for Kafka
    planner = _planner(settings, seconds, publisher, None, is_dry=False)
    _log.info("planning-begins", kafka=settings.kafka, seconds=seconds)
    file = PlantFile(settings.plant, settings.site)
    async with InfluxReader(influx_target(settings)) as rows:
        try:
            async with shown(settings, "plan", planner.doings, lambda: of_plans(planner)):
                await until_told(planner.run(looks_of(settings, planner, rows)), file.follow(planner.change_plant))
        finally:
            await publisher.stop()
    return 0


def looks_of(settings: Settings, planner: Planner, rows: InfluxReader) -> list[Look]:
    """What the role does beside plans, by what the plant file has. Raises PlanError, ModelError."""
    plant = planner.board.plant
    production = plant.production
    assert production is not None
    found = [looking(planner, rows), telling(planner, rows, baseline_of(settings.energy_baseline))]
    if production.air is not None:
        found.append(advising(planner, rows))
    if production.meter is not None:
        found.append(watching(planner, rows))
    if production.metered:
        models = {one: read_model(settings.models, one.model) for one in production.metered}
        found.append(forecasting(planner, rows, {one: forecaster_of(plant, model) for one, model in models.items()}))
    return found


def forecaster_of(plant: Plant, model: Model) -> Forecaster:
    """What a load model says of a meter's history. Raises PlanError for another kind of model."""
    if not isinstance(model, FigureModel):
        raise PlanError(f"model '{model.card.name}' forecasts no load: make one by `forewarn model load-forecast`")
    calendar = Calendar(zone=plant.timezone, holidays=plant.holidays)
    return lambda history, origin_us: (model.card.version, forecast(model, history, origin_us, calendar))


def baseline_of(file: Path | None) -> Baseline | None:
    """The energy baseline of a file. Raises PlanError."""
    if file is None:
        return None
    try:
        return msgspec.json.decode(file.read_bytes(), type=Baseline)
    except (OSError, msgspec.DecodeError) as wrong:
        raise PlanError(f"FOREWARN_ENERGY_BASELINE: {file} is no energy baseline ({wrong})") from wrong


def until_us(at: str) -> int | None:
    """A time that an option gives, None where it gives none. Raises PlanError."""
    if not at:
        return None
    try:
        found = datetime.fromisoformat(at)
    except ValueError as wrong:
        raise PlanError(f"--at {at}: write a time as 2026-03-02T06:00+01:00") from wrong
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1e6)


def _planner(
    settings: Settings, seconds: float, publisher: KafkaPublisher, until: int | None, *, is_dry: bool
) -> Planner:
    plant = PlantFile(settings.plant, settings.site).plant
    if plant.production is None:
        raise PlanError(f"{settings.plant} says nothing of production: add [production], products and machines to it")
    provision_log(settings)
    return Planner(
        Board(plant, until),
        TopicsFollower(settings.cluster, settings.topic_prefix, STARTS),
        _Nowhere() if is_dry else publisher,
        WallClock(),
        lambda key: partition_of(key, settings.partitions),
        Solving(seconds),
        away=(KafkaError,),
    )
