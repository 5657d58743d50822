"""What was done to machines comes back from a real InfluxDB, of either version, in the order of history."""

from __future__ import annotations

import asyncio

from connectors.influx import admin
from connectors.influx.history import InfluxHistory
from connectors.influx.store import InfluxStore, WriteOptions
from models.records import Maintenance, MaintenanceAction, WorkOrder, encode
from pipelines.ports import RawRecord
from tests.kit import grouped, tiny

BEGIN_US = tiny.ROWS_BEGIN_US
MINUTE_US = 60_000_000


def test_repairs_and_work_orders_of_a_bucket_come_by_when_they_were_done(influx) -> None:
    target = influx.new_bucket()
    admin.ensure(target, None)
    late = grouped.order("pump-01", "BRD", BEGIN_US + 2 * MINUTE_US, "late")
    plain = grouped.order("pump-01", "", BEGIN_US + MINUTE_US, "plain")
    repaired = Maintenance(
        plant="tiny", asset="pump-01", time_us=BEGIN_US + 3 * MINUTE_US // 2, action=MaintenanceAction.REPAIRED
    )
    records = [tiny.row("pump-01", 0), repaired, tiny.row("pump-01", 240), late, plain]
    (partition,) = grouped.partitions()
    effects = partition.receive([RawRecord(at, 0, encode(record)) for at, record in enumerate(records)])
    try:

        async def write() -> None:
            async with InfluxStore(target, WriteOptions()) as store:
                assert not await store.write(list(effects.rows))

        asyncio.run(write())
        end_us = BEGIN_US + 10 * MINUTE_US
        pieces = list(InfluxHistory(target, grouped.plant()).stretches(BEGIN_US, end_us, ["pump-01"], 1000))
        told = [event for piece in pieces for event in piece.events]
        assert [type(event) for event in told] == [WorkOrder, Maintenance, WorkOrder]
        assert (told[0], told[2]) == (plain, late)
    finally:
        admin.drop(target)
