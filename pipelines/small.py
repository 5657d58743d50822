"""What a block keeps per asset outside its arrays, small things by index of the asset, and what final minutes bring."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import Struct

from models.alerting.cases import Cases
from models.alerting.life import Watch
from models.features import Baseline, Serviced
from models.records import Evidence, Forecast, Remaining
from pipelines.late import Late


class Entry(Struct):
    """The forecast of one minute while late samples may still change it, and what it was made of.

    `state` is a code of models.operating; a forecast stands here once one of this minute was published.
    """

    since_us: int
    state: int
    features: bytes
    forecast: Forecast | None = None


class Kept(Struct, frozen=True):
    """The last final forecast of a machine that ran, in the life since `since_us`, and the row that it is of."""

    since_us: int
    forecast: Forecast
    features: bytes = b""


class Turned(NamedTuple):
    """In a final minute, the fault of an asset's sensor became another, or none."""

    asset: int
    minute: int
    column: int
    fault: int


class Stood(NamedTuple):
    """From the end of a final minute on an asset stands, and why, or runs, for an empty reason."""

    asset: int
    minute: int
    why: str


class Fault(Struct, frozen=True):
    """A sensor's fault that was told of: when it began and its place in models.operating.FAULTS."""

    since_us: int
    fault: int


class Small(Struct):
    """What a block keeps per asset outside its arrays, by index of the asset.

    `unsettled` has the minutes that can still change with the life each belongs to. Feature rows in here are of the
    list `features_sha256`. `evidence` is what holds of an asset, by what says so. `silent_us` has when an asset was
    last heard of which somebody was told that it is silent, `away` the assets that are not in the plant now. `stands`
    says why an asset is at rest, if it is, and `shelved_us` when what was shelved of it is to be told again.
    `recalibrated` has when sensors became others, and of which signal, `versions` the number of each rule's last
    baseline. `serviced` has when components were worked on.
    """

    features_sha256: str = ""
    health_sha256: str = ""
    repairs_us: dict[int, list[int]] = {}
    failures_us: dict[int, list[int]] = {}
    recalibrated: dict[int, list[tuple[int, str]]] = {}
    versions: dict[int, dict[str, int]] = {}
    serviced: dict[int, Serviced] = {}
    entries: dict[int, dict[int, Entry]] = {}
    unsettled: dict[int, dict[int, int]] = {}
    baselines: dict[int, Baseline] = {}
    kept: dict[int, Kept] = {}
    watches: dict[int, Watch] = {}
    evidence: dict[int, dict[str, Evidence]] = {}
    cases: dict[int, Cases] = {}
    remaining: dict[int, Remaining] = {}
    warned_life_us: dict[int, int] = {}
    faults: dict[int, dict[str, Fault]] = {}
    silent_us: dict[int, int] = {}
    away: dict[int, bool] = {}
    stands: dict[int, str] = {}
    shelved_us: dict[int, list[int]] = {}
    late: dict[int, Late] = {}

    def of_assets(self) -> list[tuple[str, dict[int, Any]]]:
        """What is kept by asset, by name."""
        return [(name, of) for name in self.__struct_fields__ if isinstance(of := getattr(self, name), dict)]
