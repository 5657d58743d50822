"""E-mail and chat services, each by a URL of the apprise library: mailto, msteams, slack and a hundred more."""

from __future__ import annotations

import asyncio
import logging

import apprise
from msgspec import Struct

from connectors.delivery import Place, SinkError, secret
from models.delivery.outcomes import Delivered, Failed, Outcome
from models.records import Advice, Notification

BY_CASE = False
TYPES = {
    Advice.WATCH: apprise.NotifyType.INFO,
    Advice.PLAN: apprise.NotifyType.WARNING,
    Advice.ACT_NOW: apprise.NotifyType.FAILURE,
}
TIMEOUT_S = 60.0
"""Apprise has timeouts of its own a request; this bounds all of them."""


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One URL, which is a secret: it has passwords and tokens in it. Another service is another sink."""

    url_env: str | None = None
    url_file: str | None = None


class AppriseSink:
    """A `pipelines.deliver.ports.Sink`."""

    def __init__(self, service: apprise.Apprise) -> None:
        self._service = service

    async def send(self, notification: Notification) -> Outcome:
        """Send title and text, with the id at the end, by which a reader knows a double."""
        body = f"{notification.body}\n\n{notification.plant}, {notification.subscription}, {notification.id}"
        worst = max((one.advice for one in notification.mentions), key=tuple(Advice).index)
        told = _Told()
        try:
            with told:
                async with asyncio.timeout(TIMEOUT_S):
                    taken = await self._service.async_notify(body, notification.title, TYPES[worst], body_format="text")
        except TimeoutError:
            return Failed(f"no answer within {TIMEOUT_S:g} s")
        return Delivered() if taken else Failed(told.last or "the service did not take it")

    async def close(self) -> None:
        """Nothing is open between two notifications."""


class _Told(logging.Handler):
    """Hears why apprise failed, which it only logs. Several sinks may hear each other's words, which are only shown."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the last word."""
        self.last = record.getMessage()[:200]

    def __enter__(self) -> _Told:
        logging.getLogger("apprise").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeHandler(self)


def open_sink(config: Config, place: Place) -> AppriseSink:
    """Raises SinkError for a URL that is not there or that apprise does not know."""
    url = secret("url", config.url_env, config.url_file, place.environ)
    if url is None:
        raise SinkError("url_env or url_file is missing: name where its URL is, as url_env = 'PLANT_MAIL_URL'")
    service = apprise.Apprise()
    if not service.add(url) or len(service) != 1:
        raise SinkError("url is none that apprise knows, or several: see its documentation for the service's")
    return AppriseSink(service)
