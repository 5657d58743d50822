"""The nasty plant on real servers: a worker, `forewarn rebuild`, and what they leave in Kafka and InfluxDB."""

from __future__ import annotations

import asyncio
import json

import polars as pl
import pytest

from models.records import Tick
from pipelines.topics import Topic
from tests.kit import nasty
from tests.kit.installation import EVER_US, Installation
from tests.kit.late import World, kept
from tests.kit.nasty import AWAY, CLEAN, DOUBLED, GATEWAY, HOUR_US
from tests.servers.test_rebuild import role
from tests.unit.pipelines.test_nasty_plant import HAZARDS, PLANT, SEED

pytestmark = pytest.mark.servers


def stored(table: pl.DataFrame, asset: str) -> pl.DataFrame:
    return table.filter(pl.col("asset") == asset).sort("time_us")


def test_the_nasty_plant_ends_as_its_clean_twin_with_every_row_kept_and_nobody_warned(servers, tmp_path):
    told = nasty.history(tmp_path, SEED)
    records = nasty.nasty(told, SEED, with_clock=False)
    seen_us = AWAY.end_us + HOUR_US
    cut = next(at for at, r in enumerate(records) if isinstance(r, Tick) and r.time_us >= seen_us)
    with Installation(tmp_path, plant=nasty.plant_text()) as installation:
        worker = installation.worker()
        installation.send(records[:cut])
        installation.finish()
        (answer,) = role(installation)
        assert (answer["asset"], answer.get("refused")) == (GATEWAY, None)
        installation.send(records[cut:])
        installation.finish()
        installation.stop(worker)
        alerts, states = installation.published(Topic.ALERTS), installation.states()
        rows, ledger = installation.stored("pump"), installation.ledger()
    assert not any(alerts.values())
    assert ledger.balances
    assert ledger.rows_read > ledger.rows_stored > 7_000
    twin = World(plant=PLANT, hazards=HAZARDS, batch=500).take(nasty.clean(told))
    wanted = asyncio.run(twin.store.read("pump", 0, EVER_US))
    for asset in (GATEWAY, DOUBLED, CLEAN):
        ours, theirs = stored(rows, asset), stored(wanted, asset).select(rows.columns)
        # A gateway that is back says all tags anew in its first row: that one has more values than the twin's.
        assert ours.filter(pl.col("time_us") != AWAY.end_us).equals(theirs.filter(pl.col("time_us") != AWAY.end_us))
        assert ours["time_us"].equals(theirs["time_us"])
        state = next(state for state in states if asset in state.blocks["pump"].index)
        found, clean = kept(state, asset), twin.kept(asset)
        assert [name for name in clean if found[name] != clean[name]] == [], json.dumps(answer)
