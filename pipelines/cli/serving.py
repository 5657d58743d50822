"""The HTTP API as a process, with the plant's releases behind it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import uvicorn
from rich.console import Console

from connectors.console.app import application
from connectors.console.keys import SETTING, WrongApiKeys, api_keys
from connectors.releases.registry import Registry
from models.alerting.verdict import Bars, verdict
from models.release import Channel, Part
from pipelines.cli.board import now_us, place_of
from pipelines.cli.compared import said_of
from pipelines.cli.comparing import of_live
from pipelines.cli.delivery_desk import DeliveryDesk
from pipelines.releases.about import told
from pipelines.releases.moves import Who
from pipelines.releases.offices import Offices, Place
from pipelines.releases.publish import Keeper, checked, made, published, record_of
from pipelines.settings import Settings


class PlantModels(Offices):
    """A `connectors.console.models.Models`: the offices, what is told of them, and where uploads are kept."""

    def __init__(self, place: Place, keeper: Keeper, compared: Callable[[str], dict[str, Any]]) -> None:
        super().__init__(place)
        self._keeper, self.compared = keeper, compared

    def told(self) -> dict[str, Any]:
        """Releases and appointments."""
        return told(self, self.board())

    def publish(
        self, files: Mapping[Part, bytes], signed: bytes, licence: str, channel: Channel, who: Who
    ) -> list[str]:
        """Offer files, by a record that was signed elsewhere or unsigned. Raises ReleaseError, Refused."""
        plant = self.plant.plant
        if signed:
            release = checked(record_of(signed), files, plant)
        else:
            release = made(plant, files, now_us(), licence, lambda _: ())
        return published(self, self._keeper, release, files, channel, who)


def _compared(settings: Settings, name: str) -> dict[str, Any]:
    found = of_live(settings, None, Console(stderr=True), name)
    return said_of(found, verdict(found.trial, Bars()))


def serve(settings: Settings, host: str, port: int, console: Console) -> None:
    """Answer until ended."""
    keys = api_keys(settings.api_keys)
    if not len(keys):
        raise WrongApiKeys(
            f"nobody could ask: make a key by `forewarn api key NAME`, and put what it says into {SETTING}"
        )
    models = PlantModels(place_of(settings), Registry(settings.registry_url), partial(_compared, settings))
    app = application(keys, models, DeliveryDesk(settings))
    console.print(f"http://{host}:{port}/docs: the API's document; end it by ctrl-c", highlight=False, markup=False)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # uvicorn raises it again when all is answered
    uvicorn.run(app, host=host, port=port, log_level="warning")
