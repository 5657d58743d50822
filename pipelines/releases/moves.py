"""Wishes about releases and the moves that come of them, in words for people and as records of the audit. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from models.records import Appointment, Release, ReleaseMove
from models.release import Cause, Role, State, moved, office
from pipelines.releases.board import Board


class ReleaseError(Exception):
    """A release cannot be moved as asked; the message says why and what to do."""


class Who(NamedTuple):
    """Who asks for a move, and why."""

    by: str
    why: str


class Wish(NamedTuple):
    """What a release is to be appointed to, and why it moves; an empty version is what there is without one."""

    name: str
    role: Role
    version: str
    cause: Cause
    asset_type: str = ""

    @property
    def office(self) -> str:
        """As the topic has it."""
        return office(self.name, self.role, self.asset_type)

    @property
    def said(self) -> str:
        """For people."""
        return said_of(self.name, self.role, self.version, self.asset_type)


def said_of(name: str, role: Role, version: str, asset_type: str) -> str:
    """What an appointment says, for people."""
    if role is Role.PIN:
        return f"type '{asset_type}' stays with {version}" if version else f"type '{asset_type}' goes with '{name}'"
    if role is Role.SHADOW:
        return f"{version or 'no release'} runs beside '{name}'"
    return f"'{name}' means {version or 'what the models folder has of that name'}"


def moves_of(one: Appointment, board: Board) -> Iterator[ReleaseMove]:
    """Of the release that is appointed, and of the one whose place it takes."""
    if one.role is Role.PIN:  # the name means what it meant; the appointment itself is on the audit
        return
    who = Who(one.by, one.why)
    last = board.appointed.get(one.office)
    begin = board.state_of(one.version)
    if one.version and begin is not State.CHAMPION:  # of an asset type that stays with it
        yield move_of(one, one.version, begin, one.cause, who, one.time_us)
    if last and last.version and not (one.role is Role.SHADOW and one.cause is Cause.PROMOTED):
        going = Cause.ROLLED_BACK if one.cause is Cause.ROLLED_BACK else Cause.REPLACED
        was = State.CHAMPION if one.role is Role.CHAMPION else State.SHADOW
        yield move_of(one, last.version, was, going, who, one.time_us)


def move_of(
    of: Appointment | Release, version: str, begin: State, cause: Cause, who: Who, time_us: int
) -> ReleaseMove:  # fmt: skip
    """A move as the audit has it."""
    return ReleaseMove(
        plant=of.plant, name=of.name, version=version, begin=begin, to=moved(begin, cause), cause=cause, by=who.by,
        why=who.why, time_us=time_us,
    )  # fmt: skip
