"""Why the gate refuses a graph: reasons as an enum, and the error that has them with the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from models.onnx_limits import Limit


class Reason(StrEnum):
    """What a graph does that it must not."""

    DIFFERS = "differs from the native model"
    NOT_FINITE = "gives chances that are no numbers"
    OUT_OF_RANGE = "gives chances outside of 0..1"
    DECREASES = "decreases in the horizon"
    BATCH = "gives other bits in another batch"
    INFINITE = "gives other bits for an infinite value than for the largest"
    RESOLUTION = "has a feature that float32 cannot resolve"


class ParityError(ValueError):
    """The graph may not leave; the message has the figures. `reasons` has an enum member for each failed check."""

    def __init__(
        self,
        message: str,
        reasons: Sequence[Reason | Limit] = (),
        figures: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.reasons = tuple(reasons)
        self.figures = dict(figures or {})
