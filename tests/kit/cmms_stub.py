"""What stubs of maintenance systems have in common: a loopback HTTP server that can be slow, down, wrong, or cut off.

Each says what published description it is built from, and is as strict as that is.
"""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit


class Asked(NamedTuple):
    """A request; names of headers in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class Said(NamedTuple):
    """An answer."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = MappingProxyType({})


class Stub(ABC):
    """A context manager. Tests say what goes wrong next, each once and in this order of precedence.

    `hangs`: so many requests have no answer while the stub lives. `fails`: statuses of the next answers, nothing done.
    `losing`: so many writing requests are done, and their answers lost with the connection.
    """

    def __init__(self, port: int = 0) -> None:
        self.asked: list[Asked] = []
        self.hangs = 0
        self.fails: list[Said] = []
        self.losing = 0
        self._port, self._ended, self._lock = port, threading.Event(), threading.Lock()

    @abstractmethod
    def answer(self, asked: Asked) -> Said:
        """What the system says."""

    def writes(self) -> list[Asked]:
        """Requests that are to change something."""
        return [one for one in self.asked if one.method != "GET"]

    def __enter__(self) -> Any:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet

            def _serve(self) -> None:
                parts, raw = urlsplit(self.path), self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                query = dict(parse_qsl(parts.query, keep_blank_values=True))
                with stub._lock:
                    asked = Asked(self.command, parts.path, query, headers, json.loads(raw) if raw else None)
                    stub.asked.append(asked)
                    hangs, stub.hangs = stub.hangs > 0, max(0, stub.hangs - 1)
                    said = None if hangs else stub.fails.pop(0) if stub.fails else stub.answer(asked)
                    is_lost = said is not None and asked.method != "GET" and said.status < 300 and stub.losing > 0
                    stub.losing -= is_lost
                if said is None:
                    stub._ended.wait()
                    return
                if is_lost:
                    self.close_connection = True
                    return
                body = b"" if said.body is None else json.dumps(said.body).encode()
                self.send_response(said.status)
                for name, value in (
                    {"Content-Length": str(len(body)), "Content-Type": "application/json"} | dict(said.headers)
                ).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = _serve  # noqa: N815 - names of the base class

            def log_message(self, *_: object) -> None:
                pass

        ThreadingHTTPServer.daemon_threads = True
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
