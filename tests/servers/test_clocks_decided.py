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


def decided(installation: Installation, source: str, shift_us: int | None, answer: bool = True, assets=()) -> str:
    decision = ClockDecision(plant="tiny", source=source, shift_us=shift_us, assets=assets)
    return said(lambda console: clocks.decide(installation.settings, decision, console, lambda _question: answer))


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


def test_a_source_that_nobody_heard_is_named_as_such(servers, tmp_path) -> None:
    with Installation(tmp_path) as installation:
        assert "no source was heard yet" in said(clocks.show, installation.settings, as_json=False)
        with pytest.raises(clocks.NothingKnown, match="no source 'x' was heard"):
            decided(installation, "x", 0)
