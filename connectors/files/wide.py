"""Files whose rows are each of one moment, with addresses for columns, by the tags of each row's date."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import polars as pl

from connectors.files.cells import Cells
from connectors.files.form import Known, Part, cast, scaled
from connectors.files.shape import Shape
from connectors.files.spans import Span
from connectors.files.trouble import TIME, Trouble, few
from models.records import Reject


class Wide:
    """A row is of one moment, and columns are addresses."""

    def __init__(self, shape: Shape, known: Known, spans: Sequence[Span]) -> None:
        self._prefix, self._known, self._cells = shape.prefix, known, Cells(shape)
        self._spans = spans
        self._addresses = {span.address for span in spans}

    def reads(self, names: Collection[str], assets: Collection[str]) -> list[str]:
        """Columns that ever were of one of these assets."""
        wanted = {span.address for span in self._spans if span.asset in assets}
        return [name for name in names if self._prefix + name in wanted]

    def where(self, assets: Collection[str]) -> list[pl.Expr]:  # noqa: ARG002 # a row is of all assets
        """All."""
        return []

    def weight(self, names: Collection[str]) -> int:
        """One of each asset."""
        known = {self._prefix + name for name in names}
        return len({(span.asset, span.layer) for span in self._spans if span.address in known}) or 1

    @property
    def key(self) -> str | None:
        """None."""
        return None

    def unknown(self, keys: pl.DataFrame, trouble: Trouble) -> None:
        """There are no names."""

    def strange(self, names: Collection[str], trouble: Trouble) -> None:
        """Columns that are no tag at any time."""
        unknown = [name for name in names if self._prefix + name not in self._addresses]
        if unknown:
            trouble.tell(Reject.UNKNOWN_TAG, f"columns that are no tag of the plant: {few(unknown)}")

    def parts(self, rows: pl.DataFrame, trouble: Trouble) -> Iterator[Part]:
        """By asset; a signal that two addresses tell at a time has rows of its own for the second."""
        if rows.is_empty():
            return
        time, columns = rows[TIME], set(rows.columns)
        first_us, last_us = int(time.min()), int(time.max())  # type: ignore[arg-type] # of integers
        together: dict[tuple[str, int], list[Span]] = {}
        said: dict[str, int] = {}
        for span in self._spans:
            name = span.address.removeprefix(self._prefix)
            if name in columns and self._prefix + name == span.address:
                said.setdefault(name, 0)
                if span.from_us <= last_us and span.to_us > first_us:
                    together.setdefault((span.asset, span.layer), []).append(span)
        for (asset, _), spans in together.items():
            yield self._part(rows, asset, spans, said, trouble)
        for name, used in said.items():
            lost = len(rows) - rows[name].null_count() - used
            trouble.count(Reject.UNKNOWN_TAG, "values of columns that are no tag at their time", lost, [name])

    def _part(
        self, rows: pl.DataFrame, asset: str, spans: Sequence[Span], said: dict[str, int], trouble: Trouble
    ) -> Part:
        kind = self._known.types[asset]
        values: dict[str, pl.Series] = {}
        for span in spans:
            name = span.address.removeprefix(self._prefix)
            held = rows[TIME].is_between(span.from_us, span.to_us, closed="left")
            raw = rows if held.all() else rows.with_columns(pl.when(held).then(pl.col(name)))
            said[name] += len(raw) - raw[name].null_count()
            own = cast(self._cells, raw, name, self._known.kinds[kind][span.signal], trouble)
            own = own if own.dtype != pl.Float64 else scaled(own, span)
            before = values.get(span.signal)
            values[span.signal] = (
                own.alias(span.signal) if before is None else before.zip_with(before.is_not_null(), own)
            )
        fixed = pl.Series("asset", [asset], self._known.assets).new_from_index(0, len(rows))
        part = pl.DataFrame([fixed, rows[TIME].alias("time_us"), *values.values()])
        return kind, part.filter(pl.any_horizontal(pl.col(list(values)).is_not_null()))
