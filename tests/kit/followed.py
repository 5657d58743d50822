"""A plant of two sites as a console follows it: forecasts, healths, books and notices of it, and a log in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from models.records import (
    Alert,
    Confidence,
    DemandWarning,
    Forecast,
    Health,
    Notice,
    NoticeKind,
    OperatingState,
    Plan,
    PlanResult,
    Record,
    Rung,
    Suggestion,
    SuggestionAnswer,
    SuggestionEffect,
    SuggestionRefused,
    TrialRequest,
    encode,
    id_of,
    key_of,
    notice,
)
from pipelines.console.ports import Came, News
from pipelines.ledger import LEDGER_KEY, Ledger
from pipelines.topics import Topic
from tests.kit.warned import at, plant

PLANT = plant()
CHANCES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)


def forecast(asset: str, hours: float, chance_72h: float = 0.1, **said: Any) -> Forecast:
    """What a hazard says of an asset."""
    whole: dict[str, Any] = {
        "id": id_of("forecast", "north", asset, "", at(hours)), "revision": 0, "plant": "north", "asset": asset,
        "window_end_us": at(hours), "operating": OperatingState.RUNNING, "running_until_us": at(hours),
        "chances": (*CHANCES[:3], chance_72h, max(chance_72h, 0.2), max(chance_72h, 0.3)), "drivers": (), "model": "m",
        "basis": "simulated pumps", "rung": Rung.HAZARD, "confidence": Confidence.MEDIUM, "completeness": 1.0,
    }  # fmt: skip
    return Forecast(**whole | said)


def health(asset: str, hours: float, index: float = 90.0, **said: Any) -> Health:
    """How healthy it is."""
    whole: dict[str, Any] = {
        "id": id_of("health", "north", asset, "", at(hours)), "revision": 0, "plant": "north", "asset": asset,
        "window_end_us": at(hours), "index": index, "t2": 0.1, "spe": 0.1, "drivers": (), "limiting": "",
        "remaining": None, "baseline": "", "model": "h", "basis": "", "confidence": Confidence.HIGH,
        "completeness": 1.0,
    }  # fmt: skip
    return Health(**whole | said)


def silent(asset: str, hours: float, *, is_open: bool = True) -> Notice:
    """A notice that nothing comes of an asset; of none, one of the service."""
    kind = NoticeKind.SILENT_ASSET if asset else NoticeKind.STORE_DOWN
    return notice(kind, "north", asset, "", at(hours), is_open=is_open, reason="silent", time_us=at(hours))


TOPIC_OF: dict[type, Topic] = {
    Forecast: Topic.FORECASTS, Health: Topic.HEALTH, Alert: Topic.ALERTS, Notice: Topic.NOTICES,
    Plan: Topic.PLANS, PlanResult: Topic.PLANS, DemandWarning: Topic.DEMAND, Suggestion: Topic.SUGGESTIONS,
    SuggestionAnswer: Topic.SUGGESTIONS, SuggestionEffect: Topic.SUGGESTIONS, SuggestionRefused: Topic.SUGGESTIONS,
    TrialRequest: Topic.SUGGESTIONS,
}  # fmt: skip


def came(*records: Record) -> list[Came]:
    """As they come from their topics."""
    return [Came(TOPIC_OF[type(one)], 0, key_of("north", getattr(one, "asset", "")), encode(one)) for one in records]


def books(partition: int, **counts: int) -> Came:
    """A partition's ledger as its snapshot has it."""
    return Came(Topic.STATE, partition, b"%d%s" % (partition, LEDGER_KEY), msgspec.json.encode(Ledger(**counts)))


class MemoryLog:
    """A `pipelines.console.ports.PlantLog` whose records a test puts; `fails` is raised at the next call."""

    def __init__(self, records: Sequence[Came] = ()) -> None:
        self.waiting = list(records)
        self.fails: BaseException | None = None
        self.closed = 0

    def put(self, *records: Came) -> None:
        """Have them come."""
        self.waiting += records

    async def more(self, patience_s: float) -> News:
        """What waits."""
        if self.fails is not None:
            fault, self.fails = self.fails, None
            raise fault
        if not self.waiting:
            await asyncio.sleep(min(patience_s, 0.005))
        found, self.waiting = self.waiting, []
        return News(found, True)

    async def close(self) -> None:
        """It was closed."""
        self.closed += 1
