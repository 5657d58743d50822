"""Buckets of an InfluxDB: is it there, which version, make a bucket, drop one. Plain blocking calls, done once.

2.x has an API for buckets; 1.8 has InfluxQL, where a bucket is a database with a retention policy.
"""

from __future__ import annotations

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError

import urllib3
from influxdb_client.client.bucket_api import BucketsApi
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.rest import ApiException

from connectors.influx.answers import answer
from connectors.influx.target import Target, misconfigured, unreachable

_DAY_S = 86_400
_TIMEOUT_S = 20.0
# As the client that writes: no proxy from the environment stands between us and the plant's database.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Version:
    """Version a server tells of itself."""

    major: int
    text: str


def reachable(url: str, timeout_s: float = 1.0) -> Version:
    """The version of the InfluxDB at this address. Raises InfluxUnreachable, which says what to do."""
    try:
        with _direct.open(f"{url.rstrip('/')}/ping", timeout=timeout_s) as reply:
            text = reply.headers.get("X-Influxdb-Version", "")
    except HTTPError as refused:
        text = refused.headers.get("X-Influxdb-Version", "")
    except (OSError, ValueError, HTTPException) as broken:
        raise unreachable(url, getattr(broken, "reason", broken)) from broken
    found = re.match(r"v?(\d+)\.", text)
    if not found:
        raise unreachable(url, "what answers there is not InfluxDB")
    return Version(int(found[1]), text.removeprefix("v"))


def ensure(target: Target, retention_days: float | None = None) -> None:
    """Make the bucket, or set the retention of the one there is; None keeps for ever. InfluxDB's minimum is one hour.

    Raises InfluxUnreachable or InfluxMisconfigured.
    """
    seconds = None if retention_days is None else round(retention_days * _DAY_S)
    if reachable(target.url).major == 1:
        _ensure_policy(target, "INF" if seconds is None else f"{seconds}s")
    else:
        _ensure_bucket(target, seconds)


def drop(target: Target) -> None:
    """Remove the bucket and all that is in it (for 1.8 the whole database); nothing happens where there is none."""
    if reachable(target.url).major == 1:
        _influxql(target, f"DROP DATABASE {_quoted(target.database)}")
        return
    with _buckets(target) as buckets:
        if bucket := buckets.find_bucket_by_name(target.bucket):
            buckets.delete_bucket(bucket)


def _ensure_bucket(target: Target, seconds: int | None) -> None:
    # 0 is for ever; an empty list of rules would leave a bucket that is there as it is.
    rules = [BucketRetentionRules(type="expire", every_seconds=seconds or 0)]
    with _buckets(target) as buckets:
        bucket = buckets.find_bucket_by_name(target.bucket)
        if bucket is None:
            buckets.create_bucket(bucket_name=target.bucket, retention_rules=rules, org=target.org)
        else:
            bucket.retention_rules = rules
            buckets.update_bucket(bucket=bucket)


@contextmanager
def _buckets(target: Target) -> Iterator[BucketsApi]:
    """The 2.x bucket API, its errors in our words."""
    client = InfluxDBClient(target.url, token=target.token, org=target.org, timeout=round(_TIMEOUT_S * 1000))
    try:
        with client:
            yield client.buckets_api()
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
        with _direct.open(request, timeout=_TIMEOUT_S) as reply:
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
