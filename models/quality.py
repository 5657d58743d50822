"""Whether a numeric sample can be stored, and if not, why. Whether windows may use it: see `operating`."""

from __future__ import annotations

import numpy as np

from models.records import Reject

LARGEST = 1e30
"""No sensor says more, and squares of it still fit a float64."""

REASONS: tuple[Reject | None, ...] = (
    None,
    Reject.FAR_FUTURE,
    Reject.FAR_PAST,
    Reject.NOT_A_NUMBER,
    Reject.OUT_OF_RANGE,
    Reject.BAD_QUALITY,
    Reject.WRONG_KIND,
)
"""What a code of `screen` means; 0 is a good sample."""
GOOD, FAR_FUTURE, FAR_PAST, NOT_A_NUMBER, OUT_OF_RANGE, BAD_QUALITY, WRONG_KIND = range(len(REASONS))

NULL, NOT_A_NUMBER_MARK, WRONG_KIND_MARK = np.nan, np.inf, -np.inf
"""How what is no number stands among numbers: a null, a NaN, a value of another kind. JSON can bring none of these."""


def screen(value: np.ndarray, lowest: np.ndarray, highest: np.ndarray, when: np.ndarray) -> np.ndarray:
    """Code of each sample, an index into REASONS; what is no number stands as its mark.

    All arguments are [samples]: values, their signal's range, and the code of their time.
    """
    code = np.zeros(len(value), np.int8)
    with np.errstate(invalid="ignore"):
        outside = ~((value >= np.maximum(lowest, -LARGEST)) & (value <= np.minimum(highest, LARGEST)))
    code[outside] = OUT_OF_RANGE
    code[value == NOT_A_NUMBER_MARK] = NOT_A_NUMBER
    code[value == WRONG_KIND_MARK] = WRONG_KIND
    untimely = when != GOOD
    code[untimely] = when[untimely]
    code[np.isnan(value)] = BAD_QUALITY
    return code
