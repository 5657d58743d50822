"""What stands in memory is answered however many threads wait for servers that do not answer."""

from __future__ import annotations

import asyncio
import threading

import anyio.to_thread
import httpx2
import pytest

from connectors.console.keys import Role
from tests.kit.whole_api import QUAY, WholeApi

IN_MEMORY = ("me", "overview", "assets", "assets/pump-01", "assets/pump-01/history", "alerts", f"alerts/{QUAY.id}",
             "actions", "forecasts", "notices", "ledger", "audit")  # fmt: skip


@pytest.mark.parametrize("path", IN_MEMORY)
def test_how_the_plant_stands_is_told_while_every_thread_waits(tmp_path, monkeypatch, path):
    api, asked_for, going = WholeApi(tmp_path), threading.Event(), threading.Event()

    def kpis(week: str | None, sees: object) -> None:
        asked_for.set()
        going.wait(30)

    monkeypatch.setattr(api.desk, "kpis", kpis)  # as where Kafka is away
    headers = api.headers(Role.ADMIN)

    async def asked() -> int:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 1
        transport = httpx2.ASGITransport(api.app)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://testserver/api/v1", headers=headers
        ) as client:
            waiting = asyncio.create_task(client.get("/kpis"))
            while not asked_for.is_set():
                await asyncio.sleep(0.01)
            try:
                return (await asyncio.wait_for(client.get(f"/{path}"), 2)).status_code
            finally:
                going.set()
                await asyncio.gather(waiting, return_exceptions=True)

    assert asyncio.run(asked()) == 200
