"""`forewarn model wrap`: any team's ONNX file as a model of ours, by a map of its inputs and outputs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct
from rich.console import Console

from models.failure.hazard import Hazard, card_json
from models.figures.card import KINDS
from models.inference import Graph, ModelError
from models.release import Kind
from pipelines.cli import model_checks
from pipelines.cli.training import needing_train, read_draft

M = TypeVar("M")
HEALTH = (
    "kind: a health model gives more than a file of others has, and `python -m onnx_export.health` makes one; a score "
    "of how unlike healthy a machine is makes one of kind 'anomaly'"
)
SPEC = "give --spec: the feature list that a hazard rests on, the champion's card or that of `forewarn model new`"
NO_SPEC = "take --spec out: a model of kind '{}' lists its inputs in the map, and is fed by their names"


class Made(Struct, frozen=True):
    """What is written, and what is said of it."""

    onnx: bytes
    card: bytes
    name: str
    version: str
    said: str


class _Kind(Struct):
    """What all maps may say."""

    kind: Kind = Kind.FAILURE


def wrap(onnx: Path, inputs: Path, spec: Path | None, out: Path, console: Console) -> None:
    """Write NAME.onnx and NAME.json. Raises ModelError where the map does not fit, or workers would not take it."""
    try:
        content, told = onnx.read_bytes(), inputs.read_bytes()
    except OSError as wrong:
        raise ModelError(f"{wrong.filename} cannot be read: {wrong.strerror}") from wrong
    kind = _mapped(inputs, told, _Kind).kind
    words = ["forewarn", "model", "wrap", str(onnx), "--inputs", str(inputs)]
    if kind is Kind.HEALTH:
        raise ModelError(f"{inputs}: {HEALTH}")
    if kind in KINDS:
        if spec is not None:
            raise ModelError(NO_SPEC.format(kind))
        made = _of_figures(content, inputs, told, shlex.join(words))
    elif spec is None:
        raise ModelError(SPEC)
    else:
        made = _of_hazard(content, inputs, told, spec, shlex.join([*words, "--spec", str(spec)]))
    _write(made, out, console)


def _of_hazard(content: bytes, inputs: Path, told: bytes, spec: Path, command: str) -> Made:
    with needing_train():
        from onnx_export.wrapped import Map, wrapped
    by, draft = _mapped(inputs, told, Map), read_draft(spec)
    made, card = wrapped(content, by, draft.spec, draft.asset_type, command)
    model_checks.contents(made)
    model_checks.checks(made, Hazard(made, card))
    said = f"{len(by.input.features)} of {len(draft.spec.names)} features"
    return Made(made, card_json(card), card.name, card.version, said)


def _of_figures(content: bytes, inputs: Path, told: bytes, command: str) -> Made:
    with needing_train():
        from onnx_export.wrapped_figures import FigureMap, wrapped_figures
    made, card = wrapped_figures(content, _mapped(inputs, told, FigureMap), command)
    model_checks.contents(made)
    model_checks.check_rows_alone(Graph(made, tuple(card.outputs)))
    said = f"{len(card.inputs)} inputs to {', '.join(card.outputs)}"
    return Made(made, card_json(card), card.name, card.version, said)


def _mapped(inputs: Path, told: bytes, kind: type[M]) -> M:
    try:
        return msgspec.toml.decode(told, type=kind, strict=False)
    except msgspec.MsgspecError as wrong:
        raise ModelError(f"{inputs}: {wrong}") from wrong


def _write(made: Made, out: Path, console: Console) -> None:
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"{made.name}.onnx"
    file.write_bytes(made.onnx)
    file.with_suffix(".json").write_bytes(made.card)
    for line in (
        f"{file}: {made.version}, {len(made.onnx):,} bytes, {made.said}",
        f"offer it: forewarn model publish {file} --key NAME:FILE",
    ):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
