"""Whether Kafka lets us in, or is only away: clients say of a wrong password that they found no broker.

Asks for a connection and reads nothing. What is refused does not mend itself by waiting.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

PROBE_MS = 10_000
Versions = Mapping[int, tuple[int, int]]
"""What a broker offers of each request, by its number."""


class NotAdmitted(Exception):
    """A broker refuses us; `where` is its address and `refusal` what it said."""

    def __init__(self, where: str, refusal: BaseException) -> None:
        super().__init__(f"{where} refuses us: {refusal!r}")
        self.where, self.refusal = where, refusal


def refusal_in(fault: BaseException) -> BaseException | None:
    """The refusal that a fault is, or that it came from: aiokafka wraps what its own tasks raise."""
    from aiokafka import errors

    refused = (
        errors.TopicAuthorizationFailedError,
        errors.GroupAuthorizationFailedError,
        errors.ClusterAuthorizationFailedError,
        errors.SaslAuthenticationFailed,
        errors.UnsupportedSaslMechanismError,
        errors.IllegalSaslStateError,
        ssl.SSLCertVerificationError,
    )
    return next((one for one in causes(fault) if isinstance(one, refused)), None)


def causes(fault: BaseException | None) -> Iterator[BaseException]:
    """A fault, then what it came from."""
    while fault is not None:
        yield fault
        fault = fault.__cause__


async def admitted(addresses: str, security: Mapping[str, Any]) -> tuple[str, Versions]:
    """The first broker that takes us, and what it offers; `security` are aiokafka's options.

    Raises NotAdmitted where one refuses us, OSError where none answers, which says of each what was wrong with it.
    """
    from aiokafka.conn import collect_hosts, create_conn
    from aiokafka.errors import KafkaError

    away = []
    for host, port, _ in collect_hosts(addresses, randomize=False):  # told in the order they were given
        where = f"{host}:{port}"
        try:
            connection = await create_conn(host, port, client_id="forewarn", request_timeout_ms=PROBE_MS, **security)
        except (KafkaError, OSError, AssertionError) as fault:  # TimeoutError is an OSError
            if refusal := refusal_in(fault):
                raise NotAdmitted(where, refusal) from fault
            away.append(_away(where, fault))
            continue
        versions = connection._versions
        connection.close()
        return where, versions
    raise OSError("; ".join(away))


def _away(where: str, fault: BaseException) -> str:
    """What was wrong with an address."""
    *_, cause = causes(fault)
    if isinstance(cause, TimeoutError):
        return f"{where} did not answer within {PROBE_MS // 1000} s"
    if isinstance(cause, asyncio.IncompleteReadError):
        return f"{where} closed the connection before it answered, as no Kafka since 0.10 does"
    if isinstance(cause, AssertionError):  # aiokafka asserts what it was told of versions
        return f"{where} does not answer as Kafka does: {cause}"
    return f"{where}: {cause!r}"
