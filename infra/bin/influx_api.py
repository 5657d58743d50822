"""The few HTTP calls that tell whether InfluxDB is there and give it our user, organisation and bucket.

Retention is not set here: buckets keep everything until the application says otherwise.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request

from infra.bin.layout import ServicesError

_local = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def version(url: str, local: bool = True) -> str | None:
    """Ask the InfluxDB at the URL for its version: '' if it does not say, None if nothing answers."""
    opener = _local if local else urllib.request.build_opener()
    try:
        with opener.open(f"{url}/ping", timeout=5) as reply:
            return (reply.headers.get("X-Influxdb-Version") or "").lstrip("v")
    except urllib.error.HTTPError as refusal:
        return (refusal.headers.get("X-Influxdb-Version") or "").lstrip("v")
    except (OSError, ValueError, http.client.HTTPException):
        return None


def answers(url: str) -> bool:
    """Tell whether an InfluxDB answers at the URL."""
    return version(url) is not None


def set_up_1(url: str, name: str, token: str) -> None:
    """User and database by InfluxQL; both may exist already. The first user can be made without being one."""
    user, _, password = token.partition(":")
    if _ask(url, "/query", form={"q": "SHOW DATABASES"}, token=token)[0] != 200:
        _insist(url, f"CREATE USER \"{user}\" WITH PASSWORD '{password}' WITH ALL PRIVILEGES")
    _insist(url, f'CREATE DATABASE "{name}"', token)


def _insist(url: str, statement: str, token: str = "") -> None:
    status, text = _ask(url, "/query", form={"q": statement}, token=token)
    if status != 200 or '"error"' in text:
        raise ServicesError(
            f"InfluxDB at {url} refused its set-up ({status}: {text.strip()[:200]}): `up --fresh` begins anew"
        )


def set_up_2(url: str, name: str, token: str) -> None:
    """User, organisation, bucket and token in one call, which a server takes once in its life."""
    if json.loads(_ask(url, "/api/v2/setup")[1] or "{}").get("allowed"):
        given = {"username": name, "password": token, "org": name, "bucket": name, "token": token}
        status, text = _ask(url, "/api/v2/setup", body=given)
        if status != 201:
            raise ServicesError(f"InfluxDB at {url} refused its set-up ({status}: {text.strip()[:200]})")
    status, text = _ask(url, f"/api/v2/buckets?name={name}", token=token)
    if status != 200:
        raise ServicesError(
            f"InfluxDB at {url} does not take the token kept for it ({status}): `up --fresh` begins with empty data"
        )


def _ask(
    url: str, path: str, form: dict[str, str] | None = None, body: dict[str, str] | None = None, token: str = ""
) -> tuple[int, str]:
    """One call: a GET, or a POST of a form or of JSON. Returns status and text."""
    data = urllib.parse.urlencode(form).encode() if form else json.dumps(body).encode() if body else None
    request = urllib.request.Request(url + path, data=data)
    if token:
        request.add_header("Authorization", f"Token {token}")
    if body:
        request.add_header("Content-Type", "application/json")
    try:
        with _local.open(request, timeout=20) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode(errors="replace")
    except OSError as error:
        raise ServicesError(f"InfluxDB at {url} broke off during its set-up ({error}): look at its log") from error
