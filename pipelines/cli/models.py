"""The model commands: train the starter, check a model, put it where workers look."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from rich.console import Console

from models.failure.hazard import Hazard
from models.inference import ModelError
from pipelines.cli.feed import bar


def train(folder: Path, runs: Path, console: Console) -> None:
    """Train the starter model into a folder, with tables and pictures of the run in another."""
    try:
        from onnx_export.report import run_folder, write_run
        from onnx_export.starter import make_run, write
    except ModuleNotFoundError as missing:
        raise ModelError(
            f"training needs {missing.name}: run .venv/bin/pip install -e '.[train]' in Forewarn's folder"
        ) from missing
    with bar(console) as progress:
        task = progress.add_task("starting", total=None)

        def show(done: int, total: int, text: str) -> None:
            progress.update(task, completed=done, total=total, description=text)

        run = make_run(progress=show)
    write(folder, run.onnx, run.card)
    told = write_run(run_folder(run.card, runs), run)
    console.print(
        f"{folder / run.card.name}.onnx: {run.card.version}, {len(run.onnx):,} bytes", highlight=False, markup=False
    )
    console.print(f"{told}: config, scores, tables and pictures", highlight=False, markup=False)


def load(onnx: Path) -> Hazard:
    """A model and its card from their files. Raises ModelError."""
    try:
        cases = past_cases(onnx)
        return Hazard.load(
            onnx.read_bytes(), onnx.with_suffix(".json").read_bytes(), cases.read_bytes() if cases.is_file() else b""
        )
    except OSError as wrong:
        raise ModelError(f"{wrong.filename} cannot be read: {wrong.strerror}") from wrong


def past_cases(onnx: Path) -> Path:
    """Where a model's past cases are, if it has any."""
    return onnx.with_suffix(".cases.json")


def export(onnx: Path, to: Path, console: Console) -> None:
    """Copy a model that verifies."""
    hazard = load(onnx)
    checks = _checks(hazard)
    to.mkdir(parents=True, exist_ok=True)
    for file in (onnx, onnx.with_suffix(".json"), *([past_cases(onnx)] if hazard.card.cases_sha256 else [])):
        shutil.copyfile(file, to / file.name)
    console.print(f"{checks['version']} is in {to}: set FOREWARN_MODELS={to}", highlight=False, markup=False)


def verify(onnx: Path, console: Console, as_json: bool) -> None:
    """Check and print."""
    checks = _checks(load(onnx))
    if as_json:
        console.out(json.dumps(checks), highlight=False)
        return
    for name, value in checks.items():
        console.print(f"{name:24} {value}", highlight=False, markup=False)


def _checks(hazard: Hazard, rows: int = 4096, seed: int = 1) -> dict[str, str | int]:
    """Random rows through the model alone and together; raises ModelError where it breaks a promise."""
    features = np.random.default_rng(seed).normal(0, 50, (rows, len(hazard.spec.names))).astype(np.float32)
    features[::7, 0] = np.nan
    together = hazard.chances(features)
    alone = np.concatenate([hazard.chances(features[at : at + 1]) for at in range(rows)])
    if not np.array_equal(together, alone):
        raise ModelError(
            "a row's chances depend on the rows beside it: dynamic quantisation or threads? Export it anew"
        )
    if (np.diff(together, axis=1) < 0).any() or together.min() < 0 or together.max() > 1:
        raise ModelError("chances must lie in 0..1 and never fall with the horizon: export it anew")
    return {
        "version": hazard.card.version,
        "trained on": hazard.card.trained_on,
        "features": len(hazard.spec.names),
        "rows alone and together": f"{rows} equal bit for bit (seed {seed})",
        "horizons": "never decreasing",
        "parity of training": str(hazard.card.parity),
        "scores": str(hazard.card.scores),
    }
