"""`forewarn model wrap`: any team's ONNX file as a hazard, by a map of its inputs and outputs."""

from __future__ import annotations

import shlex
from pathlib import Path

import msgspec
from rich.console import Console

from models.failure.hazard import Hazard, card_json
from models.inference import ModelError
from pipelines.cli import model_checks
from pipelines.cli.training import needing_train, read_draft


def wrap(onnx: Path, inputs: Path, spec: Path, out: Path, console: Console) -> None:
    """Write NAME.onnx and NAME.json. Raises ModelError where the map does not fit, or workers would not take it."""
    with needing_train():
        from onnx_export.wrapped import Map, wrapped
    try:
        content, by = onnx.read_bytes(), msgspec.toml.decode(inputs.read_bytes(), type=Map, strict=False)
    except OSError as wrong:
        raise ModelError(f"{wrong.filename} cannot be read: {wrong.strerror}") from wrong
    except msgspec.MsgspecError as wrong:
        raise ModelError(f"{inputs}: {wrong}") from wrong
    draft = read_draft(spec)
    words = ["forewarn", "model", "wrap", str(onnx), "--inputs", str(inputs), "--spec", str(spec)]
    made, card = wrapped(content, by, draft.spec, draft.asset_type, shlex.join(words))
    model_checks.contents(made)
    model_checks.checks(made, Hazard(made, card))
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"{card.name}.onnx"
    file.write_bytes(made)
    file.with_suffix(".json").write_bytes(card_json(card))
    for line in (
        f"{file}: {card.version}, {len(made):,} bytes, {len(by.input.features)} of {len(draft.spec.names)} features",
        f"offer it: forewarn model publish {file} --key NAME:FILE",
    ):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
