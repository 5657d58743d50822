"""What stands behind the API in tests: a gate for some keys, workers that load what is offered, subscriptions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.console.callers import KeysAndTokens
from connectors.console.gate import Gate
from connectors.console.keys import api_keys
from models.delivery.errors import SubscriptionError
from models.delivery.subscriptions import Subscription
from models.records import Advice, Ready
from pipelines.releases.board import Board

PARTITIONS = 2
HOSTS = frozenset({"testserver"})


def gate(told: Iterable[str], **more: Any) -> Gate:
    """Lets in who has one of these keys, by the name that the test client calls it."""
    return Gate(KeysAndTokens(api_keys(",".join(told))), **{"hosts": HOSTS, **more})


@dataclass
class Workers:
    """What two partitions' owners say: all is loaded but what they refuse, and all that is meant is met."""

    refuse: dict[str, str] = field(default_factory=dict)
    away: bool = False

    def __call__(self, board: Board) -> Sequence[Ready]:
        if self.away:
            return ()
        loaded = tuple(sorted(board.releases.keys() - self.refuse.keys()))
        means = {office: one.number for office, one in board.appointed.items()}
        return [
            Ready(plant="tiny", partition=at, worker="w", loaded=loaded, refused=self.refuse, means=means)
            for at in range(PARTITIONS)
        ]


class Subscriptions:
    """A `connectors.console.subscriptions.Subscriptions` that remembers what it was asked."""

    def __init__(self) -> None:
        self.on_topic: dict[str, tuple[Subscription, str]] = {}
        self.retried: list[tuple[str, str]] = []

    def told(self) -> list[dict[str, Any]]:
        return [
            {"name": name, "from": f"topic, by {by}", "sink": one.sink} for name, (one, by) in self.on_topic.items()
        ]

    def put(self, name: str, wanted: Subscription, by: str) -> list[str]:
        if wanted.sink != "desk":
            raise SubscriptionError(f"subscriptions.{name}.sink is '{wanted.sink}', but sinks are desk")
        self.on_topic[name] = wanted, by
        return [f"on the topic: {name}"]

    def remove(self, name: str) -> list[str]:
        if name not in self.on_topic:
            raise SubscriptionError(f"no subscription '{name}' is on the topic: there are none")
        del self.on_topic[name]
        return [f"off the topic: {name}"]

    def tried(self, asset: str, mode: str, severity: int, advice: Advice) -> list[dict[str, Any]]:
        return [{"subscription": "mine", "asset": asset, "severity": severity, "advice": advice}]

    def deliveries(self, *, every: bool) -> dict[str, Any]:
        return {"deliveries": [{"id": "n1", "every": every}], "waiting": []}

    def retry(self, begin: str, by: str) -> list[str]:
        self.retried.append((begin, by))
        return ["to be tried again by the role that runs: 1"]
