"""Buckets of an InfluxDB: is it there, which version, make a bucket, drop one. Plain blocking calls, done once.

2.x has an API for buckets; 1.8 has InfluxQL, where a bucket is a database with a retention policy.
"""

from __future__ import annotations

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.authorization import Authorization
from influxdb_client.domain.bucket import Bucket
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.permission import Permission as InfluxPermission
from influxdb_client.domain.permission_resource import PermissionResource
from influxdb_client.rest import ApiException

from connectors.influx.answers import answer
from connectors.influx.target import Target, misconfigured, unreachable

_DAY_S = 86_400
_TIMEOUT_S = 20.0
# As the client that writes: no proxy from the environment stands between us and the plant's database.


def _direct(target: Target) -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=target.tls())
    )


@dataclass(frozen=True, slots=True)
class Version:
    """Version a server tells of itself, and the time by its clock, seconds since 1970, to the second."""

    major: int
    text: str
    clock_s: float


def reachable(target: Target, timeout_s: float = 1.0) -> Version:
    """The version of the InfluxDB at this address. Raises InfluxUnreachable, which says what to do."""
    url = target.url
    try:
        with _direct(target).open(f"{url.rstrip('/')}/ping", timeout=timeout_s) as reply:
            said = reply.headers
    except HTTPError as refused:
        said = refused.headers
    except (OSError, ValueError, HTTPException) as broken:
        raise unreachable(url, getattr(broken, "reason", broken)) from broken
    text = said.get("X-Influxdb-Version", "")
    found = re.match(r"v?(\d+)\.", text)
    if not found or "Date" not in said:
        raise unreachable(url, "what answers there is not InfluxDB")
    return Version(int(found[1]), text.removeprefix("v"), parsedate_to_datetime(said["Date"]).timestamp())


def ensure(target: Target, retention_days: float | None = None) -> None:
    """Make the bucket, or set the retention of the one there is; None keeps for ever. InfluxDB's minimum is one hour.

    Raises InfluxUnreachable or InfluxMisconfigured.
    """
    seconds = None if retention_days is None else round(retention_days * _DAY_S)
    if reachable(target).major == 1:
        _ensure_policy(target, "INF" if seconds is None else f"{seconds}s")
    else:
        _ensure_bucket(target, seconds)


def drop(target: Target) -> None:
    """Remove the bucket and all that is in it (for 1.8 the whole database); nothing happens where there is none."""
    if reachable(target).major == 1:
        _influxql(target, f"DROP DATABASE {_quoted(target.database)}")
        return
    with _client(target) as client:
        buckets = client.buckets_api()
        if bucket := buckets.find_bucket_by_name(target.bucket):
            buckets.delete_bucket(bucket)


def token(target: Target, says: str, operations: Collection[str]) -> str:
    """A new token that may `read` or `write` the bucket and nothing else. Raises InfluxMisconfigured, as on 1.8."""
    if reachable(target).major == 1:
        raise misconfigured(target, 405, "InfluxDB 1.8 has no tokens: make users by InfluxQL, CREATE USER and GRANT")
    with _client(target) as client:
        bucket = client.buckets_api().find_bucket_by_name(target.bucket)
        resource = PermissionResource(type="buckets", id=bucket.id, org_id=bucket.org_id)
        may = [InfluxPermission(action=str(one), resource=resource) for one in sorted(operations)]
        made = Authorization(org_id=bucket.org_id, permissions=may, description=says)
        return str(client.authorizations_api().create_authorization(authorization=made).token)


def _ensure_bucket(target: Target, seconds: int | None) -> None:
    # 0 is for ever; an empty list of rules would leave a bucket that is there as it is.
    rules = [BucketRetentionRules(type="expire", every_seconds=seconds or 0)]
    with _client(target) as client:
        buckets = client.buckets_api()
        bucket = buckets.find_bucket_by_name(target.bucket)
        if bucket is None:
            buckets.create_bucket(bucket_name=target.bucket, retention_rules=rules, org=target.org)
        elif _kept_s(bucket) != (seconds or 0):  # a token of one bucket may not change it, nor has to
            bucket.retention_rules = rules
            buckets.update_bucket(bucket=bucket)


def _kept_s(bucket: Bucket) -> int:
    """How long a bucket keeps rows; 0 is for ever."""
    return next((int(rule.every_seconds) for rule in bucket.retention_rules or ()), 0)


@contextmanager
def _client(target: Target) -> Iterator[InfluxDBClient]:
    """The client of 2.x, its errors in our words."""
    client = InfluxDBClient(**target.client_options, timeout=round(_TIMEOUT_S * 1000))
    try:
        with client:
            yield client
    except ApiException as refused:
        said = answer(refused.status or 0, refused.body or b"", refused.headers or {})
        raise misconfigured(target, said.status, said.words) from refused
    except urllib3.exceptions.HTTPError as broken:
        raise unreachable(target.url, broken) from broken


def _ensure_policy(target: Target, duration: str) -> None:
    database, policy = _quoted(target.database), _quoted(target.retention_policy)
    _influxql(target, f"CREATE DATABASE {database}")
    there = {row[0] for row in _influxql(target, f"SHOW RETENTION POLICIES ON {database}")}
    if target.retention_policy in there:
        _influxql(target, f"ALTER RETENTION POLICY {policy} ON {database} DURATION {duration}")
    else:
        _influxql(target, f"CREATE RETENTION POLICY {policy} ON {database} DURATION {duration} REPLICATION 1")


def _influxql(target: Target, statement: str) -> list[list[Any]]:
    """Rows that a statement returns, as 1.8 tells them. Raises InfluxMisconfigured where it is refused."""
    request = urllib.request.Request(
        f"{target.url.rstrip('/')}/query",
        data=urllib.parse.urlencode({"q": statement}).encode(),
        headers={"Authorization": f"Token {target.token}"},
    )
    try:
        with _direct(target).open(request, timeout=_TIMEOUT_S) as reply:
            result = json.load(reply)["results"][0]
    except HTTPError as refused:
        said = answer(refused.code, refused.read(), dict(refused.headers))
        raise misconfigured(target, said.status, f"{said.words}, to {statement}") from refused
    except (OSError, HTTPException) as broken:
        raise unreachable(target.url, broken) from broken
    if "error" in result:
        raise misconfigured(target, 200, f"{result['error']}, to {statement}")
    return [row for series in result.get("series", []) for row in series.get("values", [])]


def _quoted(name: str) -> str:
    """An InfluxQL identifier."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
