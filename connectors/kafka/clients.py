"""What clients of Kafka are told of a cluster, the same words for aiokafka and kafka-python; whether it is there.

No client is made here.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from kafka.errors import KafkaTimeoutError

from connectors.kafka.admission import NotAdmitted, admitted
from pipelines.cluster import Brokers, Cluster, cluster_of

REACH_S = 1.0
BOOTSTRAP_MS = 10_000
"""A broker that says nothing for so long is none; our choice, the client's own is 30 s."""

T = TypeVar("T")


class KafkaUnreachable(Exception):
    """No broker answers at the address, or none lets us in; the message says what to do."""


def client_options(brokers: Brokers) -> dict[str, Any]:
    """Address and security, as keyword arguments of any client. Raises KafkaUnreachable for a file of no use."""
    cluster = cluster_of(brokers)
    return {"bootstrap_servers": cluster.addresses, **security(cluster)}


def security(cluster: Cluster) -> dict[str, Any]:
    """The same without the address. Raises KafkaUnreachable for a file of no use."""
    found: dict[str, Any] = {"security_protocol": cluster.protocol}
    if cluster.user:
        found |= {
            "sasl_mechanism": cluster.mechanism,
            "sasl_plain_username": cluster.user,
            "sasl_plain_password": cluster.password,
        }
    if cluster.tls:
        found["ssl_context"] = tls_of(cluster)
    return found


def tls_of(cluster: Cluster) -> ssl.SSLContext:
    """TLS 1.2 or later, with the broker's name checked. Raises KafkaUnreachable for a file of no use."""
    try:
        context = ssl.create_default_context(cafile=cluster.ca)
        if cluster.certificate:
            context.load_cert_chain(cluster.certificate, cluster.key)
    except OSError as wrong:  # ssl.SSLError is one
        files = ", ".join(str(one) for one in (cluster.ca, cluster.certificate, cluster.key) if one)
        raise KafkaUnreachable(f"one of {files} cannot be used ({wrong}): PEM files are wanted") from wrong
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def check_reachable(brokers: Brokers, timeout_s: float = REACH_S) -> None:
    """Raise KafkaUnreachable unless one of the addresses takes a connection in time, and lets us in where it asks."""
    cluster = cluster_of(brokers)
    reasons = []
    for address in cluster.addresses.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_s):
                break
        except (OSError, ValueError) as error:
            reasons.append(str(error))
    else:
        told = "; ".join(dict.fromkeys(reasons))
        raise KafkaUnreachable(f"no Kafka at {cluster} ({told}): start one with `forewarn up` or set FOREWARN_KAFKA")
    if cluster.protocol != "PLAINTEXT":
        _check_admitted(cluster)


def _check_admitted(cluster: Cluster) -> None:
    """On a loop of its own, since callers have one or none."""
    found = security(cluster)
    try:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, admitted(cluster.addresses, found)).result()
    except NotAdmitted as refused:
        raise KafkaUnreachable(f"{refused}. {_REMEDIES.get(type(refused.refusal).__name__, _USER)}") from refused
    except OSError as wrong:
        raise KafkaUnreachable(
            f"Kafka at {cluster} does not answer {cluster.protocol} ({wrong}): is the port the right one, and are "
            "FOREWARN_KAFKA_TLS and FOREWARN_KAFKA_USER?"
        ) from wrong


_USER = "See FOREWARN_KAFKA_USER, FOREWARN_KAFKA_PASSWORD and FOREWARN_KAFKA_MECHANISM"
_REMEDIES = {
    "SSLCertVerificationError": "Set FOREWARN_KAFKA_CA to the authority of its certificate, and use the name in that",
    "UnsupportedSaslMechanismError": "Set FOREWARN_KAFKA_MECHANISM to one that the broker has",
}


def opened(client: Callable[..., T], brokers: Brokers, **options: Any) -> T:
    """A client of kafka-python's. Raises KafkaUnreachable where what takes connections there does not answer it."""
    try:
        return client(**client_options(brokers), bootstrap_timeout_ms=BOOTSTRAP_MS, **options)
    except KafkaTimeoutError as silent:
        protocol = cluster_of(brokers).protocol
        raise KafkaUnreachable(
            f"{brokers} takes connections but does not answer as Kafka does in {protocol} ({silent}): is it a Kafka "
            "broker? Where it wants TLS or a user, set FOREWARN_KAFKA_TLS, FOREWARN_KAFKA_USER"
        ) from silent
