"""The nasty plant on real servers: a worker, `forewarn rebuild`, `forewarn clock decide`, and what they leave behind.

The log keeps its producers' times, so that the worker sees each record arrive when the scenario says.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable

import polars as pl
import pytest
from rich.console import Console

from connectors.kafka.plain import LogProducer
from models.records import AnyInput, ClockDecision, Notice, NoticeKind, NoticeState, Tick, decode
from pipelines.cli import clocks
from pipelines.controls.clocks import REASON
from pipelines.topics import Topic
from tests.kit import nasty
from tests.kit.installation import EVER_US, Installation
from tests.kit.late import World, kept
from tests.kit.nasty import AWAY, BACK_US, CLEAN, CLOCK, DOUBLED, GATEWAY, HOUR_US
from tests.servers.test_rebuild import role
from tests.unit.pipelines.test_nasty_plant import HAZARDS, PLANT, SEED

pytestmark = pytest.mark.servers

SOURCE = f"feed-{CLOCK}"


class Sending:
    """The scenario's records, sent part by part at the scenario's times."""

    def __init__(self, installation: Installation, records: list[AnyInput | bytes]) -> None:
        self.installation, self.records = installation, records
        self.stamps_ms, self.sent = nasty.arrivals_ms(records), 0

    def until(self, time_us: int) -> None:
        """Send what arrives before the tick of this time, and wait until a snapshot covers it."""
        end = next(at for at, r in enumerate(self.records) if isinstance(r, Tick) and r.time_us >= time_us)
        self._send(end)

    def rest(self) -> None:
        self._send(len(self.records))

    def _send(self, end: int) -> None:
        part = slice(self.sent, end)
        self.installation.send(self.records[part], stamps_ms=self.stamps_ms[part])
        self.installation.finish()
        self.sent = end

    @property
    def producer(self) -> Callable[[str], LogProducer]:
        """A producer as the command line's, by the scenario's clock."""
        now_ms = self.stamps_ms[self.sent - 1]

        class Stamping(LogProducer):
            def send(self, *args, **named) -> None:
                super().send(*args, **named | {"timestamp_ms": now_ms})

        return Stamping


def stored(table: pl.DataFrame, asset: str) -> pl.DataFrame:
    return table.filter(pl.col("asset") == asset).sort("time_us")


def questions(installation: Installation) -> list[Notice]:
    """What was told of clocks, in order."""
    every = [decode(value) for part in installation.published(Topic.NOTICES).values() for value in part]
    return [n for n in every if isinstance(n, Notice) and n.kind is NoticeKind.CLOCK_JUMP]


def decided(sending: Sending, monkeypatch, shift_us: int) -> str:
    """What `forewarn clock decide` says at this moment of the scenario."""
    monkeypatch.setattr(clocks, "LogProducer", sending.producer)
    console = Console(file=io.StringIO(), width=250)
    decision = ClockDecision(plant="demo", source=SOURCE, shift_us=shift_us)
    clocks.decide(sending.installation.settings, decision, console, lambda _question: True)
    sending.installation.finish()
    return console.file.getvalue()


def mend_clock(sending: Sending, monkeypatch, jumped_us: int, hours: int, shift_us: int) -> None:
    """Six hours of a clock that jumped are one question and one decision; the role brings them into the windows."""
    installation = sending.installation
    sending.until(jumped_us + 6 * HOUR_US)
    *_, asked = questions(installation)
    assert (asked.asset, asked.source, asked.state, asked.reason) == (CLOCK, SOURCE, NoticeState.OPEN, REASON)
    source = clocks.sources(installation.settings)[SOURCE]
    assert (source.waiting, source.hours) == ({CLOCK: 36}, {hours})
    assert decided(sending, monkeypatch, shift_us) == "decided; 36 frames sent once more\n"
    sending.until(jumped_us + 7 * HOUR_US)
    assert [(told["asset"], told.get("refused")) for told in role(installation)] == [(CLOCK, None)]


def test_the_nasty_plant_ends_as_its_clean_twin_with_every_row_kept_and_nobody_warned(servers, tmp_path, monkeypatch):
    told = nasty.history(tmp_path, SEED)
    with Installation(tmp_path, plant=nasty.plant_text()) as installation:
        installation.keep_stamps()
        worker = installation.worker()
        sending = Sending(installation, nasty.nasty(told, SEED))
        mend_clock(sending, monkeypatch, BACK_US[0], hours=-1, shift_us=HOUR_US)
        mend_clock(sending, monkeypatch, BACK_US[1], hours=1, shift_us=0)
        sending.until(AWAY.end_us + HOUR_US)
        (answer,) = role(installation)
        assert (answer["asset"], answer.get("refused")) == (GATEWAY, None)
        sending.rest()
        installation.stop(worker)
        alerts, states, asked = installation.published(Topic.ALERTS), installation.states(), questions(installation)
        rows, ledger = installation.stored("pump"), installation.ledger()
    assert not any(alerts.values())
    assert ledger.balances
    assert ledger.rows_read > ledger.rows_stored > 7_000
    assert ledger.rejected_by_reason["clock-jump"] > 0
    assert [(notice.asset, notice.state.value) for notice in asked] == 2 * [(CLOCK, "open"), (CLOCK, "closed")]
    twin = World(plant=PLANT, hazards=HAZARDS, batch=500).take(nasty.clean(told))
    wanted = asyncio.run(twin.store.read("pump", 0, EVER_US))
    for asset in (GATEWAY, DOUBLED, CLEAN, CLOCK):
        ours, theirs = stored(rows, asset), stored(wanted, asset).select(rows.columns)
        # A gateway that is back says all tags anew in its first row: that one has more values than the twin's.
        assert ours.filter(pl.col("time_us") != AWAY.end_us).equals(theirs.filter(pl.col("time_us") != AWAY.end_us))
        assert ours["time_us"].equals(theirs["time_us"])
        state = next(state for state in states if asset in state.blocks["pump"].index)
        found, clean = kept(state, asset), twin.kept(asset)
        assert [name for name in clean if found[name] != clean[name]] == [], json.dumps(answer)
