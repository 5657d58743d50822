"""The picture of a pump: drawn from few forecasts, the same bytes again, with what was said and what happened."""

from __future__ import annotations

import dataclasses
from xml.etree import ElementTree

import numpy as np
import polars as pl
from msgspec.structs import replace

from models.records import Confidence, Forecast, Level, OperatingState, Rung
from pipelines.cli import picture
from pipelines.cli.outcome import Failure, Verdict, Warned

HOUR_US = 3_600_000_000
START_US = 1_767_225_600_000_000


def forecast(hour: int, state: OperatingState, chance: float) -> Forecast:
    end_us = START_US + hour * HOUR_US + 60_000_000
    return Forecast(
        id=f"f{hour}", revision=0, plant="p", asset="pump-01", window_end_us=end_us, operating=state,
        running_until_us=end_us, chances=(chance,) * 6, drivers=(), model="m", basis="simulated pumps",
        rung=Rung.HAZARD, confidence=Confidence.LOW, completeness=1.0,
    )  # fmt: skip


def life() -> picture.Life:
    stands = range(20, 30)
    states = [OperatingState.OFF if hour in stands else OperatingState.RUNNING for hour in range(100)]
    times = [START_US + hour * HOUR_US for hour in range(100)]
    flow = [0.0 if hour in stands else 350.0 - hour for hour in range(100)]
    opened = times[60]
    return picture.Life(
        asset="pump-01",
        forecasts=[forecast(hour, state, hour / 100) for hour, state in enumerate(states)],
        rows=pl.DataFrame({"time_us": times, "flow_m3_h": flow}),
        signals={"flow_m3_h": "m3/h"},
        limit=0.3,
        warnings=(
            Warned(
                asset="pump-01", opened_us=opened, ended_us=None, mode="any", rung=Rung.RULES, level=Level.ALARM,
                confidence=Confidence.MEDIUM, evidence=(), says="", said_h=None, drivers=(), verdict=Verdict.FAILED,
                act_h=30.0,
            ),
        ),
        failures=(Failure(asset="pump-01", time_us=times[90], mode="impeller-wear", lead_h=30.0),),
    )  # fmt: skip


def words_of(drawn: str) -> str:
    return " ".join(text.text or "" for text in ElementTree.fromstring(drawn).iter() if text.tag.endswith("text"))


def test_the_same_life_gives_the_same_picture_and_names_what_happened(tmp_path):
    for name in ("a.svg", "b.svg"):
        picture.draw(life(), tmp_path / name)
    drawn = (tmp_path / "a.svg").read_text()
    assert drawn == (tmp_path / "b.svg").read_text()
    ElementTree.fromstring(drawn)
    words = words_of(drawn)
    for said in ("pump-01", "from simulated pumps", "impeller-wear", "warned 30 h before", "warning limit, 30%", "off"):
        assert said in words


def test_a_line_breaks_where_hours_are_missing():
    at, values = picture.broken([START_US, START_US + HOUR_US, START_US + 9 * HOUR_US], [1.0, 2.0, 3.0])
    assert np.isnan(values).tolist() == [False, False, True, False]
    assert np.isnat(at).tolist() == [False, False, True, False]


def test_a_warning_is_drawn_with_its_level_rung_and_confidence(tmp_path):
    picture.draw(life(), tmp_path / "a.svg")
    assert all(said in words_of((tmp_path / "a.svg").read_text()) for said in ("alarm, on rules", "medium confidence"))


def test_a_warning_of_a_machine_without_chances_is_drawn_too(tmp_path):
    of = life()
    without = [replace(one, chances=()) for one in of.forecasts]
    picture.draw(dataclasses.replace(of, forecasts=without), tmp_path / "a.svg")
    words = words_of((tmp_path / "a.svg").read_text())
    assert "alarm, on rules" in words and "simulated" not in words


def test_a_chance_that_enough_failures_found_needs_no_label(tmp_path):
    of = life()
    sure = [replace(one, confidence=Confidence.HIGH) for one in of.forecasts]
    picture.draw(dataclasses.replace(of, forecasts=sure), tmp_path / "a.svg")
    assert "from simulated pumps" not in words_of((tmp_path / "a.svg").read_text())
