"""All that a box at a line needs, in one process: feeds, the worker, deliveries, the page. One Kafka, one InfluxDB.

The roles are those that run apart elsewhere, on one event loop. They begin and end together: where one of them fails
the process ends, and whoever watches over it starts it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

import structlog
from rich.console import Console

from pipelines.cli.connect import connect
from pipelines.cli.delivering import deliver
from pipelines.cli.serving import answer
from pipelines.main import work
from pipelines.settings import Settings
from pipelines.stopping import stop_all, told_to_stop

STOP_S = 40.0
"""For so long the roles are waited for at the end; the longest of them, the worker, gives up after half of it."""
SPOOL_MB = 128

_log = structlog.get_logger()


async def edge(settings: Settings, feeds: list[tuple[str, Path]], host: str, port: int, console: Console) -> int:
    """Run until SIGTERM or Ctrl-C (0), or until a role ends (1, and the log says which and why)."""
    roles: dict[str, Coroutine[Any, Any, Any]] = {"worker": work(settings)}
    if settings.subscriptions is not None:
        roles["deliver"] = deliver(settings, loud=False)
    if settings.api_keys or settings.oidc_issuer:
        roles["console"] = answer(settings, host, port, console)
    for name, config in feeds:
        quiet = Console(quiet=True)
        roles[f"connect {name} {config}"] = connect(settings, name, config, SPOOL_MB, quiet, as_json=False)
    return await together(roles)


async def together(roles: Mapping[str, Coroutine[Any, Any, Any]]) -> int:
    """Run roles until the process is told to stop or one of them ends; 1 where one ended by itself or badly."""
    _log.info("edge-begins", roles=list(roles))
    stopped = told_to_stop()
    tasks = {asyncio.create_task(role): name for name, role in roles.items()}
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait({*tasks, waiting}, return_when=asyncio.FIRST_COMPLETED)
    was_told = stopped.is_set()
    stop_all()
    _, late = await asyncio.wait(tasks, timeout=STOP_S)
    for task in late:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    bad = [_log_end(name, end, was_told) for name, end in zip(tasks.values(), ends, strict=True)]
    return int(any(bad) or not was_told)


def _log_end(name: str, end: Any, was_told: bool) -> bool:
    """Say how a role ended; whether that was badly."""
    if isinstance(end, asyncio.CancelledError):
        _log.error("role-hangs", role=name, after_s=STOP_S)
    elif isinstance(end, BaseException):
        _log.critical("role-fails", role=name, reason=str(end) or repr(end), exc_info=end)
    elif not was_told:
        _log.error("role-ends", role=name, status=end)
    return isinstance(end, BaseException) or bool(end)
