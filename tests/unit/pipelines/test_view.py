"""The demo's live view on a narrow terminal."""

from __future__ import annotations

import io
from types import SimpleNamespace

from msgspec.structs import replace
from rich.console import Console

from models.records import HORIZONS_H, Alert, Confidence, Driver, Forecast, OperatingState, Rung
from pipelines.cli.view import View
from pipelines.ledger import Ledger
from tests.kit.runs import by_rules, mixed


def forecast(asset: str = "pump-01", **changes) -> Forecast:
    made = Forecast(
        id="x", revision=0, plant="demo", asset=asset, window_end_us=0, operating=OperatingState.RUNNING,
        running_until_us=1_767_225_600_000_000, chances=(0.5,) * len(HORIZONS_H),
        drivers=(Driver(signal="bearing_temp_degc", drop=0.1),), model="m", basis="simulated pumps",
        rung=Rung.HAZARD, confidence=Confidence.LOW, completeness=1.0,
    )  # fmt: skip
    return replace(made, **changes)


def shown(*forecasts: Forecast, alerts: list[Alert] | None = None, width: int = 130) -> str:
    said = Console(file=io.StringIO(), width=width)
    latest = {one.asset: one for one in forecasts}
    known = {(one.id, one.revision): one for one in alerts or []}
    said.print(View(SimpleNamespace(ledger=Ledger(), forecasts=1, latest=latest, alerts=known), 0.5))
    return " ".join(said.file.getvalue().replace("│", "").split())


def test_assets_are_named_in_full_on_80_columns():
    assert "pump-01" in shown(forecast(), width=80)


def test_chances_are_shown_with_what_they_were_learned_from():
    assert "chances from simulated pumps" in shown(forecast())


def test_chances_that_enough_failures_found_stand_alone():
    said = shown(forecast(confidence=Confidence.HIGH))
    assert "50%" in said and "chances from" not in said


def test_warnings_by_rules_alone_and_by_a_model_with_a_rule_are_shown_with_their_rung():
    said = shown(forecast(), alerts=[*by_rules("pump-01", 2), *mixed("pump-02", 3)])
    assert "2 revisions, 2 open" in said
    assert "pump-01 warning, medium confidence, rules: bearing-hot 84.2 degC over 80 degC for 2 h" in said
    assert "pump-02 warning, low confidence, hazard: 50 % in 72 h (from simulated pumps)" in said
