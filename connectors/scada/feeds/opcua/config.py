"""What the OPC UA feed is told, and whether that can work. Nothing here needs asyncua."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import urlparse

from msgspec import Meta, Struct

from connectors.scada.feed import FeedError
from models.records import Name

EVENTS = "#events"
"""What follows a notifier's address in the address of its events."""


class Security(StrEnum):
    """The message security modes (OPC 10000-4, 7.20); the two that are secure use the policy Basic256Sha256."""

    NONE = "None"
    SIGN = "Sign"
    SIGN_AND_ENCRYPT = "SignAndEncrypt"


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One server, and what is read of it. Paths are relative to the folder the feed is started in.

    `nodes` and `events` are node ids ("ns=2;s=Pump01.Speed") or browse paths from the Objects folder
    ("/2:Pump01/2:Speed"). `deadband` gives absolute deadbands by address, each in its node's own unit.
    """

    url: str
    nodes: tuple[Name, ...] = ()
    events: tuple[Name, ...] = ()
    deadband: dict[Name, Annotated[float, Meta(gt=0)]] = {}
    publishing_interval_ms: Annotated[float, Meta(ge=10, le=3_600_000)] = 1000.0
    sampling_interval_ms: Annotated[float, Meta(ge=-1, le=3_600_000)] = 1000.0
    queue_size: Annotated[int, Meta(ge=1, le=100_000)] = 10
    fill_gaps: bool = False
    gap_rows_per_node: Annotated[int, Meta(ge=1)] = 100_000
    security: Security = Security.NONE
    certificate: str = ""
    private_key: str = ""
    server_certificate: str = ""
    application_uri: str = "urn:forewarn:opcua"
    user: str = ""
    password_env: str = ""
    timeout_s: Annotated[float, Meta(gt=0, le=600)] = 10.0


def check(config: Config) -> None:
    """Raises FeedError that says what to mend."""
    check_server(config)
    _check_nodes(config)


def check_server(config: Config) -> None:
    """As `check`, but for what is read: for a server that is only browsed."""
    url = urlparse(config.url)
    if url.scheme != "opc.tcp" or not url.hostname:
        raise FeedError(f"url is '{config.url}': write the server's as opc.tcp://host:4840")
    if "@" in url.netloc:
        raise FeedError("url has a user in it: give `user` and `password_env` instead; no file holds the password")
    if bool(config.user) != bool(config.password_env):
        raise FeedError("give `user` and `password_env`, the variable of the environment with the password, or neither")
    _check_files(config)


def _check_nodes(config: Config) -> None:
    if not config.nodes and not config.events:
        raise FeedError("there is nothing to read: list node ids in `nodes`, or notifiers in `events`")
    for name in ("nodes", "events"):
        twice = [address for address, times in Counter(getattr(config, name)).items() if times > 1]
        if twice:
            raise FeedError(f"{name} lists {', '.join(twice)} more than once: leave one of each")
    strays = sorted(set(config.deadband) - set(config.nodes))
    if strays:
        raise FeedError(f"deadband names {', '.join(strays)}, not in `nodes`: list it there or drop its deadband")


def _check_files(config: Config) -> None:
    given = {name: getattr(config, name) for name in ("certificate", "private_key", "server_certificate")}
    if config.security is Security.NONE:
        if any(given.values()):
            raise FeedError('security is "None", yet there are certificates: set it to "Sign" or "SignAndEncrypt"')
        return
    for name, file in given.items():
        if not file and name != "server_certificate":
            raise FeedError(f'security "{config.security}" needs `certificate` and `private_key`: {name} is missing')
        if file and not Path(file).is_file():
            raise FeedError(f"{name} is '{file}', which is no file here: give a .pem or .der file")
