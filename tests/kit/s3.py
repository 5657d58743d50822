"""An S3 on this machine for tests: whole objects by PUT, GET and HEAD, path-style; whoever signs nothing is refused.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html; signatures are looked for, not checked.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MISSING = b"<Error><Code>NoSuchKey</Code></Error>"
DENIED = b"<Error><Code>AccessDenied</Code></Error>"


@contextmanager
def store() -> Iterator[tuple[str, dict[str, bytes]]]:
    """Its address, and what it holds by path."""
    objects: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self):
            content = self.rfile.read(int(self.headers["content-length"]))
            if self._signed():
                objects[self.path] = content
                self._answer(200, b"", content)

        def do_GET(self):
            if self._signed():
                found = objects.get(self.path)
                status = 404 if found is None else 206 if "range" in self.headers else 200
                self._answer(status, self._ranged(found), found)

        do_HEAD = do_GET  # noqa: N815 - the base looks for this name

        def _ranged(self, found: bytes | None) -> bytes:
            if found is None or "range" not in self.headers:
                return MISSING if found is None else found
            first, _, last = self.headers["range"].removeprefix("bytes=").partition("-")
            self.range = f"bytes {first}-{min(int(last), len(found) - 1)}/{len(found)}"
            return found[int(first) : int(last) + 1]

        def _signed(self) -> bool:
            signed = self.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 Credential=")
            if not signed:
                self._answer(403, DENIED, None)
            return signed

        def _answer(self, status: int, body: bytes, of: bytes | None) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            if of is not None:
                self.send_header("etag", f'"{hashlib.md5(of).hexdigest()}"')
                self.send_header("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT")
            if status == 206:
                self.send_header("content-range", self.range)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_):
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", objects
        finally:
            server.shutdown()
            thread.join()
