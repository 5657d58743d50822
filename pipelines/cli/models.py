"""The model commands: train the starter, check a model, put it where workers look."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from msgspec import to_builtins
from msgspec.structs import replace
from rich.console import Console

from models.failure.hazard import Hazard, agree_on_file, card_json, read_card
from models.inference import ModelError
from pipelines.cli import model_checks
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
    write(folder, run.onnx, run.card, run.cases)
    told = write_run(run_folder(run.card, runs), run)
    console.print(
        f"{folder / run.card.name}.onnx: {run.card.version}, {len(run.onnx):,} bytes", highlight=False, markup=False
    )
    console.print(f"{told}: config, scores, tables and pictures", highlight=False, markup=False)


def load(onnx: Path) -> tuple[bytes, Hazard]:
    """The bytes of a file, and the model of it and the card beside it. Raises ModelError.

    Limits are judged before onnxruntime sees the file.
    """
    try:
        content, card = onnx.read_bytes(), read_card(onnx.with_suffix(".json").read_bytes())
        path = past_cases(onnx)
        cases = path.read_bytes() if path.is_file() else b""
    except OSError as wrong:
        raise ModelError(f"{wrong.filename} cannot be read: {wrong.strerror}") from wrong
    agree_on_file(content, card)
    model_checks.contents(content)
    return content, Hazard(content, card, cases)


def past_cases(onnx: Path) -> Path:
    """Where a model's past cases are, if it has any."""
    return onnx.with_suffix(".cases.json")


def export(onnx: Path, to: Path, console: Console) -> None:
    """Copy a model that verifies; its card gets what serving it costs here."""
    content, hazard = load(onnx)
    model_checks.checks(content, hazard)
    served = model_checks.served(content, len(hazard.spec.names))
    to.mkdir(parents=True, exist_ok=True)
    (to / onnx.name).write_bytes(content)
    (to / f"{onnx.stem}.json").write_bytes(card_json(replace(hazard.card, served=served)))
    if hazard.card.cases_sha256:
        shutil.copyfile(past_cases(onnx), to / past_cases(onnx).name)
    console.print(f"{hazard.card.version} is in {to}: set FOREWARN_MODELS={to}", highlight=False, markup=False)


def verify(onnx: Path, console: Console, as_json: bool) -> None:
    """Check and print."""
    content, hazard = load(onnx)
    found = model_checks.checks(content, hazard) | {
        "latency here": to_builtins(model_checks.served(content, len(hazard.spec.names)))
    }
    if as_json:
        console.out(json.dumps(found), highlight=False)
        return
    for name, value in model_checks.told(found):
        console.print(f"{name:20} {value}", highlight=False, markup=False, soft_wrap=True)
