"""Messages of other systems as plain values: JSON with a bound, and what lies at a path."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from models.records import Reject

MESSAGE_BYTES = 4 * 1024 * 1024
"""A message that is larger is not read; our choice."""

MISSING = object()
"""What `at_path` finds where nothing is; a null is something."""


class Wrong(ValueError):
    """A message, or a part of it, that cannot be used."""

    def __init__(self, reason: Reject, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def parsed(value: bytes) -> Any:
    """JSON, with the NaN of Python's own. Raises Wrong."""
    check_size(value)
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(value)  # Python's own writes NaN, which is no JSON, and reads it
    except (ValueError, RecursionError) as wrong:
        raise Wrong(Reject.NOT_JSON, str(wrong)[:200]) from wrong


def check_size(value: bytes) -> None:
    """Raises Wrong for a message that is too large."""
    if len(value) > MESSAGE_BYTES:
        raise Wrong(Reject.TOO_LARGE, f"{len(value)} bytes, and a message has at most {MESSAGE_BYTES}")


def at_path(body: Any, path: str) -> Any:
    """What lies at a path of names and indexes; an empty path is the body itself, MISSING is none.

    A name may have dots in it.
    """
    if path and isinstance(body, dict) and path in body:
        return body[path]
    for part in path.split(".") if path else ():
        if isinstance(body, dict) and part in body:
            body = body[part]
        elif isinstance(body, list) and part.isdecimal() and len(part) < 10 and int(part) < len(body):
            body = body[int(part)]
        else:
            return MISSING
    return body
