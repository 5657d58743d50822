"""Where commands about releases meet a plant's board: Kafka's topic, the plant file and the clock."""

from __future__ import annotations

import time

from connectors.kafka.board import KafkaBoard
from pipelines.plant_file import read_plant
from pipelines.releases.board import Board
from pipelines.releases.offices import Offices
from pipelines.settings import Settings


def offices(settings: Settings) -> Offices:
    """Of the plant that the settings name. Raises PlantError."""
    plant = read_plant(settings.plant, settings.site)
    log = KafkaBoard(settings.kafka, settings.topic_prefix, plant.plant, settings.partitions)
    return Offices(
        log, lambda: read_plant(settings.plant, settings.site), settings.partitions, lambda: time.time_ns() // 1000
    )


def board_of(settings: Settings) -> Board:
    """What the topic says now."""
    return offices(settings).board()
