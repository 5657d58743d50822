"""What the three forms of files share: what of a plant they ask, and columns cast to the kinds of signals."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple, Protocol

import polars as pl

from connectors.files.cells import Cells
from connectors.files.spans import Span
from connectors.files.trouble import Trouble
from models.plant import Plant
from models.records import Reject

Part = tuple[str, pl.DataFrame]
"""The name of an asset type, and rows of it: `asset`, `time_us` and signals. Of long files they are `asset`, `time_us`,
`signal`, and the value as `number` or `text`."""


class Known(NamedTuple):
    """What of a plant is asked again and again: kinds by type and signal, types by asset, the order of assets."""

    kinds: dict[str, dict[str, type]]
    types: dict[str, str]
    assets: pl.Enum

    @classmethod
    def of(cls, plant: Plant) -> Known:
        """Of a plant."""
        kinds = {
            name: {signal: spec.kind.python_type for signal, spec in kind.signals.items()}
            for name, kind in plant.types.items()
        }
        return cls(kinds, {name: asset.type for name, asset in plant.assets.items()}, pl.Enum(sorted(plant.assets)))


class Form(Protocol):
    """What the three forms of files share. Rows that it is given have LINE and TIME beside columns of the file."""

    def reads(self, names: Collection[str], assets: Collection[str]) -> list[str]:
        """Which of a file's columns are read for some assets, but for the time."""
        ...

    def where(self, assets: Collection[str]) -> list[pl.Expr]:
        """Which rows are read for them."""
        ...

    def weight(self, names: Collection[str]) -> int:
        """How many rows of tables a row of a file with these columns makes, at most."""
        ...

    @property
    def key(self) -> str | None:
        """The column of names, of assets or tags, by which `where` picks; None where there is none."""
        ...

    def unknown(self, keys: pl.DataFrame, trouble: Trouble) -> None:
        """Tell of names that nobody knows; `keys` has the names and their number of rows as `len`."""
        ...

    def strange(self, names: Collection[str], trouble: Trouble) -> None:
        """Tell of columns that nobody knows."""
        ...

    def parts(self, rows: pl.DataFrame, trouble: Trouble) -> Iterator[Part]:
        """The rows in parts, in their order."""
        ...


def cast(cells: Cells, rows: pl.DataFrame, name: str, kind: type, trouble: Trouble) -> pl.Series:
    """A column as values of a kind; what is none goes to `trouble`, with its row."""
    found = cells.cast(rows[name], kind)
    trouble.count(Reject.BAD_QUALITY, "values that are states, or no finite numbers", found.bad)
    if found.wrong is not None and found.wrong.any():
        what = {float: "number", bool: "truth", str: "text of at most 1000 characters"}[kind]
        reason = Reject.NOT_A_NUMBER if kind is float else Reject.WRONG_KIND
        bad = rows.filter(found.wrong)
        trouble.rows(
            reason, f"no {what} in '{name}'", bad, lambda row: f"'{name}' says {str(row[name])[:100]!r}, no {what}"
        )
    return found.values


def scaled(values: pl.Series, span: Span) -> pl.Series:
    """Numbers in the signal's unit."""
    return values if (span.scale, span.offset) == (1.0, 0.0) else finite(values * span.scale + span.offset)


def finite(values: pl.Series) -> pl.Series:
    """Numbers, null where no float can hold them."""
    is_finite = values.is_finite()
    return values if is_finite.all() else values.set(~is_finite.fill_null(value=True), None)


def text(column: pl.Series) -> pl.Series:
    """Names and words without spaces around them."""
    return column.str.strip_chars() if column.dtype == pl.String else column.cast(pl.String)
