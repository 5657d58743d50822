"""A webhook receiver on the loopback, as slow, down or wrong as it is told, and an SMTP server that takes mail."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Request(NamedTuple):
    """What came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """The body as JSON."""
        return json.loads(self.body)


Answer = tuple[int, dict[str, str]] | None
"""Status and headers; None for none at all while the receiver lives."""
OK: Answer = (204, {})


class Receiver:
    """Answers by `answer`, which is given the number of the request, from 0, and the request. A context manager."""

    def __init__(self, answer: Callable[[int, Request], Answer] = lambda *_: OK, port: int = 0) -> None:
        self.answer, self.requests, self._port = answer, list[Request](), port
        self._ended = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self) -> Receiver:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = Request(self.path, dict(self.headers), body)
                with receiver._lock:
                    number = len(receiver.requests)
                    receiver.requests.append(request)
                said = receiver.answer(number, request)
                if said is None:
                    receiver._ended.wait()
                    return
                status, headers = said
                self.send_response(status)
                for name, value in ({"Content-Length": "0"} | headers).items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        ThreadingHTTPServer.daemon_threads = True
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook"

    def told(self) -> list[str]:
        """Assets of the notifications that came, in order, repeats and all."""
        return [each["asset"] for request in self.requests for each in request.event["data"]["mentions"]]


class Mailbox:
    """Speaks as much SMTP (RFC 5321) as a client needs to leave a mail. A context manager."""

    def __enter__(self) -> Mailbox:
        box = self
        self.mails: list[str] = []

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 box\r\n")
                while line := self.rfile.readline():
                    verb = line[:4].upper()
                    if verb == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        lines: list[bytes] = []
                        while (text := self.rfile.readline()) not in (b".\r\n", b""):
                            lines.append(text)
                        box.mails.append(b"".join(lines).decode())
                    self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
                    if verb == b"QUIT":
                        return

        socketserver.ThreadingTCPServer.daemon_threads = True
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
