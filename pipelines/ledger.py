"""The loss ledger of a partition: read = stored + rejected, in rows and in values. Late is a share of stored."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from models.records import Reject


class Ledger(Struct):
    """Counts since the partition began. A maintenance record or work order is a row; a tick has none."""

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
    rejected_by_reason: dict[str, int] = {}

    def reject(self, reason: Reject, count: int) -> None:
        """Count values (or, of a whole record, its values or at least 1) under their reason."""
        self.rejected_by_reason[reason] = self.rejected_by_reason.get(reason, 0) + count

    def store(self, rows: int, values: int) -> None:
        """Count rows that were read and are all to be stored."""
        self.rows_read += rows
        self.rows_stored += rows
        self.values_read += values
        self.values_stored += values

    def refuse(self, values: int, late: bool) -> None:
        """Move one row of so many values from stored to rejected: the store did not take it."""
        self.rows_stored -= 1
        self.rows_rejected += 1
        self.values_stored -= values
        self.values_rejected += values
        self.rows_late -= late
        self.values_late -= values * late
        self.reject(Reject.STORE_REFUSED, values)

    @property
    def balances(self) -> bool:
        """Whether every row and value read was stored or rejected."""
        return (
            self.rows_read == self.rows_stored + self.rows_rejected
            and self.values_read == self.values_stored + self.values_rejected
        )

    @staticmethod
    def total(ledgers: Iterable[Ledger]) -> Ledger:
        """The sum over partitions."""
        out = Ledger()
        for ledger in ledgers:
            for name in Ledger.__struct_fields__[:-1]:
                setattr(out, name, getattr(out, name) + getattr(ledger, name))
            for reason, count in ledger.rejected_by_reason.items():
                out.rejected_by_reason[reason] = out.rejected_by_reason.get(reason, 0) + count
        return out
