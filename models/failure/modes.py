"""Failure modes by their codes, as ISO 14224 and OREDA list them for pumps and other rotating machines.

Codes: OREDA-2009, volume 1, table 10; the rest from the code list of a maintenance system's help that follows
ISO 14224. A plant's own word is as good a mode where no code fits.
"""

MODES = {
    "AIR": "abnormal instrument reading",
    "BRD": "breakdown",
    "ELP": "external leak, process medium",
    "ELU": "external leak, utility medium",
    "ERO": "erratic output",
    "FTS": "fail to start",
    "HIO": "high output",
    "INL": "internal leak",
    "LOO": "low output",
    "NOI": "noise",
    "OHE": "overheating",
    "OTH": "other",
    "PDE": "parameter deviation",
    "SER": "minor in-service problem",
    "STD": "structural deficiency",
    "STP": "fail to stop",
    "UNK": "unknown",
    "UST": "spurious stop",
    "VIB": "vibration",
}
