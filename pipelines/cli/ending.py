"""How a role that runs until it is told to stop ends: at SIGTERM, Ctrl-C, or the first of its parts that ends."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from pipelines.stopping import told_to_stop


async def until_told(*parts: Coroutine[Any, Any, Any]) -> None:
    """Run all at once until one of them ends, or the process is told to; raises what that one raised."""
    stopped = told_to_stop()
    tasks = [asyncio.create_task(one) for one in (*parts, stopped.wait())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
