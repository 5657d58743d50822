"""The demo's live view on a narrow terminal."""

from __future__ import annotations

import io
from types import SimpleNamespace

from rich.console import Console

from models.records import HORIZONS_H, Confidence, Driver, Forecast, OperatingState, Rung
from pipelines.cli.view import View
from pipelines.ledger import Ledger


def test_assets_are_named_in_full_on_80_columns():
    forecast = Forecast(
        id="x", revision=0, plant="demo", asset="pump-01", window_end_us=0, operating=OperatingState.RUNNING,
        running_until_us=1_767_225_600_000_000, chances=(0.5,) * len(HORIZONS_H),
        drivers=(Driver(signal="bearing_temp_degc", drop=0.1),), model="m", basis="b",
        rung=Rung.HAZARD, confidence=Confidence.LOW, completeness=1.0,
    )  # fmt: skip
    said = Console(file=io.StringIO(), width=80)
    said.print(View(SimpleNamespace(ledger=Ledger(), forecasts=1, latest={"pump-01": forecast}, alerts={}), 0.5))
    assert "pump-01" in said.file.getvalue()
