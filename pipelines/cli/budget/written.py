"""Thresholds as a file of the plant's folder, written anew as a whole each time."""

from __future__ import annotations

import json
import re
from pathlib import Path

from models.alerting.life import Threshold
from models.plant import parse_files
from pipelines.cli.budget.asked import BudgetError
from pipelines.cli.budget.figures import Figures
from pipelines.cli.watching import clock
from pipelines.plant_file import texts_of

MARK = "# Written by `forewarn budget --write`"
BARE = re.compile("[A-Za-z0-9_-]+")
"""Names that TOML takes as they are. Others are written as JSON's strings, which are TOML's but for DEL (TOML 1.0)."""


def text(figures: Figures) -> str:
    """The file: where it comes from, then a table for each asset that history tells of."""
    budget = figures.budget
    models = ", ".join(figures.models[of] for of in sorted({one.type for one in figures.assets if one.threshold}))
    head = (
        f"{MARK}: it is written anew as a whole, so change the budget, not this file.",
        f"# Run {figures.run}, {clock(figures.from_us)} to {clock(figures.to_us)} UTC, model {models}.",
        f"# Budget: {budget.per_week:g} unfounded warnings a week over the plant, "
        f"{budget.unfounded_per_engineer_week:g} for each engineer.",
    )
    tables = (_table(of.asset, of.threshold, of.chosen_with) for of in figures.assets if of.threshold)
    return "\n".join((*head, *tables)) + "\n"


def _table(asset: str, threshold: Threshold, chosen_with: str | None) -> str:
    name = asset if BARE.fullmatch(asset) else json.dumps(asset, ensure_ascii=False).replace("\x7f", "\\u007f")
    return (
        f"\n[thresholds.{name}]  # chosen by {chosen_with}\nhazard = {threshold.limit}\n"
        f"open_after = {threshold.open_after}\nclear_after = {threshold.clear_after}\n"
        f"clear_share = {threshold.clear_share}"
    )


def write(figures: Figures, file: Path, plant: Path) -> str:
    """Write the file; what is to be known of it, in words.

    Raises BudgetError, or PlantError where the plant would not be right any more with it.
    """
    if file.exists() and not file.read_text("utf-8").startswith(MARK):
        raise BudgetError(f"--write {file} is there and was not written by this command: name another")
    content, is_inside = text(figures), plant.is_dir() and file.resolve().parent == plant.resolve()
    if is_inside and file.suffix != ".toml":
        raise BudgetError(f"--write {file}: only *.toml of the plant's folder count")
    others = texts_of(plant) if plant.exists() else {}
    parse_files({name: of for name, of in others.items() if name != file.name} | {file.name: content})
    file.write_text(content, "utf-8")
    number = sum(of.threshold is not None for of in figures.assets)
    if is_inside:
        return f"thresholds of {number} assets in {file}, which is part of the plant"
    return f"thresholds of {number} assets in {file}: they hold once it lies in the folder that FOREWARN_PLANT names"
