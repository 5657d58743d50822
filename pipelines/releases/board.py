"""What the topic of releases says, folded: which there are, what each name is to mean, and which worker has which.

Pure. The topic is compacted: the last value of a key is all that counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from models.records import Appointment, Ready, Release, decode
from models.release import Refused, Role, State, decoded, office

PARTITION = 0
"""Of the topic: all lie on one, so that there is one order of what was promoted."""
OFFERED = 3
"""Releases of a name that are kept loaded beside the champion and the one before it, the newest. Our choice."""


def key_of(record: Release | Appointment | Ready) -> bytes:
    """The key of a record on the topic."""
    match record:
        case Release():
            said = f"release/{record.version}"
        case Appointment():
            said = f"appointment/{record.office}"
        case Ready():
            said = f"ready/{record.partition}"
    return f"{record.plant}/{said}".encode()


class Odd(ValueError):
    """A record is none of this topic; the message says why."""


class Board:
    """Of one plant."""

    def __init__(self, plant: str) -> None:
        self.plant = plant
        self.releases: dict[str, Release] = {}
        """By version, in the order in which they were offered."""
        self.appointed: dict[str, Appointment] = {}
        """By office."""
        self.ready: dict[int, Ready] = {}
        """By partition: what its owner said last."""

    def take(self, key: bytes, value: bytes | None) -> None:
        """Take a record of the topic. Raises Odd for one that is not of it, and changes nothing then.

        An appointment whose number is not over the last one's was overtaken, and what is of another plant is for
        others: they change nothing. A version stays with its files, but may be offered anew.
        """
        if value is None:
            self._withdraw(key)
            return
        record = _read(value)
        if record.plant != self.plant:
            return
        if key_of(record) != key:
            raise Odd(f"a {type(record).__name__} under the key {key[:100]!r}, not {key_of(record)!r}")
        if isinstance(record, Appointment):
            last = self.appointed.get(record.office)
            if last is None or record.number > last.number:
                self.appointed[record.office] = record
        elif isinstance(record, Release):
            self._offered(record)
        else:
            self.ready[record.partition] = record

    def _offered(self, release: Release) -> None:
        known = self.releases.get(release.version)
        if known is not None and not _same_files(known, release):
            raise Odd(f"{release.version} is offered with other files than it has: what it was stays")
        if known is not None and known != release:  # why the one before was refused is nothing of this one
            self.ready = {at: _without(one, release.version) for at, one in self.ready.items()}
        self.releases.pop(release.version, None)
        self.releases[release.version] = release

    def _withdraw(self, key: bytes) -> None:
        """Forget a release that was taken off the topic."""
        prefix = f"{self.plant}/release/".encode()
        if key.startswith(prefix):
            self.releases.pop(key[len(prefix) :].decode(errors="replace"), None)

    def wanted(self, names: Iterable[str]) -> list[Release]:
        """Releases that a worker of these names loads: those appointed and before them, the last OFFERED of each."""
        out: dict[str, Release] = {}
        for name in sorted(names):
            versions = self.held(name)
            versions += [one.version for one in self.releases.values() if one.name == name][-OFFERED:]
            out |= {version: self.releases[version] for version in versions if version in self.releases}
        return list(out.values())

    def held(self, name: str) -> list[str]:
        """Releases of a name that have an office, or had it before."""
        held = [one for one in self.appointed.values() if one.name == name]
        return [version for one in held for version in (one.version, one.before) if version]

    def version_of(self, name: str, role: Role, asset_type: str = "") -> str:
        """The release that has an office; empty for the file of that name, no shadow, or no pin."""
        one = self.appointed.get(office(name, role, asset_type))
        return one.version if one else ""

    def state_of(self, version: str) -> State:
        """Where a release stands among those that workers have loaded, as far as the topic tells."""
        held = {one.role for one in self.appointed.values() if one.version == version}
        if held & {Role.CHAMPION, Role.PIN}:
            return State.CHAMPION
        if held:
            return State.SHADOW
        before = {one.before for one in self.appointed.values() if one.role is Role.CHAMPION}
        return State.RETIRED if version in before else State.CHECKED

    def lacking(self, version: str, partitions: int) -> list[int]:
        """Partitions whose owner has not loaded a release, or that nobody has owned."""
        return [at for at in range(partitions) if at not in self.ready or version not in self.ready[at].loaded]

    def refused(self, version: str) -> Mapping[int, str]:
        """Why the owners of partitions refused a release."""
        return {at: one.refused[version] for at, one in sorted(self.ready.items()) if version in one.refused}

    def behind(self, one: Appointment, partitions: int) -> list[int]:
        """Partitions that have not met the change of an appointment yet."""
        return [
            at
            for at in range(partitions)
            if at not in self.ready or self.ready[at].means.get(one.office, 0) < one.number
        ]


def _read(value: bytes) -> Release | Appointment | Ready:
    try:
        record = decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise Odd(f"no record: {wrong}") from wrong
    if not isinstance(record, Release | Appointment | Ready):
        raise Odd(f"a {type(record).__name__}, which is of another topic")
    return record


def _without(said: Ready, version: str) -> Ready:
    """What a worker said, but for why it refused a release."""
    return replace(said, refused={each: why for each, why in said.refused.items() if each != version})


def _same_files(one: Release, other: Release) -> bool:
    try:
        return decoded(bytes(one.manifest)).files == decoded(bytes(other.manifest)).files
    except Refused:  # of one of them nothing can be told: the first stays
        return bytes(one.manifest) == bytes(other.manifest)
