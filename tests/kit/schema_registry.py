"""A schema registry for tests: `GET /schemas/ids/{id}` of Confluent's API on a loopback port, in threads."""

from __future__ import annotations

import json
import struct
import threading
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

import fastavro

from connectors.scada.feeds.kafka.registry import RegistryConfig


def written(number: int, schema: Any, value: Any) -> bytes:
    """A message in Confluent's wire format."""
    body = BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(schema), value)
    return struct.pack(">bI", 0, number) + body.getvalue()


class SchemaRegistry:
    """Schemas by id; `status` is answered in their place, `asked` are the ids that were asked for."""

    def __init__(self, password: str = "") -> None:
        self.schemas: dict[int, Any] = {}
        self.more: dict[str, Any] = {}
        self.status = 200
        self.asked: list[int] = []
        self._wanted = f"Basic {b64encode(f'us:{password}'.encode()).decode()}" if password else None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"registry": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> SchemaRegistry:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def config(self, **more: str) -> RegistryConfig:
        return RegistryConfig(url=self.url, **more)

    def answer(self, path: str, authorization: str | None) -> tuple[int, dict[str, Any]]:
        if self._wanted and authorization != self._wanted:
            return 401, {"error_code": 401, "message": "Unauthorized"}
        if not path.startswith("/schemas/ids/"):
            return 404, {"error_code": 404, "message": "HTTP 404 Not Found"}
        number = int(path.rpartition("/")[2])
        self.asked.append(number)
        if self.status != 200:
            return self.status, {"error_code": self.status}
        if number not in self.schemas:
            return 404, {"error_code": 40403, "message": f"Schema {number} not found"}
        return 200, {"schema": json.dumps(self.schemas[number])} | self.more


class _Handler(BaseHTTPRequestHandler):
    registry: SchemaRegistry

    def do_GET(self) -> None:
        status, said = self.registry.answer(self.path, self.headers.get("Authorization"))
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
