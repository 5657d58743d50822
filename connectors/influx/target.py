"""Which InfluxDB, and what can be wrong with it.

No request is made here: only the address with its credentials and the errors that the other modules raise.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any


class InfluxUnreachable(Exception):
    """Nothing answers as InfluxDB at the address: the world's fault."""


class InfluxMisconfigured(Exception):
    """InfluxDB answers but does not know the token, organisation or bucket; trying again would not help."""


@dataclass(frozen=True, slots=True)
class Target:
    """A bucket of an InfluxDB. For 1.8 the token is `user:password`, org `-` and bucket `database/retention`."""

    url: str
    token: str = field(repr=False)
    org: str
    bucket: str
    ca: Path | None = None
    """PEM file of the authority that an https server's certificate is checked against; none: the system's."""

    def with_bucket(self, bucket: str) -> Target:
        """The same server and credentials, another bucket."""
        return replace(self, bucket=bucket)

    @property
    def client_options(self) -> dict[str, Any]:
        """Address, credentials and TLS, as keyword arguments of either of the library's clients."""
        tls = {"ssl_ca_cert": str(self.ca)} if self.ca else {}
        return {"url": self.url, "token": self.token, "org": self.org, **tls}

    def tls(self) -> ssl.SSLContext:
        """What requests of our own check the server by. Raises InfluxUnreachable for a file of no use."""
        try:
            return ssl.create_default_context(cafile=self.ca)
        except OSError as wrong:  # ssl.SSLError is one
            raise InfluxUnreachable(f"FOREWARN_INFLUX_CA: {self.ca} cannot be used as PEM ({wrong})") from wrong

    @property
    def database(self) -> str:
        """Name of the 1.8 database."""
        return self.bucket.partition("/")[0]

    @property
    def retention_policy(self) -> str:
        """Name of the 1.8 retention policy; `autogen` where the bucket names none, as InfluxDB does."""
        return self.bucket.partition("/")[2] or "autogen"


def unreachable(url: str, cause: object) -> InfluxUnreachable:
    """The error for a server that does not answer."""
    remedy = "start one with `forewarn up` or set FOREWARN_INFLUX_URL"
    if isinstance(cause, ssl.SSLCertVerificationError):
        remedy = "set FOREWARN_INFLUX_CA to the authority of its certificate, and use the name in that"
    return InfluxUnreachable(f"no InfluxDB at {url} ({cause}): {remedy}")


def misconfigured(target: Target, status: int, words: str) -> InfluxMisconfigured:
    """The error for an answer that only a change of settings can cure."""
    if status in (401, 403):
        remedy = "check FOREWARN_INFLUX_TOKEN (for 1.8 it is `user:password`) and what it may write"
    else:
        remedy = "make it with `forewarn up`, or check FOREWARN_INFLUX_ORG and FOREWARN_INFLUX_BUCKET"
    where = f"bucket {target.bucket!r} of org {target.org!r} at {target.url}"
    return InfluxMisconfigured(f"InfluxDB refuses {where} ({status}: {words}): {remedy}")
