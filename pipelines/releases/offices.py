"""Which release does what on a running plant: offered, promoted, rolled back, beside the champion, kept for a type.

The command line and the HTTP API both ask here. A wish goes on the topic; what came of it is told when all partitions
have met it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from models.plant import Plant
from models.records import Appointment, Release, ReleaseMove
from models.release import Cause, Channel, Kind, Refused, Role, State, decoded
from pipelines.controls.plant import names_of
from pipelines.releases.board import Board
from pipelines.releases.moves import ReleaseError, Who, Wish, move_of, moves_of, said_of
from pipelines.releases.readiness import awaited, check_ready, listed, refused_said

PATIENCE_S = 30.0
"""How long workers may take to load a release: under two seconds where the registry is near."""


class BoardLog(Protocol):
    """The topic of releases, and the audit. All may raise what its client raises."""

    def now(self) -> Board:
        """What it says now."""
        ...

    def wait(self, done: Callable[[Board], bool], patience_s: float) -> Board:
        """The board once it is as asked, or as it is after so many seconds."""
        ...

    def send(self, records: Sequence[Release | Appointment]) -> None:
        """Put releases and appointments on it."""
        ...

    def withdraw(self, release: Release) -> None:
        """Take a release off it."""
        ...

    def audit(self, records: Sequence[Appointment | ReleaseMove]) -> None:
        """Put what came of them on the audit."""
        ...


class Place(NamedTuple):
    """Where releases are moved: the topic, the plant, asked for at each call since its file may change, the clock."""

    log: BoardLog
    plant: Callable[[], Plant]
    partitions: int
    now_us: Callable[[], int]
    in_folder: Callable[[str], str]
    """The version of the file of a name in the models' folder; empty for none."""
    patience_s: float = PATIENCE_S


