"""`forewarn model evaluate`, `card` and `quantize`: what a model is worth, says of itself, and would lose."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from models.alerting.wording import clock
from models.contracts import kind_of
from models.failure.hazard import Card, Hazard, confidence_of
from models.failure.health import HealthModel
from models.failure.learned import Model
from models.features import Spec
from models.figures.card import FigureCard
from models.inference import ModelError
from models.passed import Refit
from pipelines.cli import model_checks
from pipelines.cli.training import cases_line, needing_train, remaining_line, showing
from pipelines.main import read_model

WIDTH = 150
"""Columns that the table of figures needs."""


def evaluate(
    onnx: Path, data: str, judging: dict[str, float | int], folder: Path | None, console: Console, errors: Console,
    *, as_json: bool,
) -> None:  # fmt: skip
    """Judge a hazard on rows, and tell; with a folder, as a page with pictures, too."""
    with needing_train():
        from onnx_export import evaluation, evaluation_report, table
    hazard = model_of(onnx)
    if not isinstance(hazard, Hazard):
        raise ModelError(
            f"{onnx} is a {kind_of(hazard.card)} model, which gives no chances of failure: `forewarn backfill` reports "
            "warnings of health models"
        )
    asked = evaluation.Judging(**judging)  # type: ignore[arg-type]
    with showing(errors) as show:
        found = evaluation.evaluate(hazard, table.data_of(data), asked, show)
    if folder is not None:
        evaluation_report.write_evaluation(folder, found)
        errors.print(f"{folder}: report.md, scores.json and pictures", highlight=False, markup=False)
    if as_json:
        console.out(evaluation_report.document(found).decode(), highlight=False, end="")
        return
    if not console.is_terminal:  # a pipe has no width of its own
        console.width = max(console.width, WIDTH)
    shown = Table(*evaluation_report.HEAD, title=found.version, title_justify="left")
    shown.columns[0].no_wrap = True
    for line in found.lines:
        shown.add_row(*evaluation_report.cells(line))
    console.print(shown)
    for note in (*evaluation_report.notes(found), *evaluation_report.rows_told(found)):
        console.print(note, highlight=False, markup=False, soft_wrap=True)


def model_of(onnx: Path) -> Model:
    """A model of any kind with its card. Raises ModelError."""
    if onnx.suffix != ".onnx":
        raise ModelError(f"{onnx}: name the .onnx file of a model, its card beside it")
    return read_model(onnx.parent, onnx.stem)


def show_card(onnx: Path, console: Console, *, as_json: bool) -> None:
    """Print what a model's card says; for machines with the names of its features, in their order."""
    card = model_of(onnx).card
    if as_json:
        names = [one.name for one in card.inputs] if isinstance(card, FigureCard) else Spec.of_card(card).names
        said = {**msgspec.to_builtins(card), "features": names}
        console.out(msgspec.json.encode(said).decode(), highlight=False)
        return
    for title, told in sections(card, onnx.stat().st_size):
        console.print(f"[bold]{title}[/]")
        for name, value in told:
            console.print(f"  {name:26} {value}", highlight=False, markup=False, soft_wrap=True)


