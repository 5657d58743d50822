"""A clock that jumped, on real servers: listed with its question, decided, and what waited is stored once more."""

from __future__ import annotations

import io
import json
import time

import pytest
from rich.console import Console

from models.clocks import HOUR_US, MINUTE_US
from models.records import ClockDecision, Frame
from pipelines.cli import clocks
from pipelines.topics import Topic
from tests.kit.installation import Installation

pytestmark = pytest.mark.servers


def said(call, *arguments, **options) -> str:
    console = Console(file=io.StringIO(), width=250)
    call(*arguments, console, **options)
    return console.file.getvalue()


def listed(installation: Installation) -> dict[str, dict]:
    told = json.loads(said(clocks.show, installation.settings, as_json=True))
    return {source["source"]: source for source in told}


def decided(
    installation: Installation, source: str, shift_us: int | None, answer: bool = True, assets=(), everything=False
) -> str:
    """What is said of a decision, the question among it."""
    decision = ClockDecision(plant="tiny", source=source, shift_us=shift_us, assets=assets)
    asked: list[str] = []

    def agree(question: str) -> bool:
        asked.append(question)
        return answer

    told = said(lambda console: clocks.decide(installation.settings, decision, console, agree, everything=everything))
    return "\n".join([*asked, told])


def frames(asset: str, source: str, now_us: int) -> list[Frame]:
    """Two hours up to now, ten rows more, then eight by a clock that went back an hour."""
    times = [[now_us - minute * MINUTE_US for minute in range(120, -1, -10)]]
    times += [[now_us + at * 1_000] for at in range(1, 11)]
    times += [[now_us + at * 1_000 - HOUR_US] for at in range(20, 28)]
    return [
        Frame(plant="tiny", asset=asset, source=source, times_us=of, signals={"pressure_bar": [5.0] * len(of)})
        for of in times
    ]


def test_a_source_whose_clock_jumped_is_listed_decided_and_stored(servers, tmp_path) -> None:
    now_us = int(time.time()) * 1_000_000
    with Installation(tmp_path) as installation:
        installation.worker()
        for asset, source in (("pump-01", "a"), ("pump-02", "b"), ("pump-03", "b")):
            installation.send(frames(asset, source, now_us))
        installation.finish()
        known = listed(installation)
        assert known["a"]["waiting"] == {"pump-01": 8}
        assert known["b"]["waiting"] == {"pump-02": 8, "pump-03": 8}
        assert known["a"]["hours"] == [-1]
        assert 0 <= known["a"]["offset_s"] < 100
        (question,) = known["a"]["questions"]
        assert question["asset"] == "pump-01"
        table = said(clocks.show, installation.settings, as_json=False)
        assert "forewarn clock decide" in table

        assert "nothing decided; 8 frames wait" in decided(installation, "a", HOUR_US, answer=False)
        assert "decided; 8 frames sent once more" in decided(installation, "a", HOUR_US)
        assert "decided; 8 frames let go" in decided(installation, "b", None, assets=("pump-02",))
        assert "decided; 8 frames sent once more" in decided(installation, "b", 0)
        installation.finish()

        rows = installation.stored("pump")
        moved = [now_us + at * 1_000 for at in range(20, 28)]
        found = {a: rows.filter(rows["asset"] == a)["time_us"].to_list() for a in ("pump-01", "pump-02", "pump-03")}
        assert found["pump-01"][-8:] == moved
        assert len(found["pump-02"]) == 23
        assert [us for us in found["pump-03"] if us + HOUR_US in moved] == [us - HOUR_US for us in moved]
        known = listed(installation)
        assert known["a"]["shifts_h"] == [1.0]
        assert not any(source["waiting"] or source["questions"] for source in known.values())
        assert installation.ledger().balances
        assert sum(map(len, installation.published(Topic.DEAD_LETTERS).values())) == 0


def test_a_decision_without_names_leaves_assets_that_did_not_jump_as_they_are(servers, tmp_path) -> None:
    now_us = int(time.time()) * 1_000_000
    with Installation(tmp_path) as installation:
        installation.worker()
        installation.send(frames("pump-01", "a", now_us))
        installation.send(frames("pump-02", "a", now_us)[:-8])
        installation.finish()
        with pytest.raises(clocks.NothingKnown, match="told nothing of pump-03: it told of pump-01, pump-02"):
            decided(installation, "a", HOUR_US, assets=("pump-03",))
        told = decided(installation, "a", HOUR_US)
        assert "times of pump-01 moved by +1 h" in told
        assert "1 of its assets did not jump and stay as they are" in told
        assert "decided; 8 frames sent once more" in told
        installation.send(
            [
                Frame(plant="tiny", asset=asset, source="a", times_us=[us], signals={"pressure_bar": [5.0]})
                for asset, us in (("pump-01", now_us + 40_000 - HOUR_US), ("pump-02", now_us + 40_000))
            ]
        )
        installation.finish()
        rows = installation.stored("pump")
        for asset in ("pump-01", "pump-02"):
            assert rows.filter(rows["asset"] == asset)["time_us"].max() == now_us + 40_000
        assert "times of all its assets moved by +0 h" in decided(installation, "a", 0, everything=True)


def test_a_source_that_nobody_heard_is_named_as_such(servers, tmp_path) -> None:
    with Installation(tmp_path) as installation:
        assert "no source was heard yet" in said(clocks.show, installation.settings, as_json=False)
        with pytest.raises(clocks.NothingKnown, match="no source 'x' was heard"):
            decided(installation, "x", 0)
