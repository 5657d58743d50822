"""A webhook: CloudEvents 1.0 as JSON, signed as Standard Webhooks has it, with a key by which a double is known.

Specifications: CloudEvents 1.0.2, JSON event format (structured mode); Standard Webhooks 1.0.0, symmetric signatures;
draft-ietf-httpapi-idempotency-key-header-07.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

import httpx2
import msgspec
from msgspec import Meta, Struct

from connectors.delivery import Place, SinkError, secret
from models.delivery.outcomes import Delivered, Failed, Outcome, Refused
from models.records import Notification

BY_CASE = False
TYPE = "forewarn.notification.v1"
AGAIN = frozenset({408, 421, 425, 429})
"""Answers under 500 that say nothing against the notification (RFC 9110, 8470, 6585); others refuse it."""
SECRET_PREFIX = "whsec_"
ANSWER_SHOWN = 200


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to post; `headers` are sent as they are, `bearer` in Authorization. Redirects are not followed.

    An address that is a secret itself, as those of chat services are, is named by `url_env` or `url_file`.
    """

    url: str | None = None
    url_env: str | None = None
    url_file: str | None = None
    secret_env: str | None = None
    secret_file: str | None = None
    bearer_env: str | None = None
    bearer_file: str | None = None
    headers: dict[str, str] = {}
    timeout_s: Annotated[float, Meta(gt=0, le=120)] = 10.0
    ca_file: str | None = None


class WebhookSink:
    """A `pipelines.deliver.ports.Sink`. Belongs to one event loop."""

    def __init__(
        self, config: Config, url: str, key: bytes | None, bearer: str | None, now_s: Callable[[], float] = time.time
    ) -> None:
        self._config, self._url, self._key, self._now_s = config, url, key, now_s
        headers = config.headers | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
        self._client = httpx2.AsyncClient(
            headers=headers, timeout=config.timeout_s, verify=_trusted(config.ca_file), follow_redirects=False
        )

    async def send(self, notification: Notification) -> Outcome:
        """Post it; the whole of it takes no longer than the timeout."""
        body = msgspec.json.encode(event_of(notification))
        try:
            async with asyncio.timeout(self._config.timeout_s):
                headers = self._headers(notification.id, body)
                answer = await self._client.post(self._url, content=body, headers=headers)
        except TimeoutError:
            return Failed(f"no answer within {self._config.timeout_s:g} s")
        except httpx2.HTTPError as wrong:
            return Failed(f"{type(wrong).__name__}: {wrong}")
        return outcome_of(answer.status_code, answer.headers, answer.text, self._now_s())

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _headers(self, identity: str, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/cloudevents+json; charset=utf-8", "Idempotency-Key": identity}
        if self._key is not None:
            stamp = str(int(self._now_s()))
            headers |= {
                "Webhook-Id": identity,
                "Webhook-Timestamp": stamp,
                "Webhook-Signature": signature(self._key, identity, stamp, body),
            }
        return headers


def open_sink(config: Config, place: Place) -> WebhookSink:
    """Raises SinkError for an address that is none, and for secrets that are not there."""
    hidden = secret("url", config.url_env, config.url_file, place.environ)
    if (config.url is None) == (hidden is None):
        raise SinkError("url: give url, or one of url_env and url_file where the address is a secret")
    url = hidden or config.url or ""
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise SinkError(f"url is '{config.url or 'a secret'}': write http:// or https:// and a host")
    if config.url and urlsplit(config.url).password:
        raise SinkError("url has a password in it, and the file is no place for secrets: use bearer_env or url_env")
    signing = secret("secret", config.secret_env, config.secret_file, place.environ)
    bearer = secret("bearer", config.bearer_env, config.bearer_file, place.environ)
    try:
        return WebhookSink(config, url, None if signing is None else key_of(signing), bearer)
    except OSError as wrong:
        raise SinkError(f"ca_file '{config.ca_file}' cannot be used: {wrong}") from wrong


def _trusted(ca_file: str | None) -> ssl.SSLContext | bool:
    return True if ca_file is None else ssl.create_default_context(cafile=ca_file)


def event_of(notification: Notification) -> dict[str, Any]:
    """The notification as a CloudEvent."""
    return {
        "specversion": "1.0",
        "id": notification.id,
        "source": f"/forewarn/{quote(notification.plant, safe='')}",
        "type": TYPE,
        "subject": notification.subscription,
        "time": datetime.fromtimestamp(notification.time_us / 1e6, UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": notification,
    }


def key_of(text: str) -> bytes:
    """The key of a secret: base64 after `whsec_`, else its bytes. Raises SinkError."""
    if not text.startswith(SECRET_PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as wrong:
        raise SinkError(f"secret begins with {SECRET_PREFIX}, and no base64 follows: copy it once more") from wrong


def signature(key: bytes, identity: str, stamp: str, body: bytes) -> str:
    """HMAC-SHA256 over id, time and body, in base64 after its version."""
    digest = hmac.new(key, b".".join((identity.encode(), stamp.encode(), body)), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def outcome_of(status: int, headers: Mapping[str, str], text: str, now_s: float) -> Outcome:
    """What an answer means."""
    if 200 <= status < 300:
        return Delivered()
    why = f"it answered {status}" + (f": {text[:ANSWER_SHOWN]}" if text.strip() else "")
    if status >= 500 or status in AGAIN:
        return Failed(why, retry_after_s(headers.get("Retry-After", ""), now_s))
    if 300 <= status < 400:
        return Refused(f"{why}, a redirect to {headers.get('Location', 'nowhere')}: write the new address")
    return Refused(why)


def retry_after_s(text: str, now_s: float) -> float | None:
    """Seconds of a Retry-After, which is a number of them or a date (RFC 9110, 10.2.3); None for neither."""
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_s)
    except (TypeError, ValueError):
        return None
