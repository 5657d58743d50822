"""Which release does what on a running plant: promoted, rolled back, beside the champion, kept for an asset type."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

from rich.console import Console

from models.records import Appointment, ReleaseMove
from models.release import Cause, Role, State, moved, office
from pipelines.cli.board import PATIENCE_S, ReleaseError, audit, awaited, board_of, check_ready, listed, send, wait
from pipelines.controls.plant import names_of
from pipelines.plant_file import read_plant
from pipelines.releases.board import Board
from pipelines.settings import Settings


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
    return f"'{name}' means {version or 'the file of that name'}"


def promote(settings: Settings, version: str, who: Who, console: Console) -> None:
    """Have a name mean a release, once the owners of all partitions have it loaded, and wait until all have met it."""
    board = board_of(settings)
    if version in names_of(read_plant(settings.plant, settings.site)):
        appoint(settings, board, Wish(version, Role.CHAMPION, "", Cause.PROMOTED), who, console)
        return
    release = board.releases.get(version)
    if release is None:
        known = ", ".join(board.releases) or "none"
        raise ReleaseError(f"no release {version}: there are {known}; `forewarn model publish` offers one")
    board = wait(settings, lambda now: not awaited(now, version, settings.partitions))
    check_ready(board, version, settings.partitions)
    appoint(settings, board, Wish(release.name, Role.CHAMPION, version, Cause.PROMOTED), who, console)
    beside = board.appointed.get(office(release.name, Role.SHADOW))
    if beside is not None and beside.version == version:
        appoint(settings, board, Wish(release.name, Role.SHADOW, "", Cause.PROMOTED), who, console)


def roll_back(settings: Settings, name: str, who: Who, console: Console) -> None:
    """Have a name mean what it meant before the last change."""
    board = board_of(settings)
    champion = board.appointed.get(name)
    if champion is None and "@" in name:
        raise ReleaseError(f"give the name alone, {name.partition('@')[0]}: it goes back to what it meant before")
    if champion is None:
        known = ", ".join(sorted(one.name for one in board.appointed.values() if one.role is Role.CHAMPION)) or "none"
        raise ReleaseError(f"'{name}' means the file of that name, and meant nothing before: promoted are {known}")
    if champion.cause is Cause.ROLLED_BACK:
        said = said_of(name, Role.CHAMPION, champion.version, "")
        raise ReleaseError(
            f"{champion.by} rolled it back already, and {said}: promote what it is to mean by its version, or by the "
            "name alone for the file of that name"
        )
    if champion.before:
        check_ready(board, champion.before, settings.partitions)
    appoint(settings, board, Wish(name, Role.CHAMPION, champion.before, Cause.ROLLED_BACK), who, console)


def end_shadow(settings: Settings, name: str, who: Who, console: Console) -> None:
    """Have no release run beside a name's champion."""
    board = board_of(settings)
    if not board.version_of(name, Role.SHADOW):
        raise ReleaseError(f"no release runs beside '{name}': `forewarn model publish` has one do so")
    appoint(settings, board, Wish(name, Role.SHADOW, "", Cause.REPLACED), who, console)


def pin(settings: Settings, version: str, asset_type: str, who: Who, console: Console) -> None:
    """Have an asset type stay with a release, whatever its model's name comes to mean."""
    board = board_of(settings)
    release = board.releases.get(version)
    if release is None:
        raise ReleaseError(f"no release {version}: there are {', '.join(board.releases) or 'none'}")
    kind = read_plant(settings.plant, settings.site).types.get(asset_type)
    if kind is None or release.name not in kind.named:
        raise ReleaseError(f"no asset type '{asset_type}' of the plant file has the model '{release.name}'")
    board = wait(settings, lambda now: not awaited(now, version, settings.partitions))
    check_ready(board, version, settings.partitions)
    appoint(settings, board, Wish(release.name, Role.PIN, version, Cause.PINNED, asset_type), who, console)


def freeze(settings: Settings, asset_type: str, who: Who, console: Console) -> None:
    """Have an asset type stay with the release that its hazard means now."""
    kind = read_plant(settings.plant, settings.site).types.get(asset_type)
    if kind is None or kind.model is None:
        raise ReleaseError(f"no asset type '{asset_type}' of the plant file has a hazard")
    version = board_of(settings).version_of(kind.model, Role.CHAMPION)
    if not version:
        raise ReleaseError(
            f"'{kind.model}' means the file of that name, which can change: publish and promote it first"
        )
    pin(settings, version, asset_type, who, console)


def unpin(settings: Settings, asset_type: str, who: Who, console: Console) -> None:
    """Have an asset type go with its models' names again."""
    board = board_of(settings)
    held = [one for one in board.appointed.values() if (one.role, one.asset_type) == (Role.PIN, asset_type)]
    if not any(one.version for one in held):
        raise ReleaseError(f"'{asset_type}' stays with no release: nothing was changed")
    for one in held:
        if one.version:
            appoint(settings, board, Wish(one.name, Role.PIN, "", Cause.UNPINNED, asset_type), who, console)


def appoint(settings: Settings, board: Board, wish: Wish, who: Who, console: Console) -> None:
    """Put a wish on the topic and the audit, and wait until all partitions have met it. Raises ReleaseError."""
    last = board.appointed.get(wish.office)
    if last is not None and last.version == wish.version:
        raise ReleaseError(f"{wish.said} already: nothing was changed")
    one = Appointment(
        plant=board.plant, name=wish.name, role=wish.role, asset_type=wish.asset_type, version=wish.version,
        number=last.number + 1 if last else 1, before=last.version if last else "", cause=wish.cause, by=who.by,
        why=who.why, time_us=time.time_ns() // 1000,
    )  # fmt: skip
    send(settings, [one])
    after = wait(settings, lambda now: not now.behind(one, settings.partitions))
    held = after.appointed.get(wish.office)
    if held != one:
        by = f"{held.by}: {said_of(held.name, held.role, held.version, held.asset_type)}" if held else "nobody"
        raise ReleaseError(f"somebody else changed it meanwhile, {by}: nothing came of this")
    audit(settings, [one, *moves_of(one, board)])
    behind = after.behind(one, settings.partitions)
    if behind:
        raise ReleaseError(
            f"{wish.said} from now on, but partitions {listed(behind)} have not met it after {PATIENCE_S:g} s: do "
            "workers run (`forewarn doctor`)? They go over by themselves"
        )
    console.print(f"{wish.said} on all {settings.partitions} partitions", highlight=False, markup=False)


def moves_of(one: Appointment, board: Board) -> Iterator[ReleaseMove]:
    """Of the release that is appointed, and of the one whose place it takes."""
    if one.role is Role.PIN:  # the name means what it meant; the appointment itself is on the audit
        return
    last = board.appointed.get(one.office)
    begin = board.state_of(one.version)
    if one.version and begin is not State.CHAMPION:  # of an asset type that stays with it
        yield _move(one, one.version, begin, one.cause)
    if last and last.version and not (one.role is Role.SHADOW and one.cause is Cause.PROMOTED):
        going = Cause.ROLLED_BACK if one.cause is Cause.ROLLED_BACK else Cause.REPLACED
        yield _move(one, last.version, State.CHAMPION if one.role is Role.CHAMPION else State.SHADOW, going)


def _move(one: Appointment, version: str, begin: State, cause: Cause) -> ReleaseMove:
    return ReleaseMove(
        plant=one.plant, name=one.name, version=version, begin=begin, to=moved(begin, cause), cause=cause, by=one.by,
        why=one.why, time_us=one.time_us,
    )  # fmt: skip
