"""A maintenance system's stub with a sink that knows it, for tests that hold of every such system."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from connectors.delivery import Place
from connectors.sinks import open_sink
from models.delivery.outcomes import Outcome
from models.records import Action, Alert, Notification
from tests.kit import maximo_stub, sap_stub
from tests.kit.maximo_stub import MaximoStub
from tests.kit.sap_stub import SapStub
from tests.kit.warned import Timeline

EACH = '[subscriptions.all]\nsink = "desk"\ngroup = { by = ["alert"], wait = "0s", interval = "0s", storm = 0 }\n'
OBJECTS = """
[assets.pump-01]
equipment = "000000000010000123"
[assets.pump-02]
location = "QUAY-PST-02"
"""


def notifications(*revisions: Alert) -> list[Notification]:
    """What a subscription to everything is told, an hour after each revision."""
    timeline = Timeline(EACH)
    return [made for hour, one in enumerate(revisions, 1) for made in timeline.step(float(hour), one)]


class Rig(ABC):
    """The sink with its config, and the stub as a person sees it. A context manager, as the stub is."""

    kind = ""
    stub: Any

    def __init__(self, folder: Path) -> None:
        self.objects = folder / "objects.toml"
        self.objects.write_text(OBJECTS)
        self.environ: dict[str, str] = {}

    def __enter__(self) -> Any:
        self.stub.__enter__()
        return self

    def __exit__(self, *failed: object) -> None:
        self.stub.__exit__(*failed)

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """The sink's table."""

    def open(self, **config: Any) -> Any:
        """A sink; belongs to the event loop that runs."""
        table = {"kind": self.kind} | self.config() | config
        return open_sink("cmms", table, Place("north", environ=self.environ))

    def send(self, *told: Notification, **config: Any) -> list[Outcome]:
        """What came of notifications, sent by one sink, one after another."""

        async def work() -> list[Outcome]:
            sink = self.open(**config)
            try:
                return [await sink.send(one) for one in told]
            finally:
                await sink.close()

        return asyncio.run(work())

    def look(self, *cases: Alert, **config: Any) -> list[Action]:
        """What the system says of cases."""

        async def work() -> list[Action]:
            sink = self.open(**config)
            try:
                return list(await sink.look(cases))
            finally:
                await sink.close()

        return asyncio.run(work())

    @abstractmethod
    def made(self) -> list[dict[str, Any]]:
        """All notifications there are."""

    def number(self) -> str:
        """The one that there is."""
        (row,) = self.made()
        return str(row.get("MaintenanceNotification") or row["ticketid"])

    def text(self) -> str:
        """Its long text."""
        (row,) = self.made()
        return str(row.get("MaintNotifLongTextForEdit") or row["description_longdescription"])

    @abstractmethod
    def in_process(self) -> None:
        """Somebody takes it up."""

    @abstractmethod
    def closes(self, *codes: str) -> None:
        """Somebody closes it, with codes of what was found."""

    @abstractmethod
    def deletes(self) -> None:
        """Somebody throws it away."""


class SapRig(Rig):
    """SAP PM."""

    kind, by = "sap_pm", "sap-pm"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.stub = SapStub()
        self.environ = {"SAP": sap_stub.USER[1]}

    def config(self) -> dict[str, Any]:
        """The sink's table."""
        said = {"url": self.stub.url, "user": sap_stub.USER[0], "password_env": "SAP", "timeout_s": 20}
        return said | {"objects": str(self.objects)}

    def made(self) -> list[dict[str, Any]]:
        """All notifications there are."""
        return list(self.stub.notifications.values())

    def in_process(self) -> None:
        """Somebody takes it up."""
        self.stub.moves(self.number(), "3")

    def closes(self, *codes: str) -> None:
        """Somebody completes it, with a damage code an item."""
        self.stub.moves(self.number(), "4", to_Item=items(codes))

    def deletes(self) -> None:
        """Somebody sets the deletion flag, which completes it, too."""
        self.stub.moves(self.number(), "DLFL NOCO")


class MaximoRig(Rig):
    """Maximo."""

    kind, by = "maximo", "maximo"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.stub = MaximoStub()
        self.environ = {"KEY": maximo_stub.KEY, "PASS": maximo_stub.USER[1]}

    def config(self) -> dict[str, Any]:
        """The sink's table."""
        return {"url": self.stub.url, "api_key_env": "KEY", "timeout_s": 20, "objects": str(self.objects)}

    def made(self) -> list[dict[str, Any]]:
        """All requests there are."""
        return list(self.stub.requests.values())

    def in_process(self) -> None:
        """Somebody takes it up."""
        self.stub.moves(self.number(), "INPROG")

    def closes(self, *codes: str) -> None:
        """Somebody closes it, with a work order a code."""
        for code in codes:
            self.stub.orders_work(self.number(), f"W-{code}", problemcode=code, status="COMP", description="seal worn")
        self.stub.moves(self.number(), "CLOSED")

    def deletes(self) -> None:
        """Somebody cancels it."""
        self.stub.moves(self.number(), "CANCELLED")


RIGS = (SapRig, MaximoRig)


def items(codes: Iterable[str]) -> list[dict[str, Any]]:
    """Items of an SAP notification with damage codes."""
    said = {"MaintNotifDamageCodeGroup": "PUMP", "MaintNotifItemText": "seal worn"}
    return [said | {"MaintNotificationDamageCode": code} for code in codes]
