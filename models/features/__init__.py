"""What a model sees of an asset at the end of a minute: one ordered, hashed list of features over the bins.

Live, driver and training all come through `compute`; its float32 rows are equal bit for bit, alone or among others.
"""

from models.features import serviced, stated
from models.features.baseline import AFTER_RUNNING_MIN, HOUR_MIN, Baseline, baseline_of, levels
from models.features.compute import Known, Pairs, compute, spans
from models.features.groups import Fleet, Groups
from models.features.more import Facts
from models.features.serviced import Serviced
from models.features.spec import PER_SIGNAL, Expected, Spec

__all__ = [
    "AFTER_RUNNING_MIN", "HOUR_MIN", "PER_SIGNAL", "Baseline", "Expected", "Facts", "Fleet", "Groups", "Known", "Pairs",
    "Serviced", "Spec", "baseline_of", "compute", "levels", "serviced", "spans", "stated",
]  # fmt: skip
