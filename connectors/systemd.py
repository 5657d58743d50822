"""Tells systemd that the service is ready and lives, where it asks for that by NOTIFY_SOCKET and WATCHDOG_USEC.

The protocol of sd_notify(3): a datagram of NAME=value lines to a Unix socket. From a thread of its own, since a step
holds the loop; whether the loop lives is asked, not assumed.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping

import structlog

LOOK_S = 0.5

_log = structlog.get_logger()


class Systemd:
    """Says nothing where `environ` has no NOTIFY_SOCKET."""

    def __init__(self, environ: Mapping[str, str], is_alive: Callable[[], bool], is_ready: Callable[[], bool]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self._watchdog_s = int(environ.get("WATCHDOG_USEC", "0")) / 1e6
        self._is_alive, self._is_ready = is_alive, is_ready
        self._deaf = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="systemd", daemon=True)

    def __enter__(self) -> Systemd:
        if self._address:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._address:
            self._stopped.set()
            self._thread.join()
            self._say("STOPPING=1")

    def _run(self) -> None:
        ready = False
        every_s = min(LOOK_S, self._watchdog_s / 3) if self._watchdog_s else LOOK_S
        while not self._stopped.wait(every_s):
            if not ready and self._is_ready():
                ready = True
                self._say("READY=1")
            if self._watchdog_s and self._is_alive():
                self._say("WATCHDOG=1")

    def _say(self, words: str) -> None:
        # An address that begins with @ is an abstract one, whose first byte is 0 (unix(7)).
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
                to.setblocking(False)  # who does not read must not hold us
                to.sendto(words.encode(), address)
            self._deaf = False
        except OSError as fault:
            if not self._deaf:
                _log.warning("systemd-not-told", words=words, error=str(fault))
            self._deaf = True
