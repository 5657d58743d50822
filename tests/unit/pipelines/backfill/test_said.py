"""Warnings of history as rows of a store."""

from __future__ import annotations

from msgspec.structs import replace

from connectors.influx.lines import encode
from models.records import AlertReason, Confidence, Forecast, OperatingState, Remaining, Rung, Whose
from pipelines.backfill.results import SAID
from pipelines.backfill.said import forecast_rows, rows_table
from pipelines.told import alert_rows
from tests.kit.runs import at, by_rules, mixed


def forecast(asset: str, baseline: Whose = Whose.OWN, missing: tuple[str, ...] = ()) -> Forecast:
    return Forecast(
        id=asset, revision=0, plant="plant", asset=asset, window_end_us=at(24), operating=OperatingState.RUNNING,
        running_until_us=at(24), chances=(0.5,) * 6, drivers=(), model="m", basis="tests", rung=Rung.HAZARD,
        confidence=Confidence.LOW, completeness=0.5, baseline=baseline, missing=missing,
    )  # fmt: skip


def test_a_forecast_says_whose_usual_it_rests_on_and_what_it_lacks():
    told = [forecast("a", missing=("flow_m3_h", "oil_temp_degc")), forecast("b", Whose.NOBODY)]
    first, second = rows_table(forecast_rows("plant", told)).rows(named=True)
    assert (first["baseline"], first["missing"]) == ("its own", "flow_m3_h, oil_temp_degc")
    assert (second["baseline"], second["missing"]) == ("nobody's", None)


def test_a_forecast_that_lacks_nothing_has_no_field_of_it_in_its_line():
    lacking, whole = encode(forecast_rows("plant", [forecast("a", missing=("flow_m3_h",)), forecast("b")])).text
    assert 'missing="flow_m3_h"' in lacking
    assert "missing=" not in whole and 'baseline="its own"' in whole


def test_every_number_and_word_of_the_table_of_forecasts_is_a_field_of_the_store():
    assert {name for names in SAID.values() for name in names} == set(forecast_rows("plant", [forecast("a")]).fields)


def test_a_warning_by_rules_alone_has_a_row_without_a_chance_a_lead_or_what_remains():
    (row,) = rows_table(alert_rows("plant", by_rules("a", 24))).rows(named=True)
    assert (row["asset"], row["time_us"], row["rung"], row["level"], row["confidence"], row["mode"]) == (
        "a", at(24), "rules", "warning", "medium", "OHE",
    )  # fmt: skip
    assert (row["chance_72h"], row["lead_h"], row["remaining_h"]) == (None, None, None)
    assert row["says"] == "rules: bearing-hot 84.2 degC over 80 degC for 24 h"


def test_two_revisions_of_one_time_are_two_rows():
    (opened,) = by_rules("a", 24)
    opened = replace(opened, moved_us=at(24))
    held = replace(opened, revision=1, reason=AlertReason.SUPPRESSED)
    assert [row["time_us"] for row in rows_table(alert_rows("plant", [opened, held])).rows(named=True)] == [
        at(24), at(24) + 1,
    ]  # fmt: skip


def test_a_warning_by_a_model_and_a_rule_has_its_chance_with_what_it_was_learned_from():
    (alert,) = mixed("a", 24)
    left = replace(alert, remaining=Remaining(low_h=20.0, median_h=36.0, high_h=None))
    (row,) = rows_table(alert_rows("plant", [left])).rows(named=True)
    assert (row["rung"], row["chance_72h"], row["basis"], row["remaining_h"]) == (
        "hazard",
        0.5,
        "simulated pumps",
        36.0,
    )


def test_what_a_warning_does_not_say_is_no_field_of_its_line():
    by_rule, of_both = encode(alert_rows("plant", [*by_rules("a", 24), *mixed("b", 24)])).text.to_list()
    assert "chance_72h" not in by_rule and 'rung="rules"' in by_rule
    assert "chance_72h=0.5" in of_both
