"""Runs the console: it reads until it knows how the plant stands, and only then answers; all on one event loop."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from pipelines.console.feed import Feed
from pipelines.console.role import Follower
from pipelines.plant_file import PlantFile
from pipelines.stopping import told_to_stop

PORTS_TRIED = 50
"""From the port that is asked for upwards. Our choice."""
GOODBYE_S = 2
"""How long whoever still reads is waited for at the end."""


class Server(uvicorn.Server):
    """One that ends well when it is told to, and whose streams end then.

    uvicorn's own raises the signal again, which is a status of its own, and waits for streams in vain.
    """

    def __init__(self, config: uvicorn.Config, feed: Feed) -> None:
        super().__init__(config)
        self._feed = feed

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are heard for the whole process."""
        yield

    async def end(self) -> None:
        """Wait until the process is told to stop; streams end, and the rest is answered."""
        await told_to_stop().wait()
        self._feed.end()
        self.should_exit = True


class NoPort(Exception):
    """No port can be had; the message says what to do."""


def bound(host: str, port: int) -> socket.socket:
    """A socket on the port, or on the next that nobody has. Raises NoPort.

    It listens at once: else two that read topics at the same time would have the same port, and one of them fail then.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for tried in range(port, min(port + PORTS_TRIED, 65_536)):
        found = socket.socket(family)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((host, tried))
            found.listen()
        except OSError as wrong:
            found.close()
            if wrong.errno != errno.EADDRINUSE:
                raise NoPort(
                    f"{host}:{tried} cannot be answered on ({wrong.strerror}): give another --host or --port"
                ) from wrong
        else:
            return found
    raise NoPort(f"all ports of {host} from {port} on are taken: give another --port")


async def run(
    app: object, follower: Follower, file: PlantFile, place: socket.socket, console: Console, ready: Callable[[], None]
) -> None:
    """Follow and answer until SIGTERM or Ctrl-C; `ready` is called once it answers."""
    following = await _caught_up(follower, console)
    looking = asyncio.create_task(file.follow(follower.change_plant))
    server = Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type]
            log_config=None,  # else its lines would look unlike ours, and pass by what takes secrets out
            log_level="warning",
            timeout_graceful_shutdown=GOODBYE_S,
            server_header=False,
        ),
        follower.feed,
    )
    serving, ending = asyncio.create_task(server.serve(sockets=[place])), asyncio.create_task(server.end())
    ready()
    try:
        done, _ = await asyncio.wait({following, looking, serving}, return_when="FIRST_COMPLETED")
        for task_ in done:
            task_.result()
    finally:
        for task_ in (following, looking, ending):
            task_.cancel()
        server.should_exit = True
        await asyncio.gather(following, looking, ending, serving, return_exceptions=True)


async def _caught_up(follower: Follower, console: Console) -> asyncio.Task[None]:
    """The task that follows, once it knows all that was there. Raises what it fails with before."""
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), console=console, transient=True,
        disable=not console.is_terminal,
    ) as progress:  # fmt: skip
        task = progress.add_task("reading topics")
        following = asyncio.create_task(
            follower.run(lambda read: progress.update(task, description=f"reading topics: {read:,} records"))
        )
        await asyncio.wait(
            {following, known := asyncio.create_task(follower.caught_up())}, return_when="FIRST_COMPLETED"
        )
        known.cancel()
    if following.done():
        following.result()
    return following
