"""Asking a maintenance system by HTTP: one client, whose answers are what was asked for, or one of two errors."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2

from connectors.delivery import SinkError
from connectors.sinks.webhook import AGAIN, ANSWER_SHOWN, retry_after_s

Answer = httpx2.Response
_PLAIN = ",()'"
"""Signs that stand in a query as they are; a blank is %20."""


class NotTaken(Exception):
    """It did not answer, or not now: to be asked again, not before `retry_after_s` where it said so."""

    def __init__(self, why: str, retry_after_s: float | None = None) -> None:
        super().__init__(why)
        self.why, self.retry_after_s = why, retry_after_s


class Declined(Exception):
    """It will not take this, whenever it is asked; the message has its own words."""


class Asker:
    """One system's client, with the session that its cookies make. Belongs to one event loop."""

    def __init__(
        self,
        base: str,
        headers: Mapping[str, str],
        *,
        timeout_s: float,
        verify: ssl.SSLContext | bool,
        auth: tuple[str, str] | None = None,
        words_of: Callable[[Any], str],
        passing: frozenset[str] = frozenset(),
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """`words_of` is the message in an error's body, `passing` are words in it of what passes by itself."""
        self._base, self._words_of, self._passing, self._now_s = base.rstrip("/"), words_of, passing, now_s
        self._timeout_s = timeout_s
        self._client = httpx2.AsyncClient(
            headers=dict(headers), timeout=timeout_s, verify=verify, auth=auth, follow_redirects=False
        )

    async def ask(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None, **headers: str
    ) -> Answer:
        """Any answer. Raises NotTaken where there is none; `headers` have _ for -."""
        address = f"{self._base}/{path}" + (f"?{_queried(query)}" if query else "")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._client.request(method, address, json=body, headers=named)
        except TimeoutError as wrong:
            raise NotTaken(f"no answer within {self._timeout_s:g} s") from wrong
        except httpx2.HTTPError as wrong:
            raise NotTaken(f"{type(wrong).__name__}: {wrong}") from wrong

    def judged(self, answer: Answer) -> Answer:
        """The answer, if it is good. Raises NotTaken and Declined with the system's words."""
        status = answer.status_code
        if 200 <= status < 300:
            return answer
        said = self._said(answer)
        why = f"it answered {status}" + (f": {said[:ANSWER_SHOWN]}" if said else "")
        if status >= 500 or status in AGAIN or status in (409, 412, 423) or any(one in said for one in self._passing):
            raise NotTaken(why, retry_after_s(answer.headers.get("Retry-After", ""), self._now_s()))
        if 300 <= status < 400:
            where = answer.headers.get("Location", "nowhere")
            raise Declined(f"{why}, a redirect to {where}: write the new address, or let its user in without a page")
        raise Declined(why)

    def content(self, answer: Answer) -> Any:
        """A good answer's JSON. Raises what `judged` raises, and NotTaken for what is no JSON."""
        good = self.judged(answer)
        try:
            return good.json()
        except ValueError as wrong:
            kind = good.headers.get("Content-Type", "no type")
            raise NotTaken(
                f"it answered {good.status_code} with {kind} that is no JSON: is the address right?"
            ) from wrong

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _said(self, answer: Answer) -> str:
        try:
            return self._words_of(answer.json()) or answer.text.strip()
        except (ValueError, LookupError, TypeError, AttributeError):  # an error page of a proxy's, not of the system's
            return answer.text.strip()


def checked_url(url: str) -> str:
    """An address of a system. Raises SinkError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SinkError(f"url is '{url}': write http:// or https:// and a host")
    if parts.password or parts.query:
        raise SinkError("url has a password or a query in it: leave it out, secrets are in the environment or in files")
    return url


def trusted(ca_file: str | None, cert_file: str | None = None, key_file: str | None = None) -> ssl.SSLContext | bool:
    """Whom to trust, and by which certificate we are known. Raises SinkError."""
    if ca_file is None and cert_file is None:
        return True
    try:
        context = ssl.create_default_context(cafile=ca_file)
        if cert_file is not None:
            context.load_cert_chain(cert_file, key_file)
    except OSError as wrong:
        raise SinkError(f"ca_file, client_cert or client_key_file cannot be used: {wrong}") from wrong
    return context


def _queried(query: Mapping[str, str]) -> str:
    return "&".join(f"{name}={quote(value, safe=_PLAIN)}" for name, value in query.items())
