"""How a process learns that it is to stop: by SIGTERM or Ctrl-C, however many roles run on its event loop.

And how what belongs to another library is ended: its farewell may hang, raise, or swallow that we are to end ourselves.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary


@dataclass
class _Told:
    """Who waits, and whether the word was given: who asks later hears it at once."""

    events: list[asyncio.Event] = field(default_factory=list)
    is_given: bool = False


_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Told] = WeakKeyDictionary()


def told_to_stop() -> asyncio.Event:
    """An event of the caller's own, set once the process is told to stop. To be called on a running loop."""
    loop, event = asyncio.get_running_loop(), asyncio.Event()
    told = _loops.setdefault(loop, _Told())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_all)
    told.events.append(event)
    if told.is_given:
        event.set()
    return event


def stop_all() -> None:
    """Tell all roles of the running loop, as where one of them ended and the process is to go with it."""
    told = _loops.setdefault(asyncio.get_running_loop(), _Told())
    told.is_given = True
    for event in told.events:
        event.set()


async def goodbye(leaving: Coroutine[Any, Any, object], seconds: float) -> BaseException | None:
    """Wait for a farewell for so long, and leave it behind then; what it raised, or TimeoutError.

    It is a task of its own, so that a cancellation of ours reaches us whatever the library does with one.
    """
    task = asyncio.create_task(leaving)
    task.add_done_callback(_looked_at)
    try:
        await asyncio.wait([task], timeout=seconds)
    finally:
        is_late = not task.done()
        task.cancel()
    return TimeoutError(f"no end within {seconds:g} s") if is_late else _looked_at(task)


def end_if_asked() -> None:
    """Raise CancelledError where our task was asked to end, and a library put a fault of its own in the place of that.

    For who goes on after a fault: without it such a loop has no end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _looked_at(task: asyncio.Task[object]) -> BaseException | None:
    """What it raised; asked once, asyncio does not log it as never retrieved."""
    return asyncio.CancelledError() if task.cancelled() else task.exception()
