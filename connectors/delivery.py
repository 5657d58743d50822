"""What all sinks share: where they are, how they come to their secrets, and the error of one that cannot be opened."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from pipelines.cluster import Brokers


class SinkError(ValueError):
    """A sink cannot be opened as the subscriptions file describes it; the message says what to do."""


class Place(NamedTuple):
    """The installation that a sink belongs to; `environ` is where secrets are."""

    plant: str
    kafka: Brokers = ""
    prefix: str = ""
    environ: Mapping[str, str] = os.environ


def secrets_in(tables: Iterable[Mapping[str, Any]], environ: Mapping[str, str]) -> list[str]:
    """What sinks' tables name as secrets, as far as it is there: no log is to show it."""
    found: list[str] = []
    for table in tables:
        for key, name in table.items():
            if key.endswith("_env") and isinstance(name, str) and environ.get(name):
                found.append(environ[name])
            elif key.endswith("_file") and key != "ca_file" and isinstance(name, str):
                with suppress(OSError, UnicodeDecodeError):  # whoever opens the sink says what is wrong with it
                    found.append(Path(name).read_text("utf-8").strip())
    return [one for one in found if one]


def secret(what: str, env: str | None, file: str | None, environ: Mapping[str, str]) -> str | None:
    """A secret from an environment variable or a file, None where neither is named. Raises SinkError.

    It is never in the subscriptions file, which people show to each other.
    """
    if env is not None and file is not None:
        raise SinkError(f"{what}_env and {what}_file are both given: leave one out")
    if env is not None:
        if not environ.get(env):
            raise SinkError(f"{what}_env names {env}, which is not in the environment: set it")
        return environ[env]
    if file is None:
        return None
    try:
        found = Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as wrong:
        raise SinkError(f"{what}_file '{file}' cannot be read ({wrong})") from wrong
    if not found:
        raise SinkError(f"{what}_file '{file}' is empty")
    return found
