"""Free ports on 127.0.0.1: the wanted one, or the next that nobody has.

Two instances may start at the same moment, so a port is promised to one of them until its server holds it.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.bin import processes
from infra.bin.layout import Options, ServicesError
from infra.bin.programs import only_one


@contextmanager
def promised(options: Options, wanted: int) -> Iterator[int]:
    """Take the first port from `wanted` on that is free and promised to nobody else, until the end of the block."""
    port = _take(options, wanted)
    try:
        yield port
    finally:
        with only_one(options.cache / "ports.lock"):
            _write(options, {number: whose for number, whose in _read(options).items() if number != str(port)})


def _take(options: Options, wanted: int) -> int:
    with only_one(options.cache / "ports.lock"):
        promises = _read(options)
        for port in range(wanted, min(wanted + 500, 65536)):
            if str(port) not in promises and is_free(port):
                _write(options, promises | {str(port): [os.getpid(), processes.began(os.getpid())]})
                return port
    raise ServicesError(f"no free port on 127.0.0.1 from {wanted} on: end what holds them")


def is_free(port: int) -> bool:
    """Tell whether a server could have the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _read(options: Options) -> dict[str, list[Any]]:
    """Promises by port. Those of processes that have ended since are void."""
    try:
        found = json.loads(_note(options).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {port: whose for port, whose in found.items() if processes.alive(*whose)}


def _write(options: Options, promises: dict[str, list[Any]]) -> None:
    _note(options).write_text(json.dumps(promises))


def _note(options: Options) -> Path:
    return options.cache / "ports.json"
