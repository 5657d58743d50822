"""Where public data sets are that the project does not ship: tests that need one are skipped where it is not."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = "FOREWARN_TEST_DATA"
"""Names the folder of the data sets; without it they are looked for beside the project, in shared/data."""


def public(*parts: str) -> Path:
    """Path of a file of a data set, which may not be there."""
    folder = os.environ.get(FOLDER)
    return (Path(folder) if folder else ROOT.parent / "shared" / "data").joinpath(*parts)


def why_not(path: Path) -> str:
    """What to tell where it is not there."""
    return f"public data, not shipped: no {path.parent.name}/{path.name} where {FOLDER} says, or in ../shared/data"
