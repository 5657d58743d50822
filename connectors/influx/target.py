"""Which InfluxDB, and what can be wrong with it.

No request is made here: only the address with its credentials and the errors that the other modules raise.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace


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

    def with_bucket(self, bucket: str) -> Target:
        """The same server and credentials, another bucket."""
        return replace(self, bucket=bucket)

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
    return InfluxUnreachable(f"no InfluxDB at {url} ({cause}): start one with `forewarn up` or set FOREWARN_INFLUX_URL")


def misconfigured(target: Target, status: int, words: str) -> InfluxMisconfigured:
    """The error for an answer that only a change of settings can cure."""
    if status in (401, 403):
        remedy = "check FOREWARN_INFLUX_TOKEN (for 1.8 it is `user:password`) and what it may write"
    else:
        remedy = "make it with `forewarn up`, or check FOREWARN_INFLUX_ORG and FOREWARN_INFLUX_BUCKET"
    where = f"bucket {target.bucket!r} of org {target.org!r} at {target.url}"
    return InfluxMisconfigured(f"InfluxDB refuses {where} ({status}: {words}): {remedy}")
