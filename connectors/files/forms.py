"""The form of files by its name."""

from __future__ import annotations

from connectors.files.form import Form, Known
from connectors.files.long import Long
from connectors.files.rows import Rows
from connectors.files.shape import Shape
from connectors.files.spans import spans_of
from connectors.files.wide import Wide
from models.plant import Plant


def form_of(shape: Shape, plant: Plant, known: Known) -> Form:
    """By the name of the shape's form."""
    if shape.form == "rows":
        return Rows(shape, known)
    spans = spans_of(plant, shape.feed)
    return Wide(shape, known, spans) if shape.form == "wide" else Long(shape, known, spans)
