"""IBM Maximo: lists of work orders and of service requests, by the names of their attributes."""

from __future__ import annotations

SYSTEM = "maximo"
MAPS = ("maximo_workorders", "maximo_requests")


def number_of(text: str) -> str:
    """A document's number as it is: sites number as they like, with letters and zeros."""
    return text
