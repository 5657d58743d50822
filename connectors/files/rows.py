"""Files whose rows are each of one asset, with signals by name."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import polars as pl

from connectors.files.cells import Cells
from connectors.files.form import Known, Part, cast, text
from connectors.files.shape import Shape
from connectors.files.trouble import TIME, Trouble, few
from models.records import Reject


class Rows:
    """A row is of one asset, and columns are signals by name."""

    def __init__(self, shape: Shape, known: Known) -> None:
        self._asset, self._known, self._cells = shape.columns.asset, known, Cells(shape)
        self._signals = {signal for kinds in known.kinds.values() for signal in kinds}

    def reads(self, names: Collection[str], assets: Collection[str]) -> list[str]:
        """The asset and signals of the types of these assets."""
        wanted = {signal for kind in {self._known.types[one] for one in assets} for signal in self._known.kinds[kind]}
        return [name for name in names if name == self._asset or name in wanted]

    def where(self, assets: Collection[str]) -> list[pl.Expr]:
        """Those of the assets."""
        return [pl.col(self._asset).cast(pl.String).str.strip_chars().is_in(list(assets))]

    def weight(self, names: Collection[str]) -> int:  # noqa: ARG002 # of all the same
        """One."""
        return 1

    @property
    def key(self) -> str | None:
        """The column of assets."""
        return self._asset

    def unknown(self, keys: pl.DataFrame, trouble: Trouble) -> None:
        """Rows of assets that are not in the plant."""
        names = text(keys[self._asset])
        lost = keys.filter(~names.is_in(list(self._known.types)).fill_null(value=False))
        such = text(lost[self._asset]).drop_nulls().sort().to_list()
        trouble.count(Reject.UNKNOWN_ASSET, "rows of assets that are not in the plant", int(lost["len"].sum()), such)

    def strange(self, names: Collection[str], trouble: Trouble) -> None:
        """Columns that are a signal of no type."""
        unknown = [name for name in names if name != self._asset and name not in self._signals]
        if unknown:
            trouble.tell(Reject.UNKNOWN_SIGNAL, f"columns that are a signal of no asset type: {few(unknown)}")

    def parts(self, rows: pl.DataFrame, trouble: Trouble) -> Iterator[Part]:
        """By asset type."""
        known = rows[self._asset].cast(pl.String).cast(self._known.assets, strict=False)
        if known.null_count():  # there may be spaces around them
            known = text(rows[self._asset]).cast(self._known.assets, strict=False)
        rows = rows.with_columns(known.alias("(asset)"))
        if known.null_count():
            self.unknown(rows.filter(known.is_null()).group_by(self._asset).len(), trouble)
        for kind, signals in self._known.kinds.items():
            own = [asset for asset, of in self._known.types.items() if of == kind]
            if len(self._known.kinds) == 1 and not known.null_count():
                of_kind = rows
            else:
                of_kind = rows.filter(known.is_in(own).fill_null(value=False))
            if len(of_kind):
                columns = [name for name in signals if name in rows.columns]
                values = [cast(self._cells, of_kind, name, signals[name], trouble) for name in columns]
                yield kind, pl.DataFrame([of_kind["(asset)"].alias("asset"), of_kind[TIME].alias("time_us"), *values])
