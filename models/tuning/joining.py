"""Which quality result is of which part of a station: by the part's id, or by the time of making. Pure.

Results come hours late, before their part, twice, or corrected. One without a part waits, and is counted when it has
waited too long: nothing is guessed.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import NamedTuple

from models.records import Part, QualityResult
from models.tuning.journal import Journal


class Place(NamedTuple):
    """Where a part is: in which journal, in which row."""

    journal: Journal
    at: int


class Joiner:
    """Of one station, over all products that it makes."""

    def __init__(self, tolerance_us: int, late_us: int) -> None:
        self._tolerance_us, self._late_us = tolerance_us, late_us
        self.lost = 0
        """Results that waited for their part until it was too late."""
        self._parts: dict[str, Place | None] = {}
        self._times: list[tuple[int, int]] = []
        self._places: list[Place] = []
        self._waiting: dict[str, QualityResult] = {}
        self._untied: list[QualityResult] = []

    @property
    def waiting(self) -> int:
        """Results that have no part yet."""
        return len(self._waiting) + len(self._untied)

    def take_part(self, part: Part, journal: Journal) -> bool:
        """Take a part into the journal of its product; False for one that is known, which stays as it is."""
        if part.part in self._parts:
            return False
        at = journal.take(part)
        if at is None:
            self._parts[part.part] = None
            self._waiting.pop(part.part, None)
            return False
        place = self._parts[part.part] = Place(journal, at)
        insort(self._times, (part.time_us, len(self._places)))
        self._places.append(place)
        if (result := self._waiting.pop(part.part, None)) is not None:
            journal.put(at, result)
        return True

    def take_result(self, result: QualityResult) -> bool:
        """Take what was found; whether its part is known. One without is kept until its part comes."""
        if result.part is None:
            place = self._nearest(result.time_us)
            if place is None:
                self._untied.append(result)
                return False
        elif result.part not in self._parts:
            known = self._waiting.get(result.part)
            if known is None or result.found_us >= known.found_us:
                self._waiting[result.part] = result
            return False
        else:
            place = self._parts[result.part]
        if place is not None:  # else a part that does not say its settings, which was counted
            place.journal.put(place.at, result)
        return True

    def settle(self, now_us: int) -> None:
        """Join what waits by time and can be joined by now; count what waited too long."""
        untied, self._untied = self._untied, []
        for result in untied:
            if not self.take_result(result) and result.found_us < now_us - self._late_us:
                self._untied.remove(result)
                self.lost += 1
        late = [part for part, one in self._waiting.items() if one.found_us < now_us - self._late_us]
        self.lost += len(late)
        for part in late:
            del self._waiting[part]

    def _nearest(self, time_us: int) -> Place | None:
        """The part made nearest to a time, within the tolerance; the earlier of two."""
        at = bisect_left(self._times, (time_us, -1))
        near = self._times[max(0, at - 1) : at + 1]
        best = min(near, key=lambda one: abs(one[0] - time_us), default=None)
        return self._places[best[1]] if best is not None and abs(best[0] - time_us) <= self._tolerance_us else None
