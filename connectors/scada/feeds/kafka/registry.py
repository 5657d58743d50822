"""Schemas by id from a registry that speaks Confluent's API, kept for the life of the process: an id never changes.

What an answer means is a function of its own; only `Registry.learn` talks to the network. It only ever asks.
"""

from __future__ import annotations

import os
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
from msgspec import Struct

from connectors.scada.feed import FeedError
from connectors.scada.feeds.kafka.avro import Schema, schema_of

ANSWER_S = 10.0
"""How long the registry has for an answer; our choice."""
ANSWER_BYTES = 1024 * 1024
"""A longer answer is no schema; our choice."""
UNKNOWN_AGAIN_S = 60.0
"""An id that the registry did not know is asked for again after this time; our choice."""
UNKNOWN_KEPT = 10_000
"""Rubbish can name any id; our choice, some MB."""
_UNKNOWN = 40403
"""Confluent's code for "schema not found" (Schema Registry API reference); its 404 alone may be a wrong URL."""
_PASSING = {408, 425, 429}
"""Refusals that waiting mends (RFC 9110 15.5.9, RFC 8470, RFC 6585)."""


class RegistryAway(Exception):
    """The registry gave no answer that says anything; it may later."""


class RegistryConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the registry is. The password of `username` is in the environment variable `password_env`."""

    url: str
    username: str = ""
    password_env: str = ""
    ca_file: str | None = None


class Registry:
    """The schemas known so far, by id, and how to learn of more."""

    def __init__(self, config: RegistryConfig, clock_s: Callable[[], float] = time.monotonic) -> None:
        """Raises FeedError for what cannot work."""
        self._url, self._clock_s = config.url.rstrip("/"), clock_s
        self._headers, self._tls = _auth(config), _tls(config)
        self._unknown_s: dict[int, float] = {}
        self.schemas: dict[int, Schema] = {}

    async def learn(self, ids: Iterable[int]) -> None:
        """Have all these in `schemas`. Raises RegistryAway, and FeedError where the registry refuses us."""
        now_s = self._clock_s()
        self._forget(now_s)
        wanted = sorted(number for number in set(ids) if number not in self.schemas)
        if not wanted:
            return
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        async with aiohttp.ClientSession(
            headers=self._headers, timeout=timeout, connector=aiohttp.TCPConnector(ssl=self._tls)
        ) as session:
            for number in wanted:
                schema = await self._ask(session, number)
                if schema is None:
                    self._unknown_s[number] = now_s
                self.schemas[number] = schema or Schema(fault="the registry knows no such id")

    def _forget(self, now_s: float) -> None:
        """Unknown ids of some time ago; or all, where they are many."""
        many = len(self._unknown_s) > UNKNOWN_KEPT
        for number in [n for n, told_s in self._unknown_s.items() if many or now_s - told_s >= UNKNOWN_AGAIN_S]:
            del self._unknown_s[number], self.schemas[number]

    async def _ask(self, session: aiohttp.ClientSession, number: int) -> Schema | None:
        url = f"{self._url}/schemas/ids/{number}"
        try:
            async with session.get(url, allow_redirects=False) as answer:
                body = b""
                async for piece in answer.content.iter_any():
                    body += piece
                    if len(body) > ANSWER_BYTES:
                        return Schema(fault=f"its schema has over {ANSWER_BYTES} bytes")
                return meaning(self._url, answer.status, body)
        except aiohttp.ClientConnectorCertificateError as wrong:
            raise FeedError(f"{self._url} is not whom ca_file vouches for: give its authority's ({wrong})") from wrong
        except (aiohttp.ClientError, OSError) as fault:  # TimeoutError is an OSError
            raise RegistryAway(f"{url}: {fault!r}") from fault


def meaning(url: str, status: int, body: bytes) -> Schema | None:
    """What the registry says of an id; None where it does not know it. Raises RegistryAway and FeedError."""
    try:
        said: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = None
    said = said if isinstance(said, dict) else {}
    if status == 200 and isinstance(text := said.get("schema"), str):
        return _schema(said, text)
    if status == 404 and said.get("error_code") == _UNKNOWN:
        return None
    if status in (401, 403):
        raise FeedError(f"the registry {url} refuses us ({status}): see username, password_env and its rights to read")
    if 300 <= status < 500 and status not in _PASSING:
        raise FeedError(f"{url} answers {status} as no schema registry does: is `url` its address?")
    raise RegistryAway(f"{url} answers {status} and no schema")


def _schema(said: dict[str, Any], text: str) -> Schema:
    if (kind := said.get("schemaType", "AVRO")) != "AVRO":
        return Schema(fault=f"it is of type {str(kind)[:50]}, and Avro alone is read")
    if said.get("references"):
        return Schema(fault="it refers to other schemas, which is not read: register it whole")
    return schema_of(text)


def _auth(config: RegistryConfig) -> dict[str, str]:
    """The header of basic authentication, where it is wanted (RFC 7617)."""
    if not (config.username or config.password_env):
        return {}
    password = os.environ.get(config.password_env) if config.password_env else None
    if not config.username or password is None:
        raise FeedError(
            "the registry's `username` needs a `password_env` naming a variable that is set, and the other way round: "
            f"'{config.password_env}' is not"
        )
    pair = b64encode(f"{config.username}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _tls(config: RegistryConfig) -> ssl.SSLContext | bool:
    parts = urlsplit(config.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise FeedError(f"the registry's url is '{config.url}': give http:// or https://, host and port")
    if config.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=config.ca_file)
    except OSError as wrong:  # ssl.SSLError is one
        raise FeedError(f"the registry's ca_file '{config.ca_file}' cannot be used: {wrong}") from wrong
