"""`forewarn labels warnings`: what people found of warnings, as labels."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
from rich.console import Console

from connectors.cmms.labels import read_labels, write_labels
from models.failure.closed import labelled
from models.failure.merging import Change
from pipelines.cli.acting import warnings_of
from pipelines.settings import Settings


def take_warnings(settings: Settings, file: Path, console: Console, *, as_json: bool) -> None:
    """Add labels of warnings that people closed to a file, or change what changed, and tell."""
    made = labelled(read_labels(file) if file.exists() else (), warnings_of(settings).values())
    write_labels(file, made.labels)
    changes = Counter(made.changes.values())
    outcomes = Counter(label.outcome for label in made.labels if label.id in made.changes)
    if as_json:
        said = {"labels": str(file), **{change.value: changes[change] for change in Change}, "outcomes": outcomes}
        console.out(msgspec.json.encode(said).decode(), highlight=False)
        return
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())) or "no warning was closed"
    console.print(
        f"{file}: {changes[Change.NEW]} new, {changes[Change.CHANGED]} changed, {changes[Change.SAME]} as they were; "
        f"of closed warnings: {told}",
        highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip
