"""A console on real servers: a plant of two sites, workers, and `forewarn api serve` as a process, asked with keys."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2

from connectors.console.keys import Role, new_key
from connectors.kafka.plain import LogProducer
from models.records import Frame, Record, Suggestion, Tick, encode, key_of
from pipelines.topics import named, partition_of
from tests.kit.followed import TOPIC_OF
from tests.kit.installation import Installation
from tests.kit.ports import free_port
from tests.kit.streams import MINUTE_US

PLANT = """
plant = "north"
site = "quay"
[types.pump.signals.oil_temp_degc]
kind = "gauge"
unit = "degC"
range = [-20, 200]
[types.pump.signals.flow_m3_h]
kind = "gauge"
unit = "m3/h"
range = [0, 500]
[[types.pump.rules]]
name = "hot"
signals = ["oil_temp_degc"]
warning_high = 80
alarm_high = 95
for = "1min"
clears_after = "2min"
[assets.pump-01]
type = "pump"
area = "station"
description = "Feed pump 1"
criticality = "A"
[assets.pump-02]
type = "pump"
area = "station"
[assets.fan-01]
type = "pump"
site = "mill"
area = "roof"
"""
WHO: Mapping[str, tuple[Role, tuple[str, ...]]] = {
    "viewer": (Role.VIEWER, ()), "operator": (Role.OPERATOR, ()), "engineer": (Role.ENGINEER, ()),
    "admin": (Role.ADMIN, ()), "mill-engineer": (Role.ENGINEER, ("mill",)), "quay-operator": (Role.OPERATOR, ("quay",)),
}  # fmt: skip
"""Callers by name: role and sites, none for all."""
PATIENCE_S = 30.0


class Consoled:
    """A context manager over an installation; `url` is where its console answers, `keys` are those of WHO."""

    def __init__(self, folder: Path, influx: str = "27", plant: str = PLANT, **settings: Any) -> None:
        made = {name: new_key(name, role, sites) for name, (role, sites) in WHO.items()}
        self.keys = {name: key for name, (key, _) in made.items()}
        told = ",".join(told for _, told in made.values())
        self.installation = Installation(folder, influx, plant=plant, api_keys=told, **settings)
        self.url = ""

    def __enter__(self) -> Consoled:
        self.installation.__enter__()
        try:
            self.process = self.start()
        except BaseException:
            self.installation.__exit__()
            raise
        return self

    def __exit__(self, *fault: object) -> None:
        self.installation.__exit__(*fault)

    def start(self, port: int = 0) -> subprocess.Popen[bytes]:
        """Start a console, and return once it answers; port 0 is one that is free."""
        port = port or free_port()
        self.url = f"http://127.0.0.1:{port}"
        process = self.installation.worker(program=("pipelines.cli", "api", "serve", "--port", str(port)))
        until_s = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert process.poll() is None and time.monotonic() < until_s, self.installation.told()
            time.sleep(0.1)
        return process

    def _answers(self) -> bool:
        try:
            return self.ask("me").status_code == 200
        except httpx2.TransportError:
            return False

    def ask(self, path: str, who: str = "admin", **more: Any) -> httpx2.Response:
        """An answer to GET, or to POST where there is `json`."""
        headers = {"Authorization": f"Bearer {self.keys[who]}"}
        call = httpx2.post if "json" in more else httpx2.get
        return call(f"{self.url}/api/v1/{path}", headers=headers, timeout=30, **more)

    def page(self, who: str, route: str = "#/") -> str:
        """Where a browser begins: signed in as somebody."""
        return f"{self.url}/#key={self.keys[who]}" if route == "#/" else f"{self.url}/{route}"


def spoken(console: Consoled, records: Sequence[Record]) -> None:
    """What roles would say, put on their topics in their place: the plant has rules alone.

    An answer lies behind its suggestion, on the partition of the suggestion's asset.
    """
    settings = console.installation.settings
    assets = {one.id: one.asset for one in records if isinstance(one, Suggestion)}
    with LogProducer(settings.kafka) as producer:
        for one in records:
            asset = getattr(one, "asset", "") or assets.get(getattr(one, "suggestion", ""), "")
            key = key_of("north", asset)
            place = partition_of(key, settings.partitions)
            producer.send(named(settings.topic_prefix, TOPIC_OF[type(one)]), key, encode(one), place)


def minutes(
    assets: Sequence[str], first: int, last: int, degc: float, begin_us: int, every: int = 1
) -> list[Frame | Tick]:
    """Rows of pumps at a temperature, with ticks that close them; minutes are counted from `begin_us`."""
    out: list[Frame | Tick] = []
    for at in range(first, last, every):
        time_us = begin_us + at * MINUTE_US
        for asset in assets:
            signals: dict[str, list[Any]] = {"oil_temp_degc": [degc], "flow_m3_h": [100.0]}
            out.append(Frame(plant="north", asset=asset, source="t", times_us=[time_us + 1], signals=signals))
        out.append(Tick(plant="north", time_us=time_us + MINUTE_US))
    return out
