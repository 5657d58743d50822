"""Drift of a served model: what moved, on which assets, since when, and why. Pure; of the learning side alone.

`looked` holds a recent time against a reference, `told_apart` says why, `noticed` what of it is news.
"""

from onnx_export.drift.findings import BARS, Bars, Finding, Shape, Verdict
from onnx_export.drift.looked import looked
from onnx_export.drift.notices import Standing, noticed, record_of
from onnx_export.drift.rows import Role, Rows, Watched, watched
from onnx_export.drift.told_apart import Context, Told, excluded, told_apart

__all__ = [
    "BARS", "Bars", "Context", "Finding", "Role", "Rows", "Shape", "Standing", "Told", "Verdict", "Watched", "excluded",
    "looked", "noticed", "record_of", "told_apart", "watched",
]  # fmt: skip
