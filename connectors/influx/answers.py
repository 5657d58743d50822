"""What InfluxDB's answers to a write mean, for 1.8 and 2.x. Pure; a table more than code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Meaning(StrEnum):
    """What to do after an answer."""

    STORED = "stored"
    AGAIN = "again"
    LATE = "late"
    BAD_LINES = "bad-lines"
    TOO_LARGE = "too-large"
    MISCONFIGURED = "misconfigured"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's meaning, the server's words, and how long it asks to wait."""

    meaning: Meaning
    status: int = 0
    words: str = ""
    wait_s: float | None = None


STORED = Answer(Meaning.STORED, 204)

_MEANINGS = {
    400: Meaning.BAD_LINES,
    401: Meaning.MISCONFIGURED,
    403: Meaning.MISCONFIGURED,
    404: Meaning.MISCONFIGURED,
    413: Meaning.TOO_LARGE,
    422: Meaning.BAD_LINES,
    429: Meaning.AGAIN,
}
# 1.8 answers 500 where it has no such database (a query) or retention policy (a write, a query).
_MISCONFIGURED_500 = ("no database", "retention policy not found", "invalid retention policy")


def answer(status: int, body: bytes | str, headers: Mapping[str, str]) -> Answer:
    """Read an answer that is not a success. What is not known here is the server's trouble: try again."""
    words = _words(body) or f"HTTP {status}"
    if status == 500 and any(saying in words for saying in _MISCONFIGURED_500):
        return Answer(Meaning.MISCONFIGURED, status, words)
    return Answer(_MEANINGS.get(status, Meaning.AGAIN), status, words, _wait_s(headers.get("Retry-After", "")))


def _words(body: bytes | str) -> str:
    """The message in an error body: JSON with `message` (2.x) or `error` (1.8), or else plain text."""
    text = (body if isinstance(body, str) else body.decode(errors="replace")).strip()
    try:
        said = json.loads(text)
    except ValueError:
        return text
    if not isinstance(said, dict):
        return text
    return str(said.get("message") or said.get("error") or text)


def _wait_s(retry_after: str) -> float | None:
    """Seconds of a Retry-After header; a date, which InfluxDB does not send, counts as none."""
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        return None
