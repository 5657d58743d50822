"""What a model sees of an asset at the end of a minute: one ordered, hashed list of features over the bins.

Live, driver and training all come through `compute`; its float32 rows are equal bit for bit, alone or among others.
"""

from models.features.baseline import AFTER_RUNNING_MIN, HOUR_MIN, Baseline, baseline_of, levels
from models.features.compute import Known, Pairs, compute, spans
from models.features.spec import PER_SIGNAL, Expected, Spec

__all__ = [
    "AFTER_RUNNING_MIN", "HOUR_MIN", "PER_SIGNAL", "Baseline", "Expected", "Known", "Pairs", "Spec", "baseline_of",
    "compute", "levels", "spans",
]  # fmt: skip