def sections(card: object, size: int) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A card by what people ask of it, and the rest as it is."""
    raw = msgspec.to_builtins(card)
    yield (
        f"{raw['name']}@{raw['sha256'][:12]}",
        [("for assets of type", raw.get("asset_type", "")), ("file", f"{size:,} bytes, sha256 {raw['sha256']}")],
    )
    told = [("learned from", raw["trained_on"]), ("its warnings say", raw["basis"]), ("made by", raw["command"])]
    if isinstance(card, Card):
        told.append(("real failures", f"{card.failures}, so confidence is {confidence_of(card)}"))
        told.append(("warns from a chance of", f"{card.warning_limit:g}"))
    yield "What it rests on", [*told, *((f"seeds, {use}", _list(seeds)) for use, seeds in raw.get("seeds", {}).items())]
    yield "How it did", _figures(raw["scores"])
    yield "ONNX against the model as trained", _figures(raw.get("parity", {}))
    if "gate" in raw:
        yield "What the export gate found", model_checks.told(raw["gate"])
    if isinstance(card, Card) and isinstance(card.refit, Refit):
        yield "What it was refitted from", list(_refit(card.refit))
    if isinstance(card, Card):
        yield "Beside its chances", [("time to failure", remaining_line(card)), ("past cases", cases_line(card))]
    if isinstance(card, FigureCard):
        yield "What it takes, with units", [(one.name, one.unit) for one in card.inputs]
        yield (
            f"What it gives, as a model of kind {card.kind}",
            [(name, str(card.outputs[name])) for name in card.outputs],
        )
    wanted = ("signals", "counters", "shares", "events", "modes")
    yield "What it looks at", [(name, _list(raw[name])) for name in wanted if raw.get(name)]
    rest = {
        "name", "sha256", "asset_type", "trained_on", "basis", "command", "failures", "warning_limit", "seeds",
        "scores", "parity", "features_sha256", "gate", "refit", "interval", "kind", "inputs", "outputs", *wanted,
    }  # fmt: skip
    yield (
        "More",
        [(name, _told(value)) for name, value in raw.items() if name not in rest and value not in ([], {}, "")],
    )


def _refit(of: Refit) -> Iterator[tuple[str, str]]:
    yield "parent", of.parent
    yield "new rows", f"{of.rows:,} of {of.machines} machines until {clock(of.until_us)}, with {of.events} failures"
    yield "old rows", f"{of.old_rows:,}, with {of.old_events} failures"
    yield "what is new", f"{of.more_trees} trees behind the parent's" if of.more_trees else "what leaves say"
    yield "share of the way", f"{of.step:g}, temperature {of.temperature:g}, offset {of.offset:g}"
    pairs = {
        "average precision, new": of.average_precision_new,
        "average precision, old": of.average_precision_old,
        "log loss, new": of.log_loss_new,
        "log loss, old": of.log_loss_old,
    }
    for name, (before, after) in pairs.items():
        yield name, f"{before:.4f} to {after:.4f}"


def _figures(figures: dict[str, float]) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), f"{value:,.10g}") for name, value in figures.items()]


def _list(values: list[object]) -> str:
    return ", ".join(map(str, values))


def _told(value: object) -> str:
    return _list(value) if isinstance(value, list) else str(value)


class NotQuantised(StrEnum):
    """Why a model is not made smaller."""

    TREES = "trees-do-not-quantise"
    HEALTH = "health-models-are-small"


WHY = {
    NotQuantised.TREES: (
        "a hazard of trees compares features with thresholds in float32: eight bits would move thresholds, and with "
        "them chances, and there is no matrix to multiply faster"
    ),
    NotQuantised.HEALTH: "a health model is some kilobytes of sums: eight bits would save nothing",
}


def has_trees(onnx: Path) -> bool:
    """Whether a graph rests on trees."""
    with needing_train():
        from onnx import load
    return any(node.op_type.startswith("TreeEnsemble") for node in load(onnx).graph.node)


def quantize(onnx: Path, windows: Path | None, to: Path | None, console: Console, *, as_json: bool) -> int:
    """Make a net of eight bits where it holds what is asked of it; else say why not. The exit status."""
    reason = _not_a_net(onnx)
    if reason is not None:
        console.print(f"{onnx}: {reason}: {WHY[reason]}", highlight=False, markup=False, soft_wrap=True)
        return 1
    if windows is None or to is None:
        raise ModelError(f"{onnx} is a net: give --windows FILE.npz to find ranges by and judge on, and --out")
    with needing_train():
        from onnx_export.offered import offered, read_windows
    made, measured = offered(onnx.read_bytes(), read_windows(windows))
    refused = [str(why) for why in measured.refusals]
    told = msgspec.to_builtins(measured) | {"refused": refused, "written": None if refused else str(to)}
    if not refused:
        to.write_bytes(made)
    if as_json:
        console.out(msgspec.json.encode(told).decode(), highlight=False)
        return int(bool(refused))
    for name, value in told.items():
        console.print(f"{name:26} {_told(value) or 'nothing'}", highlight=False, markup=False, soft_wrap=True)
    return int(bool(refused))


def _not_a_net(onnx: Path) -> NotQuantised | None:
    """Why a model is none that eight bits are made of; None for a net. Raises ModelError for what is no file."""
    if not onnx.is_file():
        raise ModelError(f"{onnx} is no file: name an .onnx file")
    if has_trees(onnx):
        return NotQuantised.TREES
    has_card = onnx.with_suffix(".json").is_file()
    return NotQuantised.HEALTH if has_card and isinstance(model_of(onnx), HealthModel) else None
