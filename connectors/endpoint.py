"""One HTTP port for whoever looks after a process: /metrics for Prometheus, /healthz and /readyz for probes.

Requests are answered on threads of their own, so that a loop that is at work does not keep probes waiting. GET alone,
and nothing is changed by any of it.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app
from prometheus_client.registry import Collector

from connectors.health import Health

PORTS_TRIED = 50
"""From the port that is set upwards: as many workers as a machine may have. Our choice."""

_log = structlog.get_logger()


class _Server(ThreadingMixIn, WSGIServer):
    """Ends with the process, whoever still reads."""

    daemon_threads = True


class _Silent(WSGIRequestHandler):
    """Probes come every few seconds, and each would be a line of the log. Who sends no request is let go."""

    timeout = 10.0

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Nothing."""


class Served:
    """A server of metrics that runs, on the port it got; None where metrics are off."""

    def __init__(self, server: WSGIServer | None = None) -> None:
        self._server = server
        if server is not None:
            threading.Thread(target=server.serve_forever, name="endpoint", daemon=True).start()

    @property
    def port(self) -> int | None:
        """Where it answers."""
        return self._server.server_port if self._server else None

    def close(self) -> None:
        """Stop answering."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()


def serve(collector: Collector, host: str, port: int, health: Health | None = None) -> Served:
    """Serve a collector, the process's own metrics and health; port 0: not at all.

    A taken port moves on, and the log says so. None of this is a reason to stop the work: where it cannot be had, the
    log says that, too.
    """
    if port == 0:
        return Served()
    answer = _answers(collector, health or Health())
    last = min(port + PORTS_TRIED, 65_536) - 1
    for tried in range(port, last + 1):
        try:
            server = make_server(host, tried, answer, _Server, _Silent)
        except OSError as wrong:
            if wrong.errno == errno.EADDRINUSE:
                continue
            _log.error(
                "no-metrics", host=host, port=tried, error=str(wrong), mend="see FOREWARN_METRICS_HOST and _PORT"
            )
            return Served()
        say = _log.info if tried == port else _log.warning
        say("metrics", url=f"http://{host}:{tried}/metrics", **({} if tried == port else {"taken": port}))
        return Served(server)
    _log.error("no-metrics", host=host, ports=f"{port} to {last}", error="all taken", mend="set FOREWARN_METRICS_PORT")
    return Served()


def _answers(collector: Collector, health: Health) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    """The WSGI application."""
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    metrics: Callable[[dict[str, Any], Any], Iterable[bytes]] = make_wsgi_app(registry)

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return metrics(environ, start)
        reply = health.reply(path)
        if reply is None:
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"ask for /metrics, /healthz or /readyz\n"]
        start(f"{reply.status.value} {reply.status.phrase}", [("Content-Type", "application/json")])
        return [reply.body]

    return answer
