"""The loss ledger of a partition: read = stored + rejected, in rows and in values. Late is a share of stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from models.records import Reject

MOST_SOURCES, MOST_FEEDS = 200, 100
"""Sources and feeds that are told apart; what other sources send is counted together, so that rubbish cannot fill
the state, of which the ledger is a part."""
LEDGER = "ledger"
"""The part of a snapshot that it is, never larger than one slice."""
LEDGER_KEY = f"/{LEDGER}#0".encode()
"""How its key ends on the topic of state."""
EVENTS, OTHERS = "(events)", "(others)"


class Source(Struct):
    """Counts of what one source sent, as named in its frames; the events of people and systems are one, too."""

    rows_read: int = 0
    rows_stored: int = 0
    rows_late: int = 0
    values_read: int = 0
    values_stored: int = 0

    def store(self, rows: int, late: int, values: int) -> None:
        """Count what is to be stored."""
        self.rows_stored += rows
        self.rows_late += late
        self.values_stored += values

    @property
    def rows_rejected(self) -> int:
        """Rows of which nothing was stored."""
        return self.rows_read - self.rows_stored

    @property
    def values_rejected(self) -> int:
        """Values that were not stored."""
        return self.values_read - self.values_stored


class Ledger(Struct):
    """Counts since the partition began. A maintenance record or work order is a row; a tick has none.

    `sources` has the same by source, and `feeds` what each feed last said of itself.
    """

    records_read: int = 0
    records_rejected: int = 0
    rows_read: int = 0
    rows_stored: int = 0
    rows_late: int = 0
    rows_rejected: int = 0
    values_read: int = 0
    values_stored: int = 0
    values_late: int = 0
    values_rejected: int = 0
    forecasts: int = 0
    alerts: int = 0
    notices: int = 0
    rejected_by_reason: dict[str, int] = {}
    sources: dict[str, Source] = {}
    feeds: dict[str, dict[str, int]] = {}

    def report(self, feed: str, counts: dict[str, int]) -> None:
        """Keep what a feed last said of itself."""
        if feed in self.feeds or len(self.feeds) < MOST_FEEDS:
            self.feeds[feed] = counts

    def of(self, source: str) -> Source:
        """The counts of a source."""
        found = self.sources.get(source)
        if found is None:
            known = len(self.sources.keys() - {EVENTS, OTHERS})
            name = source if known < MOST_SOURCES or source == EVENTS else OTHERS
            found = self.sources.setdefault(name, Source())
        return found

    def reject(self, reason: Reject, count: int) -> None:
        """Count values (or, of a whole record, its values or at least 1) under their reason."""
        self.rejected_by_reason[reason] = self.rejected_by_reason.get(reason, 0) + count

    def read(self, by_source: Mapping[str, tuple[int, int]]) -> None:
        """Count rows and values of each source as read."""
        for name, (rows, values) in by_source.items():
            source = self.of(name)
            source.rows_read += rows
            source.values_read += values
            self.rows_read += rows
            self.values_read += values

    def store(self, rows: int, values: int) -> None:
        """Count rows of events that were read and are all to be stored."""
        source = self.of(EVENTS)
        source.rows_read += rows
        source.rows_stored += rows
        source.values_read += values
        source.values_stored += values
        self.rows_read += rows
        self.rows_stored += rows
        self.values_read += values
        self.values_stored += values

    def hold(self, rows: int, values: int, source: str) -> None:
        """Count a whole record, read and kept apart for a decision: it is read anew where that lets it in."""
        self.records_rejected += 1
        self.rows_read += rows
        self.rows_rejected += rows
        self.values_read += values
        self.values_rejected += values
        of = self.of(source)
        of.rows_read += rows
        of.values_read += values
        self.reject(Reject.CLOCK_JUMP, max(1, values))

    def refuse(self, source: str, values: int, late: bool) -> None:
        """Move one row of so many values from stored to rejected: the store did not take it."""
        of = self.of(source)
        of.rows_stored -= 1
        of.values_stored -= values
        of.rows_late -= late
        self.rows_stored -= 1
        self.rows_rejected += 1
        self.values_stored -= values
        self.values_rejected += values
        self.rows_late -= late
        self.values_late -= values * late
        self.reject(Reject.STORE_REFUSED, values)

    @property
    def balances(self) -> bool:
        """Whether every row and value read was stored or rejected, and those of the sources are all."""
        return (
            self.rows_read == self.rows_stored + self.rows_rejected
            and self.values_read == self.values_stored + self.values_rejected
            and all(
                getattr(self, name) == sum(getattr(source, name) for source in self.sources.values())
                for name in Source.__struct_fields__
            )
        )

    @staticmethod
    def total(ledgers: Iterable[Ledger]) -> Ledger:
        """The sum over partitions."""
        out = Ledger()
        for ledger in ledgers:
            for name in COUNTS:
                setattr(out, name, getattr(out, name) + getattr(ledger, name))
            for source, counts in ledger.sources.items():
                sums = out.sources.setdefault(source, Source())
                for name in Source.__struct_fields__:
                    setattr(sums, name, getattr(sums, name) + getattr(counts, name))
            out.feeds |= ledger.feeds
            for reason, count in ledger.rejected_by_reason.items():
                out.rejected_by_reason[reason] = out.rejected_by_reason.get(reason, 0) + count
        return out


COUNTS = tuple(name for name in Ledger.__struct_fields__ if name not in ("rejected_by_reason", "sources", "feeds"))
"""The counts that are plain numbers."""
