"""A move of a warning as somebody asks for it, by command or page, before it is a record."""

from __future__ import annotations

from typing import NamedTuple

from models.records import CloseReason, Move


class Wish(NamedTuple):
    """What to do, by whom, why; what a move does not say is empty."""

    move: Move
    by: str
    why: str = ""
    until_us: int | None = None
    to: str = ""
    severity: int | None = None
    order: str = ""
    outcome: CloseReason | None = None
    mode: str = ""
    found: str = ""
