"""Where commands about releases meet a plant's board: Kafka's topic, the plant file and the clock."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial

from connectors.kafka.board import KafkaBoard
from models.failure.learned import card_of
from models.inference import ModelError
from pipelines.plant_file import read_plant
from pipelines.releases.board import Board
from pipelines.releases.offices import Offices, Place
from pipelines.settings import Settings


def place_of(settings: Settings) -> Place:
    """Of the plant that the settings name. Raises PlantError."""
    plant = read_plant(settings.plant, settings.site)
    log = KafkaBoard(settings.cluster, settings.topic_prefix, plant.plant, settings.partitions)
    return Place(
        log,
        lambda: read_plant(settings.plant, settings.site),
        settings.partitions,
        now_us,
        partial(in_folder, settings),
    )


def offices(settings: Settings) -> Offices:
    """Of that place."""
    return Offices(place_of(settings))


def board_of(settings: Settings) -> Board:
    """What the topic says now."""
    return offices(settings).board()


def in_folder(settings: Settings, name: str) -> str:
    """The version of the file of a name in the models' folder; empty where there is no card that can be read."""
    with suppress(OSError, ModelError):
        return card_of((settings.models / f"{name}.json").read_bytes()).version
    return ""


def now_us() -> int:
    """By the clock."""
    return time.time_ns() // 1000
