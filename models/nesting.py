"""How deep JSON is nested, without parsing it: a parser's own limit is the stack it happens to be called with.

Pure. Exact for JSON; of what is no JSON it says something that depends on the bytes alone, which is all that is needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

MAX_NESTING = 256
"""Far below what any parser's stack holds (1000 calls in Python), far above what any record needs."""

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_OPEN, _CLOSE = np.frombuffer(b"[{", np.uint8), np.frombuffer(b"]}", np.uint8)


def any_too_deep(payloads: Iterable[bytes]) -> bool:
    """Whether one of them is `too_deep`."""
    return any(len(payload) > MAX_NESTING and too_deep(payload) for payload in payloads)


def too_deep(payload: bytes) -> bool:
    """Whether arrays and objects lie in one another beyond the limit; two counts for nearly all records."""
    if len(payload) <= MAX_NESTING or payload.count(b"[") + payload.count(b"{") <= MAX_NESTING:
        return False
    marks = np.frombuffer(_STRING.sub(b"", payload), np.uint8)
    steps = np.isin(marks, _OPEN).astype(np.int32) - np.isin(marks, _CLOSE)
    return bool(np.cumsum(steps).max(initial=0) > MAX_NESTING)
