"""What a step of a partition makes, before it is put on the wire, and at which pace."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.features import Spec
from models.records import Alert, DeadLetter, Forecast, Health, HealthyBaseline, Notice, Shadow
from models.tiers import SPAN
from pipelines.controls.clocks import Quarantined
from pipelines.ports import Rows

Out = DeadLetter | Forecast | Health | Alert | Notice | Quarantined | HealthyBaseline | Shadow


class Pace(NamedTuple):
    """Minutes of an asset that may close together, and which of them are scored: those that `every_min` divides.

    With `features`, what they were scored by is given out, too.
    """

    span: int = SPAN
    every_min: int = 1
    features: bool = False


LIVE = Pace()


class Looked(NamedTuple):
    """Feature rows of running machines of one type, by asset and minute, as they were scored."""

    spec: Spec
    assets: tuple[str, ...]
    asset: np.ndarray  # places in `assets`
    window_end_us: np.ndarray
    since_us: np.ndarray  # start of the life that each is of
    rows: np.ndarray  # float32 [rows, features]


class Made(NamedTuple):
    """What history made: rows to store, and records in the order they would be published in."""

    rows: tuple[Rows, ...]
    records: tuple[Out, ...]


class Kept(NamedTuple):
    """A table to store, and of each row whether it was late and which of the sources sent it.

    Without sources it is what was made here, which no ledger counts.
    """

    rows: Rows
    late: np.ndarray
    source: np.ndarray
    sources: tuple[str, ...]


def of_no_source(rows: Rows) -> Kept:
    """Rows that were made here."""
    return Kept(rows, np.zeros(len(rows), bool), np.zeros(len(rows), np.int64), ())
