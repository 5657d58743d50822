"""A bound on what is buffered of one message: asyncua waits for as many bytes as a peer announces, up to 4 GiB."""

from __future__ import annotations

from typing import Any

import structlog
from asyncua import Client

_log = structlog.get_logger()


def bound(client: Client, most_bytes: int) -> None:
    """Have the client give up a connection on which so many bytes came that are no whole message."""
    make: Any = client.uaclient._make_protocol

    def bounded() -> Any:
        protocol = make()
        receive = protocol.data_received

        def data_received(data: bytes) -> None:
            receive(data)
            waiting = len(protocol.receive_buffer or b"")
            if waiting > most_bytes and not protocol.is_closed:
                _log.warning("opcua-message-too-long", waiting_bytes=waiting, most_bytes=most_bytes)
                protocol.disconnect_socket()

        protocol.data_received = data_received
        return protocol

    client.uaclient._make_protocol = bounded  # type: ignore[method-assign]
