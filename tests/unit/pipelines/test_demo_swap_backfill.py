"""What the demo says of its swap and its backfill, and when they are reasons to fail."""

from __future__ import annotations

import json
from hashlib import sha256

import onnxruntime

from pipelines.cli import demo_backfilled, demo_swapped
from pipelines.cli.demo_backfilled import Backfilled
from pipelines.cli.demo_swapped import Swap, Swapped
from pipelines.settings import STARTER, Settings
from tests.unit.pipelines.test_demo import summary


def report(both: int, only_here: int, only_live: int, compared: int, equal: int) -> dict:
    pairs = [{"compared": compared, "equal": equal}]
    return {
        "difference": {
            "both": [0] * both,
            "only_here": [0] * only_here,
            "only_live": [0] * only_live,
            "forecasts": pairs,
        }
    }


def test_a_backfill_that_warns_as_live_did_is_told_and_no_problem():
    found = demo_backfilled._read("pump-08", report(2, 0, 0, 2016, 2010))
    assert found == Backfilled("pump-08", 2, 2, 2, 2016, 2010)
    assert found.problem == ""
    assert "2 warnings would have fired, 2 of them as live; 2,010 of 2,016" in demo_backfilled.line(found)


def test_a_backfill_that_warns_otherwise_that_compares_nothing_or_that_failed_is_a_problem():
    for only_here, only_live, compared in ((1, 0, 9), (0, 1, 9), (0, 0, 0)):
        assert demo_backfilled._read("p", report(1, only_here, only_live, compared, compared)).problem
    assert demo_backfilled._read("p", {"difference": "Kafka is away"}).problem == "no backfill: Kafka is away"


def test_the_release_of_the_swap_is_the_starters_own_trees_under_another_version_with_a_key_of_this_run(tmp_path):
    swap = Swap(Settings(), tmp_path)
    onnx = swap._renamed()
    starter = (STARTER / "pump.onnx").read_bytes()
    assert onnx.read_bytes().startswith(starter) and onnx.read_bytes() != starter
    session = onnxruntime.InferenceSession(onnx.read_bytes())
    assert session.get_modelmeta().description == "the starter's own trees, offered again to show a swap"
    card = json.loads(onnx.with_suffix(".json").read_text())
    assert card["sha256"] == sha256(onnx.read_bytes()).hexdigest()
    assert swap.settings.release_keys.startswith("demo:") and not swap.settings.unsigned_releases
    assert (tmp_path / "release" / "key.pem").stat().st_mode & 0o777 == 0o600


def test_a_swap_is_told_with_the_forecasts_of_the_new_version_and_one_that_failed_with_its_reason():
    done = Swapped("pump@a", "pump@b", 1.2, 0.3)
    assert "pump@a to pump@b" in demo_swapped.line(done, 987) and "987 forecasts are its own" in demo_swapped.line(
        done, 987
    )
    assert "no registry" in demo_swapped.line(Swapped(why="no registry"), 0)


def test_a_swap_that_failed_or_that_no_forecast_knows_of_is_a_problem():
    done = Swapped("pump@a", "pump@b", 1.2, 0.3)
    assert summary(swapped=done, by_model={"pump@b": 1}).problems() == []
    (unheard,) = summary(swapped=done, by_model={"pump@a": 9}).problems()
    (failed,) = summary(swapped=Swapped(why="no registry")).problems()
    assert "no forecast is by the new one" in unheard and "no registry" in failed
