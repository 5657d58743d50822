"""Any other list of failures and work as CSV, with plain words for columns and kinds of work."""

from __future__ import annotations

SYSTEM = "csv"
MAPS = ("plain",)


def number_of(text: str) -> str:
    """A document's number as it is."""
    return text
