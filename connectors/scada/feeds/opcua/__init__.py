"""The OPC UA feed, on asyncua: subscriptions to variables and events, and the history of the time away.

It reads. The one method that it may call is ConditionRefresh, which repeats alarms to the caller and changes nothing
(OPC 10000-9, 5.5.7).
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlparse

from connectors.scada.discover import Limits, Progress, Survey
from connectors.scada.feed import INSTALL, Feed, FeedError
from connectors.scada.feeds.opcua.config import Config, Security, check, check_server

__all__ = ["Config", "Security", "discover", "open_feed"]
_MISSING = f"the OPC UA feed needs asyncua: {INSTALL}"


def open_feed(config: Config, *, folder: Path | None = None) -> Feed:
    """A feed of a server's nodes, which keeps in `folder` how far it read them.

    Raises FeedError where the configuration cannot work, or asyncua is not installed.
    """
    check(config)
    try:
        from connectors.scada.feeds.opcua.link import OpcUaFeed
        from connectors.scada.feeds.opcua.nodes import parse
    except ImportError as missing:
        raise FeedError(_MISSING) from missing
    return OpcUaFeed(config, parse((*config.nodes, *config.events)), _password(config), _host(config), folder)


async def discover(config: Config, limits: Limits, tell: Progress) -> Survey:
    """What the server has, by Browse and Read alone; `nodes` may be empty. Raises FeedError as `open_feed` does."""
    check_server(config)
    try:
        from connectors.scada.feeds.opcua import browse
    except ImportError as missing:
        raise FeedError(_MISSING) from missing
    return await browse.discover(config, _password(config), _host(config), limits, tell)


def _password(config: Config) -> str:
    if not config.user:
        return ""
    password = os.environ.get(config.password_env)
    if password is None:
        raise FeedError(f"{config.password_env} is not set: put the password of '{config.user}' into it")
    return password


def _host(config: Config) -> str:
    """The server as the log may show it."""
    return urlparse(config.url).netloc
