"""The file of labels: a line of JSON each, sorted; written as a whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from connectors.files.table import MapError
from models.failure.labels import Label, LabelsUnreadable, decoded, encoded


def read_labels(path: Path) -> tuple[Label, ...]:
    """All labels of a file. Raises MapError where it is not there or has a line that is none."""
    try:
        return decoded(path.read_bytes())
    except OSError as wrong:
        raise MapError(
            f"{path} cannot be read ({wrong.strerror}): `forewarn labels import` makes a file of labels"
        ) from wrong
    except LabelsUnreadable as wrong:
        raise MapError(f"{path}: {wrong}") from wrong


def write_labels(path: Path, labels: Iterable[Label]) -> None:
    """Put labels in place of what the file had. Raises MapError where it cannot be written."""
    aside = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            file.write(encoded(labels))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as wrong:
        raise MapError(f"{path} cannot be written ({wrong.strerror})") from wrong
