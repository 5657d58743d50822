"""How a process learns that it is to stop: by SIGTERM or Ctrl-C, however many roles run on its event loop."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass, field
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
