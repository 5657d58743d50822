"""What drift is found to be, in figures, and the bars it is held against. Nothing of why: see `told_apart`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from models.failure.hazard import ENOUGH_FAILURES
from models.records import DriftKind
from onnx_export.drift.changes import DELTA
from onnx_export.drift.rows import Role
from onnx_export.drift.stability import LARGE


class Shape(StrEnum):
    """How it moved: the mix of all machines' rows, or single machines at once or little by little."""

    MIX = "rows of the type are spread otherwise"
    STEP = "at once"
    RISE = "little by little"


class Verdict(StrEnum):
    """What a figure says."""

    MOVED = "moved"
    STAYS = "stays"
    INSUFFICIENT = "insufficient events"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A figure and its bar. `what` is a feature, or what of the model; `assets` are the machines that it is on.

    `left` of a step is how far residuals lie about the line of a gain and an offset after it, as a share of before:
    about 1 where the sensor alone changed. `shift` is by how many standard errors the mean moved, of days for weather,
    of machines for residuals. `events` are the independent failures that it rests on.
    """

    kind: DriftKind
    what: str
    shape: Shape = Shape.MIX
    verdict: Verdict
    assets: tuple[str, ...] = ()
    since_us: int
    value: float
    bar: float
    signal: str = ""
    role: Role | None = None
    terms: tuple[str, ...] = ()
    left: float | None = None
    shift: float | None = None
    events: int | None = None

    @property
    def is_of_machines(self) -> bool:
        """Whether it was seen on single machines, each by its own days."""
        return self.shape is not Shape.MIX


@dataclass(frozen=True, kw_only=True)
class Bars:
    """What a figure must pass to be told. All are our choice, on development seeds, but where a source stands."""

    psi: float = LARGE
    """Siddiqi 2006, see `stability`."""
    own_margin: float = 1.5
    """Over the largest PSI, step or rise that the reference shows by itself."""
    shared_margin: float = 2.0
    """The same of weather, which all machines share, and of residuals and chances, which age with all of them."""
    alone: float = 1.5
    """Times a bar that a machine alone must pass: of a dozen, one does something rare every few weeks."""
    step_days: float = 3650.0
    """In so many the machines of a type together step over the bar once by themselves, as the reference lets foresee:
    of some ten bars one is then passed in a year. The largest of 40 days alone says little of how large one gets."""
    rise_days: float = 365.0
    """The same of rises: to miss a machine that degrades costs more than to tell of one that wears out as all do."""
    sigmas: float = 8.0
    """Of a day about its neighbours: nothing smaller is a step or a rise."""
    delta: float = DELTA
    """ADWIN's, see `changes`."""
    failures: int = ENOUGH_FAILURES
    sure: float = 2.576
    """Standard deviations: two-sided 99 %."""
    shift: float = 3.707
    """Standard errors of a mean of days of weather: Student's t, two-sided 99 %, with 6 degrees of freedom. 54 days
    that remember the one before by 0.8 are as good as so many independent ones."""
    machines: float = 5.029
    """The same of residuals and chances, whose means are of machines: two-sided 1 % in the 26 fortnights of a year
    together, with 11 degrees of freedom, as a dozen machines have."""
    off: float = 1.5
    """Failures that came, over those that chances said, or the other way round."""


BARS = Bars()
