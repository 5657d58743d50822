"""Which Kafka, and how it lets us in: addresses, TLS, SASL. Nothing connects here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Kafka, as a client sees it. It prints as its addresses, `host:port[,host:port]`.

    With a `user` clients authenticate by SASL; with `tls` they speak TLS and check the broker's certificate and name,
    against the authority in `ca` or the system's. `certificate` and `key` are a client's own, where brokers want one.
    """

    addresses: str
    user: str = ""
    password: str = field(default="", repr=False)
    mechanism: str = MECHANISMS[0]
    tls: bool = False
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def __str__(self) -> str:
        return self.addresses

    @property
    def protocol(self) -> str:
        """Kafka's word for it: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
        return ("SASL_" if self.user else "") + ("SSL" if self.tls else "PLAINTEXT")


Brokers = Cluster | str
"""A bare address is a Kafka that takes everybody."""


def cluster_of(brokers: Brokers) -> Cluster:
    """What a bare address stands for."""
    return Cluster(brokers) if isinstance(brokers, str) else brokers
