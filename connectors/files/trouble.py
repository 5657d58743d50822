"""What of a file could not be used, as dead letters: the first of a kind one by one, the others counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Any

import polars as pl
from msgspec import Struct

from models.records import DeadLetter, Reject

TOLD = 20
"""Letters of one kind about a file, as the files feed tells bad lines. Our choice."""
EXAMPLES = 10
"""Names in a letter that is about many. Our choice."""
PAYLOAD_KEPT = 2048
"""Characters of a line that its letter carries."""
LINE = "(line)"
TIME = "(time)"
"""Columns that rows have beside their own while they are read: the line they came from, and their time in us. Other
columns that no file has are in such brackets, too."""


class Told(Struct, frozen=True):
    """A letter, and the time of its row where that is known."""

    letter: DeadLetter
    time_us: int | None = None


class Trouble:
    """Collects the letters about one file; `word` is what its rows are counted in."""

    def __init__(self, plant: str, name: str, word: str = "line", delimiter: str = ",") -> None:
        self.name = name
        self._plant, self._word, self._delimiter = plant, word, delimiter
        self._told: list[Told] = []
        self._seen: Counter[tuple[Reject, str]] = Counter()
        self._counts: Counter[tuple[Reject, str]] = Counter()
        self._such: dict[tuple[Reject, str], list[str]] = {}

    def take(self) -> list[Told]:
        """What was told since it was last asked."""
        told, self._told = self._told, []
        return told

    def end(self) -> list[Told]:
        """The last of it: with letters that count what was not told one by one."""
        for (reason, kind), seen in self._seen.items():
            if seen > TOLD:
                self.tell(reason, f"{seen - TOLD} more {self._word}s with {kind}")
        for (reason, what), count in self._counts.items():
            such = self._such.get((reason, what))
            self.tell(reason, f"{count} {what}" + (f", such as {few(such)}" if such else ""))
        for each in (self._seen, self._counts, self._such):
            each.clear()
        return self.take()

    def tell(self, reason: Reject, what: str, time_us: int | None = None, asset: str = "", line: str = "") -> None:
        """One letter. Raises nothing."""
        payload = line[:PAYLOAD_KEPT]
        digest = sha256(line.encode("utf-8", "replace")).hexdigest() if line else ""
        letter = DeadLetter(
            plant=self._plant,
            reason=reason,
            detail=f"{self.name}: {what}",
            asset=asset,
            payload=payload,
            payload_sha256=digest,
        )
        self._told.append(Told(letter, time_us))

    def count(self, reason: Reject, what: str, number: int, such: Iterable[str] = ()) -> None:
        """Count what is told at the end in one letter, with some names for example."""
        if number:
            self._counts[reason, what] += number
            named = self._such.setdefault((reason, what), [])
            named += [name for name in such if name not in named][: EXAMPLES - len(named)]

    def lines(self, reason: Reject, kind: str, bad: Iterable[tuple[int, str, str]]) -> None:
        """Lines by number, with what is wrong with them and how they begin."""
        for number, what, line in bad:
            self._seen[reason, kind] += 1
            if self._seen[reason, kind] <= TOLD:
                self._line(reason, number, what, None, "", line)

    def rows(self, reason: Reject, kind: str, bad: pl.DataFrame, say: Callable[[dict[str, Any]], str]) -> None:
        """Rows as they were read, with LINE and perhaps TIME, and what to say of one."""
        room = max(0, TOLD - self._seen[reason, kind])
        self._seen[reason, kind] += len(bad)
        for row in bad.head(room).to_dicts():
            number, time_us = row.pop(LINE), row.pop(TIME, None)
            cells = [cell for name, cell in row.items() if not name.startswith("(")]
            line = self._delimiter.join("" if cell is None else str(cell) for cell in cells)
            self._line(reason, number, say(row), time_us, "", line)

    def _line(self, reason: Reject, number: int, what: str, time_us: int | None, asset: str, line: str) -> None:
        before, self.name = self.name, f"{self.name}, {self._word} {number}"
        self.tell(reason, what, time_us, asset, line)
        self.name = before


def few(names: Sequence[str]) -> str:
    """The first of some names, for people."""
    more = f" and {len(names) - EXAMPLES} more" if len(names) > EXAMPLES else ""
    return ", ".join(f"'{name}'" for name in names[:EXAMPLES]) + more
