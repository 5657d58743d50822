"""Subscriptions of a plant made ready to be asked: all here is a function of the file, the topic and the plant."""

from __future__ import annotations

from collections.abc import Mapping

from models.delivery.calendar import Calendar
from models.delivery.facts import Places, group_of
from models.delivery.matching import Index
from models.delivery.subscriptions import Subscription
from models.plant import Plant
from models.records import Alert


class Plan:
    """Compiled once; another file or plant makes another one."""

    def __init__(self, plant: Plant, subscriptions: Mapping[str, Subscription]) -> None:
        self.plant, self.subscriptions = plant, dict(subscriptions)
        self.parents = {asset.parent for asset in plant.assets.values()} - {None}
        self.places, self.calendar, self.index = Places(plant), Calendar(plant), Index(self.subscriptions)

    def wanted(self, alert: Alert) -> list[str]:
        """Names of the subscriptions that a warning is for."""
        return self.index.of(self.places.of(alert))

    def group(self, name: str, alert: Alert) -> tuple[str, ...]:
        """In which group of a subscription a warning is."""
        return group_of(self.subscriptions[name].group.by, self.places.of(alert), alert)

    def common(self, name: str, group: tuple[str, ...]) -> dict[str, str]:
        """What the warnings of a group have in common, by name."""
        by = (str(one) for one in self.subscriptions[name].group.by)
        return dict(zip(by, group, strict=True))