class Offices:
    """Of one plant. All methods raise ReleaseError, give what was done in lines for people, and may wait PATIENCE_S."""

    def __init__(self, place: Place) -> None:
        self._log, self._plant, self.partitions, self._now_us, self.in_folder, self._patience_s = place

    @property
    def plant(self) -> Plant:
        """As its file is now."""
        return self._plant()

    def board(self) -> Board:
        """What the topic says now."""
        return self._log.now()

    def check_offer(self, release: Release) -> None:
        """Raise ReleaseError for a name that no type has, and for what must not take the place of the same version."""
        known = names_of(self.plant)
        if release.name not in known:
            listed_names = ", ".join(sorted(known)) or "none"
            raise ReleaseError(
                f"no asset type of the plant file has the model '{release.name}': there are {listed_names}"
            )
        there = self.board().releases.get(release.version)
        if there is not None and (why := _unlike(there, release)):
            raise ReleaseError(f"{release.version} is a release already, {why}")

    def offer(self, release: Release, channel: Channel, who: Who) -> list[str]:
        """Put a release, whose files are in the registry, on the topic, and wait for what workers say."""
        self.check_offer(release)
        self._log.send([release])
        board = self._log.wait(lambda now: not awaited(now, release.version, self.partitions), self._patience_s)
        refused, waiting = board.refused(release.version), awaited(board, release.version, self.partitions)
        if refused:
            raise ReleaseError(refused_said(release.version, refused))
        if waiting:
            return [
                f"no word from the workers of partitions {listed(waiting)} after {self._patience_s:g} s: they load it "
                "when they run and reach the registry (FOREWARN_REGISTRY); publish it again then, to have it run "
                "beside the champion"
            ]
        said = [f"loaded by the workers of all {self.partitions} partitions: forewarn model promote {release.version}"]
        if channel is Channel.SPARE or not self._may_shadow(board, release):
            return said
        if not board.version_of(release.name, Role.CHAMPION) and self.in_folder(release.name) == release.version:
            said.append(f"it is what '{release.name}' means already, the folder's file: it runs beside nothing")
        else:
            said += self.appoint(board, Wish(release.name, Role.SHADOW, release.version, Cause.SHADOWS), who)
        return said

    def _may_shadow(self, board: Board, release: Release) -> bool:
        is_free = board.state_of(release.version) in (State.CHECKED, State.RETIRED)
        return is_free and decoded(bytes(release.manifest)).kind is Kind.FAILURE

    def promote(self, version: str, who: Who) -> list[str]:
        """Have a name mean a release, once the owners of all partitions have it loaded, and wait until all met it."""
        board = self.board()
        if version in names_of(self.plant):
            return self.appoint(board, Wish(version, Role.CHAMPION, "", Cause.PROMOTED), who)
        release = self._release(board, version)
        board = self._loaded(version)
        wishes = [Wish(release.name, Role.CHAMPION, version, Cause.PROMOTED)]
        if board.version_of(release.name, Role.SHADOW) == version:
            wishes.append(Wish(release.name, Role.SHADOW, "", Cause.PROMOTED))
            if board.version_of(release.name, Role.CHAMPION) == version:  # whoever promoted it did not come so far
                del wishes[0]
        return [said for wish in wishes for said in self.appoint(board, wish, who)]

    def roll_back(self, name: str, who: Who) -> list[str]:
        """Have a name mean what it meant before the last change."""
        board = self.board()
        champion = board.appointed.get(name)
        if champion is None:
            raise ReleaseError(_nothing_before(board, name))
        if champion.cause is Cause.ROLLED_BACK:
            said = said_of(name, Role.CHAMPION, champion.version, "")
            raise ReleaseError(
                f"{champion.by} rolled it back already, and {said}: promote what it is to mean by its version, or by "
                "the name alone for the file of that name"
            )
        if champion.before:
            check_ready(board, champion.before, self.partitions)
        return self.appoint(board, Wish(name, Role.CHAMPION, champion.before, Cause.ROLLED_BACK), who)

    def end_shadow(self, name: str, who: Who) -> list[str]:
        """Have no release run beside a name's champion."""
        board = self.board()
        if not board.version_of(name, Role.SHADOW):
            raise ReleaseError(f"no release runs beside '{name}': `forewarn model publish` has one do so")
        return self.appoint(board, Wish(name, Role.SHADOW, "", Cause.REPLACED), who)

    def pin(self, version: str, asset_type: str, who: Who) -> list[str]:
        """Have an asset type stay with a release, whatever its model's name comes to mean."""
        release = self._release(self.board(), version)
        kind = self.plant.types.get(asset_type)
        if kind is None or release.name not in kind.named:
            raise ReleaseError(f"no asset type '{asset_type}' of the plant file has the model '{release.name}'")
        return self.appoint(self._loaded(version), Wish(release.name, Role.PIN, version, Cause.PINNED, asset_type), who)

    def freeze(self, asset_type: str, who: Who) -> list[str]:
        """Have an asset type stay with the releases that it has now: of names that it goes with, what they mean."""
        kind = self.plant.types.get(asset_type)
        if kind is None:
            raise ReleaseError(f"no asset type '{asset_type}' in the plant file")
        board = self.board()
        free = [name for name in kind.named if not board.version_of(name, Role.PIN, asset_type)]
        means = [version for name in free if (version := board.version_of(name, Role.CHAMPION))]
        files = ", ".join(f"'{name}'" for name in free if not board.version_of(name, Role.CHAMPION))
        meant = f"of {files} the folder's files are meant, which can change: publish and promote one first"
        if not means:
            stays = f"'{asset_type}' stays with the releases it has" if kind.named else f"'{asset_type}' has no model"
            raise ReleaseError(meant if files else f"{stays}: nothing was changed")
        return [said for version in means for said in self.pin(version, asset_type, who)] + [meant] * bool(files)

    def unpin(self, asset_type: str, who: Who) -> list[str]:
        """Have an asset type go with its models' names again."""
        board = self.board()
        pins = (one for one in board.appointed.values() if (one.role, one.asset_type) == (Role.PIN, asset_type))
        held = [one for one in pins if one.version]
        if not held:
            raise ReleaseError(f"'{asset_type}' stays with no release: nothing was changed")
        wishes = [Wish(one.name, Role.PIN, "", Cause.UNPINNED, asset_type) for one in held]
        return [said for wish in wishes for said in self.appoint(board, wish, who)]

    def withdraw(self, version: str, who: Who) -> list[str]:
        """Take a release off the topic: workers drop it. What has an office, or is the way back, stays."""
        board = self.board()
        release = self._release(board, version)
        _check_free(board, version)
        begin = self.state_of(board, version)
        self._log.withdraw(release)
        try:
            _check_free(self.board(), version)
        except ReleaseError:  # it was given an office meanwhile
            self._log.send([release])
            raise
        self._log.audit([move_of(release, version, begin, Cause.WITHDRAWN, who, self._now_us())])
        return [f"{version} is withdrawn; its files stay in the registry"]

    def state_of(self, board: Board, version: str) -> State:
        """Where a release stands, from what all workers said."""
        state = board.state_of(version)
        if state is State.CHECKED and board.lacking(version, self.partitions):
            return State.REFUSED if board.refused(version) else State.OFFERED
        return state

    def appoint(self, board: Board, wish: Wish, who: Who) -> list[str]:
        """Put a wish on the topic and the audit, and wait until all partitions have met it."""
        last = board.appointed.get(wish.office)
        if last is not None and last.version == wish.version:
            raise ReleaseError(f"{wish.said} already: nothing was changed")
        one = Appointment(
            plant=board.plant, name=wish.name, role=wish.role, asset_type=wish.asset_type, version=wish.version,
            number=last.number + 1 if last else 1, before=last.version if last else "", cause=wish.cause, by=who.by,
            why=who.why, time_us=self._now_us(),
        )  # fmt: skip
        self._log.send([one])
        now = self.board()
        held = now.appointed.get(wish.office)
        if held != one:
            by = f"{held.by}: {said_of(held.name, held.role, held.version, held.asset_type)}" if held else "nobody"
            raise ReleaseError(f"somebody else changed it meanwhile, {by}: nothing came of this")
        self._log.audit([one, *moves_of(one, board)])  # before the wait, which may be broken off
        if wish.version in board.releases.keys() - now.releases.keys():  # withdrawn meanwhile
            self._log.send([board.releases[wish.version]])
        after = self._log.wait(lambda now: not now.behind(one, self.partitions), self._patience_s)
        behind = after.behind(one, self.partitions)
        if behind:
            raise ReleaseError(
                f"{wish.said} from now on, but partitions {listed(behind)} have not met it after "
                f"{self._patience_s:g} s: do workers run (`forewarn doctor`)? They go over by themselves"
            )
        return [f"{wish.said} on all {self.partitions} partitions"]

    def _release(self, board: Board, version: str) -> Release:
        release = board.releases.get(version)
        if release is None:
            known = ", ".join(board.releases) or "none"
            raise ReleaseError(f"no release {version}: there are {known}; `forewarn model publish` offers one")
        return release

    def _loaded(self, version: str) -> Board:
        """The board once all workers have loaded a release."""
        board = self._log.wait(lambda now: not awaited(now, version, self.partitions), self._patience_s)
        self._release(board, version)  # it may have been withdrawn
        check_ready(board, version, self.partitions)
        return board


