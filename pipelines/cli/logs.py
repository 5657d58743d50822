"""Structured logs to standard error: readable on a terminal, JSON lines elsewhere."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import Processor

NOISY = ("faust", "mode", "aiokafka", "kafka")


def to_stderr(loud: bool) -> None:
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
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    if not loud:
        handler.addFilter(_no_chatter)
        for name in NOISY:
            logging.getLogger(name).setLevel(logging.ERROR)


def _no_chatter(record: logging.LogRecord) -> bool:
    """Faust's services tell of every start and stop under our modules' names; only their errors are news."""
    return record.levelno >= logging.ERROR or not str(record.msg).startswith("[^")
