"""Structured logs to standard error: readable on a terminal, JSON lines elsewhere.

What Faust, aiokafka and others say by the standard library comes out the same way. Where a line is about a partition,
an asset or an offset, it has a key of that name. Secrets that are known here are taken out of whatever is written.
While a server is away, libraries say the same hundreds of times a minute: of that, one line of a kind is written now
and then.
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
EVERY_S = 10.0
"""Between two lines of a kind that a library says."""
MOST_KINDS = 500
"""That are told apart: some libraries put values into their templates. Our choice."""

SHORTEST_SECRET = 4
"""What is shorter would be found in innocent words, and keeps nothing secret."""

_secrets: set[str] = set()


def to_stderr(loud: bool, secrets: Iterable[str] = ()) -> None:
    """Send all logging through structlog; `loud` lets all pass that Faust and the Kafka clients say.

    Secrets that were told before stay out, too: several roles may run in a process.
    """
    _secrets.update(secrets)
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
    handler.setFormatter(_Discreet(_secrets, foreign_pre_chain=foreign, processors=last))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    if not loud:
        handler.addFilter(_no_chatter)
        handler.addFilter(_OneOfAKind())
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
    """Faust's services tell of every start and stop under our modules' names; only their errors are news."""
    return record.levelno >= logging.ERROR or not _is_of_a_service(record)


def _is_of_a_service(record: logging.LogRecord) -> bool:
    return str(record.msg).startswith("[^")


class _OneOfAKind(logging.Filter):
    """Of what libraries say, one line of a kind in a while; `left_out` has how many there were since the one before.

    A kind is a logger with the words of its message before values are put in. That a cluster has no topic of groups yet
    (Kafka's error 15) is its usual answer to the first who asks: of that, the first line is left out as well.
    """

    def __init__(self) -> None:
        super().__init__()
        self._passed: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write it."""
        if record.name.partition(".")[0] not in NOISY and not _is_of_a_service(record):
            return True
        is_usual = isinstance(record.args, tuple) and any(type(one).__name__ == NOT_YET for one in record.args)
        kind = record.name, NOT_YET if is_usual else str(record.msg)
        at_s, left_out = self._passed.get(kind, (record.created if is_usual else float("-inf"), 0))
        if abs(record.created - at_s) < EVERY_S:
            self._passed[kind] = at_s, left_out + 1
            return False
        if len(self._passed) >= MOST_KINDS:
            self._passed.clear()
        self._passed[kind] = record.created, 0
        if left_out:
            record.left_out = left_out
        return True