def _check_free(board: Board, version: str) -> None:
    """Raise ReleaseError where a release has an office, or is the way back."""
    held = [one for one in board.appointed.values() if version in (one.version, _goes_back(one))]
    if held:
        said = said_of(held[0].name, held[0].role, held[0].version, held[0].asset_type)
        what = said if held[0].version == version else f"it is the way back, while {said}"
        raise ReleaseError(f"{version} cannot be withdrawn: {what}")


def _goes_back(one: Appointment) -> str:
    """Where a rollback would go: one that was rolled back itself goes nowhere."""
    return one.before if one.role is Role.CHAMPION and one.cause is not Cause.ROLLED_BACK else ""


def _nothing_before(board: Board, name: str) -> str:
    if "@" in name:
        return f"give the name alone, {name.partition('@')[0]}: it goes back to what it meant before"
    known = ", ".join(sorted(one.name for one in board.appointed.values() if one.role is Role.CHAMPION)) or "none"
    return f"'{name}' means the file of that name, and meant nothing before: promoted are {known}"


def _unlike(there: Release, release: Release) -> str:
    """Why a release must not take the place of one of its version; empty if it may."""
    if there.signatures and not release.signatures:
        keys = ", ".join(one.key for one in there.signatures)
        return f"signed by {keys}, and workers that start anew would not take it unsigned: publish it signed"
    try:
        same = decoded(bytes(there.manifest)).files == decoded(bytes(release.manifest)).files
    except Refused:
        return "whose manifest cannot be read: withdraw it first"
    return "" if same else "of the same ONNX file with another card: export it anew"
