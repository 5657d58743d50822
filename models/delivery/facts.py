"""What subscriptions ask of a warning, out of it and of the plant file."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from models.alerting.lifecycle import is_active
from models.delivery.subscriptions import By
from models.plant import Plant
from models.records import Advice, Alert, Level

UNRATED = {Level.WARNING: 500, Level.ALARM: 833}
"""Severities of warnings that say none: the middles of MEDIUM (334 to 666) and HIGH (667 to 1000) of OPC UA Part 9."""


class Facts(NamedTuple):
    """Of one warning; what the plant file does not say is empty."""

    site: str
    area: str
    line: str
    asset: str
    type: str
    mode: str
    tags: tuple[str, ...]
    severity: int
    advice: Advice


class Places:
    """Facts of the warnings of one plant."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._addresses: dict[tuple[str, str], set[str]] = defaultdict(set)
        for tag in plant.tags:
            self._addresses[tag.asset, tag.signal].add(tag.address)

    def of(self, alert: Alert) -> Facts:
        """Facts of a warning, also of one whose asset the plant does not have any more."""
        asset = self._plant.assets.get(alert.asset)
        site = (self._plant.site_of(alert.asset) if asset else self._plant.site) or ""
        area, line, kind = (asset.area or "", asset.line or "", asset.type) if asset else ("", "", "")
        return Facts(
            site, area, line, alert.asset, kind, alert.mode, self._tags(alert), severity_of(alert), alert.advice
        )

    def _tags(self, alert: Alert) -> tuple[str, ...]:
        signals = {signal for one in alert.evidence for signal in one.signals}
        signals |= {driver.signal for driver in alert.drivers}
        found = set(signals)
        for signal in signals:
            found |= self._addresses.get((alert.asset, signal), set())
        return tuple(sorted(found))


def severity_of(alert: Alert) -> int:
    """From 1 to 1000; of a warning without one, by its level."""
    return alert.severity or UNRATED[alert.level]


def is_over(alert: Alert) -> bool:
    """Whether what a warning tells of has ended, or it was closed or taken back."""
    return not is_active(alert)


def group_of(by: tuple[By, ...], facts: Facts, alert: Alert) -> tuple[str, ...]:
    """The values that warnings of a group have in common, in the order of `by`."""
    return tuple(alert.id if one is By.ALERT else str(getattr(facts, one)) for one in by)
