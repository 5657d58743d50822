"""Structured logs to standard error: readable on a terminal, JSON lines elsewhere.

What Faust, aiokafka and others say by the standard library comes out the same way. Where a line is about a partition,
an asset or an offset, it has a key of that name. Secrets that are known here are taken out of whatever is written.
"""

from __future__ import annotations

import json
import logging
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import structlog
from structlog.typing import Processor

NOISY = ("faust", "mode", "aiokafka", "kafka")

NOT_YET = "GroupCoordinatorNotAvailableError"

SHORTEST_SECRET = 4
"""What is shorter would be found in innocent words, and keeps nothing secret."""


def to_stderr(loud: bool, secrets: Iterable[str] = ()) -> None:
    """Send all logging through structlog; `loud` lets Faust's and the Kafka clients' chatter pass."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    show: Processor = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler(sys.stderr)
    last: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        show,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    foreign = [*shared, structlog.stdlib.ExtraAdder()]
    handler.setFormatter(_Discreet(secrets, foreign_pre_chain=foreign, processors=last))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    if not loud:
        handler.addFilter(_no_chatter)
        for name in NOISY:
            logging.getLogger(name).setLevel(logging.ERROR)


class _Discreet(structlog.stdlib.ProcessorFormatter):
    """Takes secrets out of the finished line, wherever they stood: in a message, a key or a traceback."""

    def __init__(self, secrets: Iterable[str], **given: object) -> None:
        super().__init__(**given)  # type: ignore[arg-type]  # the base's own arguments, passed on
        self._secrets = forms_of(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """The line without them."""
        line = super().format(record)
        for secret in self._secrets:
            line = line.replace(secret, "***")
        return line


def forms_of(secrets: Iterable[str]) -> list[str]:
    """Each secret as it may stand in a line, the longest first; of `user:password` the password alone, too."""
    parts = {part for secret in secrets for part in (secret, secret.partition(":")[2]) if len(part) >= SHORTEST_SECRET}
    said = {form for part in parts for form in (part, repr(part)[1:-1])}
    return sorted(said | {json.dumps(form)[1:-1] for form in said}, key=len, reverse=True)


def secrets_of(config: Path, environ: Mapping[str, str]) -> list[str]:
    """What stands in the variables that a feed's config names by keys that end in `_env`.

    A file that cannot be read has none here: who reads it next says what is wrong with it.
    """
    try:
        waiting: list[object] = [tomllib.loads(config.read_text("utf-8"))]
    except (OSError, ValueError):
        return []
    found = []
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            found += [environ[name] for key, name in one.items() if key.endswith("_env") and name in environ]
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return found


def _no_chatter(record: logging.LogRecord) -> bool:
    """Faust's services tell of every start and stop under our modules' names; only their errors are news.

    Nor is it news that a cluster which nobody asked about groups before makes their topic first (Kafka's error 15).
    """
    if isinstance(record.args, tuple) and any(type(one).__name__ == NOT_YET for one in record.args):
        return False
    return record.levelno >= logging.ERROR or not str(record.msg).startswith("[^")
