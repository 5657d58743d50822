"""What people found of warnings that they closed: how many were inspected, and in how many of them something was found.

Only what a person said counts: Forewarn closes what nobody looked at, and that says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from models.alerting.precision import Precision, precision
from models.failure.closed import MEANT
from models.failure.documents import Finding
from models.plant.rules import ANY_MODE
from models.records import Alert


class Track(NamedTuple):
    """Closed warnings that somebody inspected, and those in which something was found."""

    inspected: int = 0
    found: int = 0

    @property
    def precision(self) -> Precision | None:
        """The share found with its interval; None where none was inspected."""
        return precision(self.found, self.inspected)


def found_in(case: Alert) -> bool | None:
    """Whether something was found of the machine; None where nobody looked at it, or it is not closed."""
    meant = MEANT[case.outcome.reason] if case.outcome else None
    if meant is None or meant.finding is Finding.UNSAID:
        return None
    return meant.finding is Finding.DAMAGE


def track_of(cases: Iterable[Alert]) -> Track:
    """Of warnings, each once; those of history count for nothing."""
    said = [found for case in cases if not case.historical and (found := found_in(case)) is not None]
    return Track(len(said), sum(said))


def suspected(case: Alert) -> str:
    """The failure mode that a warning speaks of: its own, else the one that a model holds likeliest, else any."""
    if case.mode != ANY_MODE or not case.modes:
        return case.mode
    return case.modes[0].mode
