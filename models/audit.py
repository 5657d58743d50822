"""The audit as chains of hashes: how an entry is put on one, and what is found where entries are not as they were put.

Pure. A chain shows what was done to its inside. It does not show that its end was cut off, nor what somebody adds at an
end who may write there: for that, heads are noted elsewhere and looked for later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from msgspec.structs import replace

from models.records import AuditEntry, encode

AT_ONCE_US = 60_000_000
"""Processes that begin an empty topic's first chains within a minute may not know of each other's."""


class Fault(StrEnum):
    """What is wrong with an entry."""

    CHANGED = "changed"
    REMOVED = "removed"
    REORDERED = "reordered"
    UNLINKED = "unlinked"
    FORKED = "forked"
    ORPHAN = "orphan"


SAYS = {
    Fault.CHANGED: "is not what was written: its hash does not fit",
    Fault.REMOVED: "is not there",
    Fault.REORDERED: "lies after entries that were written later",
    Fault.UNLINKED: "does not follow the entry before it: that is another than was there",
    Fault.FORKED: "is there more than once",
    Fault.ORPHAN: "begins its chain after an entry that is not there",
}


class Broken(NamedTuple):
    """An entry, by chain and number, that is not as it was put; of entries that are not there, up to `last`."""

    fault: Fault
    chain: str
    number: int
    last: int

    def __str__(self) -> str:
        """A sentence."""
        if self.last > self.number:
            return f"chain {self.chain}: entries {self.number} to {self.last}: each {SAYS[self.fault]}"
        return f"chain {self.chain}: entry {self.number} {SAYS[self.fault]}"


class Head(NamedTuple):
    """A chain's last entry, where no other chain began after it."""

    chain: str
    number: int
    hash: str


def hash_of(entry: AuditEntry) -> str:
    """What its hash has to be."""
    return hashlib.sha256(encode(replace(entry, hash=""))).hexdigest()


def sealed(entry: AuditEntry) -> AuditEntry:
    """With its hash."""
    return replace(entry, hash=hash_of(entry))


def after(last: AuditEntry | None, entry: AuditEntry) -> AuditEntry:
    """An entry sealed as the next of its chain, or as its first where `last` is of another, or none."""
    if last is None:
        placed = replace(entry, number=0, before="", before_chain="")
    elif last.chain == entry.chain:
        placed = replace(entry, number=last.number + 1, before=last.hash, before_chain="")
    else:
        placed = replace(entry, number=0, before=last.hash, before_chain=last.chain)
    return sealed(placed)


def verified(entries: Iterable[AuditEntry]) -> tuple[Broken, ...]:
    """What is wrong with entries as they lie on the log."""
    check = Check()
    for entry in entries:
        check.see(entry)
    return check.broken()


class _Chain:
    """How far a chain was read, and which of its numbers are missing so far."""

    def __init__(self) -> None:
        self.number, self.hash = -1, ""
        self.gaps: list[tuple[int, int]] = []

    def fill(self, number: int) -> bool:
        """Whether a number was missing; it is not any more."""
        for at, (low, high) in enumerate(self.gaps):
            if low <= number <= high:
                self.gaps[at : at + 1] = [
                    (first, last) for first, last in ((low, number - 1), (number + 1, high)) if first <= last
                ]
                return True
        return False


class Check:
    """Sees each entry once, in the log's order; of each it keeps the hash, some hundred bytes."""

    def __init__(self) -> None:
        self._chains: dict[str, _Chain] = {}
        self._hashes: set[str] = set()
        self._begun_after: set[str] = set()
        self._first_us: int | None = None
        self._broken: list[Broken] = []

    def see(self, entry: AuditEntry) -> None:
        """The next entry."""
        if self._first_us is None:
            self._first_us = entry.time_us
        if entry.hash != hash_of(entry):
            self._tell(Fault.CHANGED, entry)
        chain = self._chains.setdefault(entry.chain, _Chain())
        if entry.number > chain.number:
            self._see_next(chain, entry)
        else:
            self._tell(Fault.REORDERED if chain.fill(entry.number) else Fault.FORKED, entry)
        if entry.number == 0:
            self._see_first(entry)
        self._hashes.add(entry.hash)

    def broken(self) -> tuple[Broken, ...]:
        """What was found in what was seen."""
        missing = [
            Broken(Fault.REMOVED, name, low, high) for name, chain in self._chains.items() for low, high in chain.gaps
        ]
        return (*self._broken, *missing)

    def heads(self) -> tuple[Head, ...]:
        """What to note elsewhere."""
        ends = (Head(name, chain.number, chain.hash) for name, chain in self._chains.items())
        return tuple(end for end in ends if end.hash not in self._begun_after)

    def has(self, hashed: str) -> bool:
        """Whether an entry of this hash was seen."""
        return hashed in self._hashes

    def __len__(self) -> int:
        return len(self._hashes)

    def _see_next(self, chain: _Chain, entry: AuditEntry) -> None:
        if entry.number > chain.number + 1:
            chain.gaps.append((chain.number + 1, entry.number - 1))
        elif entry.number > 0 and entry.before != chain.hash:
            self._tell(Fault.UNLINKED, entry)
        chain.number, chain.hash = entry.number, entry.hash

    def _see_first(self, entry: AuditEntry) -> None:
        """A chain begins after an entry that is there, or at the log's beginning."""
        self._begun_after.add(entry.before)
        is_early = entry.time_us - (self._first_us or 0) <= AT_ONCE_US
        if entry.before not in self._hashes and not (entry.before == "" and is_early):
            self._tell(Fault.ORPHAN, entry)

    def _tell(self, fault: Fault, entry: AuditEntry) -> None:
        self._broken.append(Broken(fault, entry.chain, entry.number, entry.number))
