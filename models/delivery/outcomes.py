"""What a sink says of a notification that it was given."""

from __future__ import annotations

from typing import NamedTuple

from models.records import Action


class Delivered(NamedTuple):
    """It was taken; what it led to, such as the number of an order, goes back to the log as `actions`."""

    actions: tuple[Action, ...] = ()


class Refused(NamedTuple):
    """It will never be taken as it is: a person has to look."""

    why: str


class Failed(NamedTuple):
    """It was not taken, or nobody knows: to be sent again, not before `retry_after_s` where the sink said so."""

    why: str
    retry_after_s: float | None = None


Outcome = Delivered | Refused | Failed
