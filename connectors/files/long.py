"""Files whose rows are each one value of one address, as historians export them, by the tags of each row's date."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import polars as pl

from connectors.files.cells import Cells
from connectors.files.form import Known, Part, cast, finite, text
from connectors.files.shape import Shape
from connectors.files.spans import Span
from connectors.files.trouble import TIME, Trouble
from models.records import Reject


class Long:
    """A row is one value of one address."""

    def __init__(self, shape: Shape, known: Known, spans: Sequence[Span]) -> None:
        self._shape, self._known, self._cells = shape, known, Cells(shape)
        self._spans = spans
        self._good = [word.strip().lower() for word in (*shape.good, *shape.uncertain)]
        meant = [(known.types[span.asset], known.kinds[known.types[span.asset]][span.signal]) for span in spans]
        self._meant = list(dict.fromkeys(meant))
        self._table = pl.DataFrame(
            {
                "(address)": [span.address for span in spans],
                "(from)": [span.from_us for span in spans],
                "(to)": [span.to_us for span in spans],
                "(asset)": pl.Series([span.asset for span in spans], dtype=known.assets),
                "(signal)": [span.signal for span in spans],
                "(meant)": [self._meant.index(one) for one in meant],
                "(scale)": [span.scale for span in spans],
                "(offset)": [span.offset for span in spans],
            },
            schema_overrides={"(from)": pl.Int64, "(to)": pl.Int64, "(scale)": pl.Float64, "(offset)": pl.Float64},
            strict=False,
        ).sort("(from)")

    def reads(self, names: Collection[str], assets: Collection[str]) -> list[str]:  # noqa: ARG002 # of all the same
        """Tag, value and quality."""
        return [name for name in names if name in self._shape.needed]

    def where(self, assets: Collection[str]) -> list[pl.Expr]:
        """Addresses that ever were of one of these assets."""
        wanted = [span.address for span in self._spans if span.asset in assets]
        return [self._address().is_in(wanted)]

    def weight(self, names: Collection[str]) -> int:  # noqa: ARG002 # of all the same
        """One, though a few make one."""
        return 1

    @property
    def key(self) -> str | None:
        """The column of tags."""
        return self._shape.columns.tag

    def unknown(self, keys: pl.DataFrame, trouble: Trouble) -> None:
        """Values of addresses that are no tag at any time."""
        keys = keys.with_columns(self._address().alias("(address)"))
        lost = keys.filter(~pl.col("(address)").is_in(self._table["(address)"].to_list()).fill_null(value=False))
        such = lost["(address)"].drop_nulls().sort().to_list()
        trouble.count(
            Reject.UNKNOWN_TAG, "values of addresses that are no tag of the plant", int(lost["len"].sum()), such
        )

    def strange(self, names: Collection[str], trouble: Trouble) -> None:
        """Nothing: other columns are not read."""

    def parts(self, rows: pl.DataFrame, trouble: Trouble) -> Iterator[Part]:
        """By asset type and kind of signal."""
        rows = self._usable(rows, trouble).with_columns(self._address().alias("(address)"))
        # What a tag was at each row's time: the last that began by then, if it had not ended.
        joined = rows.sort(TIME, maintain_order=True).join_asof(
            self._table, left_on=TIME, right_on="(from)", by="(address)", strategy="backward", check_sortedness=False
        )
        is_tag = (joined[TIME] < joined["(to)"]).fill_null(value=False)
        if not is_tag.all():
            lost = joined.filter(~is_tag)
            names = lost["(address)"].drop_nulls().unique().sort().to_list()
            trouble.count(Reject.UNKNOWN_TAG, "values of addresses that are no tag at their time", len(lost), names)
        known = joined if is_tag.all() else joined.filter(is_tag)
        for place in known["(meant)"].unique(maintain_order=True):
            kind, python = self._meant[place]
            own = known["(meant)"] == place
            yield kind, self._values(known if own.all() else known.filter(own), python, trouble)

    def _address(self) -> pl.Expr:
        return pl.lit(self._shape.prefix) + pl.col(self._shape.columns.tag).cast(pl.String).str.strip_chars()

    def _usable(self, rows: pl.DataFrame, trouble: Trouble) -> pl.DataFrame:
        """Rows of good or uncertain quality."""
        name = self._shape.columns.quality
        if not name:
            return rows
        word = text(rows[name]).str.to_lowercase()
        is_good = (word.is_in(self._good) | (word == "")).fill_null(value=True)
        trouble.count(Reject.BAD_QUALITY, "values of bad quality", len(rows) - int(is_good.sum()))
        return rows.filter(is_good)

    def _values(self, rows: pl.DataFrame, kind: type, trouble: Trouble) -> pl.DataFrame:
        values = cast(self._cells, rows, self._shape.columns.value, kind, trouble)
        empty: dict[str, Any] = {"number": pl.lit(None, pl.Float64), "text": pl.lit(None, pl.String)}
        if kind is float:
            empty["number"] = finite(values * rows["(scale)"] + rows["(offset)"])
        elif kind is bool:
            empty["number"] = values.cast(pl.Float64)
        else:
            empty["text"] = values
        part = rows.select(
            pl.col("(asset)").alias("asset"), pl.col(TIME).alias("time_us"), pl.col("(signal)").alias("signal"), **empty
        )
        return part.filter(pl.any_horizontal(pl.col("number", "text").is_not_null()))
