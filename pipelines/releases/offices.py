"""Which release does what on a running plant: offered, promoted, rolled back, beside the champion, kept for a type.

The command line and the HTTP API both ask here. A wish goes on the topic; what came of it is told when all partitions
have met it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from models.plant import Plant
from models.records import Appointment, Release, ReleaseMove
from models.release import Cause, Channel, File, Kind, Part, Role, State, decoded, office
from pipelines.controls.plant import names_of
from pipelines.releases.board import Board
from pipelines.releases.moves import ReleaseError, Who, Wish, move_of, moves_of, said_of

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
        self._log, self._plant, self.partitions, self._now_us, self._in_folder, self._patience_s = place

    @property
    def plant(self) -> Plant:
        """As its file is now."""
        return self._plant()

    def board(self) -> Board:
        """What the topic says now."""
        return self._log.now()

    def check_offer(self, release: Release) -> None:
        """Raise ReleaseError for a name that no type has, and for other files than the version has already."""
        known = names_of(self.plant)
        if release.name not in known:
            listed_names = ", ".join(sorted(known)) or "none"
            raise ReleaseError(
                f"no asset type of the plant file has the model '{release.name}': there are {listed_names}"
            )
        there = self.board().releases.get(release.version)
        if there is not None and _files(there) != _files(release):
            raise ReleaseError(
                f"{release.version} is a release already, of the same ONNX file with another card: export it anew"
            )

    def offer(self, release: Release, channel: Channel, who: Who) -> list[str]:
        """Put a release, whose files are in the registry, on the topic, and wait for what workers say."""
        self.check_offer(release)
        self._log.send([release])
        board = self._log.wait(lambda now: not awaited(now, release.version, self.partitions), self._patience_s)
        refused, waiting = board.refused(release.version), awaited(board, release.version, self.partitions)
        if refused:
            raise ReleaseError(_refused(release.version, refused))
        if waiting:
            return [
                f"no word from the workers of partitions {listed(waiting)} after {self._patience_s:g} s: they load it "
                "when they run; publish it again then, to have it run beside the champion"
            ]
        said = [f"loaded by the workers of all {self.partitions} partitions: forewarn model promote {release.version}"]
        if channel is Channel.SPARE or not self._may_shadow(board, release):
            return said
        if not board.version_of(release.name, Role.CHAMPION) and self._in_folder(release.name) == release.version:
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
        said = self.appoint(board, Wish(release.name, Role.CHAMPION, version, Cause.PROMOTED), who)
        beside = board.appointed.get(office(release.name, Role.SHADOW))
        if beside is not None and beside.version == version:
            said += self.appoint(board, Wish(release.name, Role.SHADOW, "", Cause.PROMOTED), who)
        return said

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
        """Have an asset type stay with the releases that its models' names mean now."""
        kind = self.plant.types.get(asset_type)
        if kind is None:
            raise ReleaseError(f"no asset type '{asset_type}' in the plant file")
        board = self.board()
        means = {name: board.version_of(name, Role.CHAMPION) for name in kind.named}
        if not any(means.values()):
            names = ", ".join(f"'{name}'" for name in means) or "no model"
            raise ReleaseError(
                f"'{asset_type}' has {names}, of which the folder's files are meant, which can change: publish and "
                "promote one first"
            )
        return [said for version in means.values() if version for said in self.pin(version, asset_type, who)]

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
        held = [one for one in board.appointed.values() if one.version == version or _goes_back(one) == version]
        if held:
            said = said_of(held[0].name, held[0].role, held[0].version, held[0].asset_type)
            what = said if held[0].version == version else f"it is the way back, while {said}"
            raise ReleaseError(f"{version} cannot be withdrawn: {what}")
        begin = self.state_of(board, version)
        self._log.withdraw(release)
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
        after = self._log.wait(lambda now: not now.behind(one, self.partitions), self._patience_s)
        held = after.appointed.get(wish.office)
        if held != one:
            by = f"{held.by}: {said_of(held.name, held.role, held.version, held.asset_type)}" if held else "nobody"
            raise ReleaseError(f"somebody else changed it meanwhile, {by}: nothing came of this")
        self._log.audit([one, *moves_of(one, board)])
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
        check_ready(board, version, self.partitions)
        return board


def _goes_back(one: Appointment) -> str:
    """Where a rollback would go."""
    return one.before if one.role is Role.CHAMPION else ""


def _nothing_before(board: Board, name: str) -> str:
    if "@" in name:
        return f"give the name alone, {name.partition('@')[0]}: it goes back to what it meant before"
    known = ", ".join(sorted(one.name for one in board.appointed.values() if one.role is Role.CHAMPION)) or "none"
    return f"'{name}' means the file of that name, and meant nothing before: promoted are {known}"


def _files(release: Release) -> Mapping[Part, File]:
    return decoded(bytes(release.manifest)).files


def check_ready(board: Board, version: str, partitions: int) -> None:
    """Raise ReleaseError where a partition's owner has not loaded a release."""
    refused = board.refused(version)
    if refused:
        raise ReleaseError(_refused(version, refused))
    lacking = board.lacking(version, partitions)
    if lacking:
        raise ReleaseError(
            f"{version} is not loaded by the workers of partitions {listed(lacking)}: do they run "
            "(`forewarn doctor`), and do they reach the registry (FOREWARN_REGISTRY)? Nothing was changed"
        )


def _refused(version: str, refused: Mapping[int, str]) -> str:
    return f"{version} is refused by the workers of partitions {listed(refused)}: {why_of(refused)}"


def awaited(board: Board, version: str, partitions: int) -> list[int]:
    """Partitions whose owners have neither loaded nor refused it."""
    refused = board.refused(version)
    return [at for at in board.lacking(version, partitions) if at not in refused]


def why_of(refused: Mapping[int, str]) -> str:
    """Reasons, each once."""
    return "; ".join(sorted(set(refused.values())))


def listed(partitions: Iterable[int]) -> str:
    """Partitions, for people."""
    return ", ".join(map(str, partitions))
