"""One partition as those see it who carry it out and look at it: the runner, the watcher, the desk."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from pipelines.ledger import Ledger
from pipelines.meters import Scores, Size
from pipelines.ports import Effects, Output, RawRecord, Refusal, Snapshot
from pipelines.state import Meant


class Heart(Protocol):
    """One partition's step: records in, effects out; owns the state."""

    next_offset: int
    """Every record below it is in the state."""

    @property
    def ledger(self) -> Ledger:
        """What was read, stored and rejected, live."""
        ...

    @property
    def scores(self) -> Scores:
        """What was due and scored here, live."""
        ...

    @property
    def size(self) -> Size:
        """How much it remembers."""
        ...

    @property
    def plant_version(self) -> str:
        """Version of the plant that records are read by."""
        ...

    @property
    def meant(self) -> Mapping[str, Meant]:
        """What models' names mean, of those that a release was promoted for."""
        ...

    @property
    def missing(self) -> Collection[str]:
        """Offices whose release is meant and cannot be loaded."""
        ...

    def receive(self, batch: Sequence[RawRecord]) -> Effects:
        """Take records in order; those below `next_offset` are skipped."""
        ...

    def refuse(self, raw: RawRecord, why: str) -> Effects:
        """Take a record as rejected, unread: a step over it alone failed."""
        ...

    def acknowledged(self, refused: Sequence[Refusal]) -> Sequence[Output]:
        """The effects are out but for these rows; answers with their dead letters."""
        ...

    def snapshot(self) -> Snapshot | None:
        """The state as of now, None if nothing changed since the last one."""
        ...
