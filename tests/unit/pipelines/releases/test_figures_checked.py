"""Releases that give figures: what is wrong with their bytes, cards or figures is found before any worker has them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import onnx
import pytest
from msgspec.structs import replace
from onnx import helper

from models.figures.card import KINDS, FigureCard, sha256_of
from models.onnx_limits import MOST_BYTES
from models.release import File, Kind, Part, Refusal, Refused
from pipelines.releases.check import Wanted, examine, manifest_of
from pipelines.releases.measure import measured
from tests.kit import figures

Files = dict[Part, bytes]


def card_of(files: Files) -> FigureCard:
    return msgspec.json.decode(files[Part.CARD], type=FigureCard)


def carded(files: Files, **changes) -> Files:
    return files | {Part.CARD: msgspec.json.encode(replace(card_of(files), **changes))}


def changed(kind: Kind, change: Callable[[onnx.ModelProto], None]) -> Files:
    """Files whose graph is another, without vectors, and whose card says so."""
    files = figures.files(kind)
    model = onnx.load_from_string(files[Part.ONNX])
    del model.metadata_props[:]
    change(model)
    content = model.SerializeToString()
    return carded(files | {Part.ONNX: content}, sha256=File.of(content).sha256)


def behind(output: str, *operators: str) -> Callable[[onnx.ModelProto], None]:
    """Puts operators behind an output of a graph."""

    def change(model: onnx.ModelProto) -> None:
        last = next(node for node in model.graph.node if output in node.output)
        names = ["before", *(f"before {at}" for at in range(len(operators) - 1)), output]
        last.output[0] = names[0]
        for operator, before, after in zip(operators, names, names[1:], strict=False):
            model.graph.node.append(helper.make_node(operator, [before], [after]))

    return change


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        (Kind.ANOMALY, behind("anomaly", "Neg"), "an anomaly in 0 to 1"),
        (Kind.ANOMALY, behind("anomaly", "Neg", "Sqrt"), "the first has anomaly \\[nan\\]"),
        (Kind.ENERGY, behind("q90_kw", "Neg"), "quantiles never cross"),
        (Kind.ENERGY, behind("q50_kw", "Abs", "Neg", "Sqrt"), "finite loads in kW"),
        (Kind.DEFECT, behind("defect", "Neg"), "a chance of a defect in 0 to 1"),
        (Kind.DEFECT, behind("spread", "Neg"), "a finite spread of 0 or more"),
        (Kind.DEFECT, behind("spread", "Neg", "Log"), "a finite spread of 0 or more"),
    ],
)
def test_figures_that_are_not_sound_are_refused_and_shown(kind: Kind, change, words: str):
    with pytest.raises(Refused, match=words) as found:
        measured(changed(kind, change))
    assert found.value.reason is Refusal.NOT_FINITE


def renamed(model: onnx.ModelProto) -> None:
    model.graph.output[0].name = "other"
    model.graph.node[-1].output[0] = "other"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda kind: changed(kind, renamed), Refusal.WRONG_INPUTS),
        (lambda kind: carded(figures.files(kind), inputs=figures.INPUTS[:2]), Refusal.WRONG_CARD),
        (lambda kind: carded(figures.files(kind), inputs=figures.INPUTS[:2],
                             features_sha256=sha256_of(figures.INPUTS[:2])), Refusal.WRONG_INPUTS),
        (lambda kind: carded(figures.files(kind), outputs={"load": 1}), Refusal.WRONG_CARD),
        (lambda kind: carded(figures.files(kind), sha256="0" * 64), Refusal.WRONG_CARD),
        (lambda kind: figures.files(kind) | {Part.CASES: b"{}"}, Refusal.WRONG_CARD),
        (lambda kind: figures.files(kind) | {Part.CARD: b'{"kind": "energy"}'}, Refusal.NO_CARD),
        (lambda kind: figures.files(kind) | {Part.ONNX: b"x"}, Refusal.NOT_ONNX),
    ],
    ids=["output", "list", "fewer inputs", "outputs", "another file", "past cases", "no card", "no model"],
)  # fmt: skip
def test_what_does_not_fit_makes_no_manifest(kind: Kind, make: Callable[[Kind], Files], reason: Refusal):
    with pytest.raises(Refused) as found:
        manifest_of("tiny", make(kind), 1)
    assert found.value.reason is reason


@pytest.mark.parametrize("kind", KINDS)
def test_a_manifest_is_held_to_its_files_and_to_the_kind_that_is_asked_for(kind: Kind):
    files = figures.files(kind)
    made = manifest_of("tiny", files, 5)
    examine(made, files, Wanted(kind), 5)
    too_large = made.files | {Part.ONNX: replace(made.files[Part.ONNX], size_bytes=MOST_BYTES + 1)}
    for manifest, wanted, reason in (
        (made, Wanted(Kind.FAILURE), Refusal.WRONG_INPUTS),
        (replace(made, outputs={"load": 1}), Wanted(kind), Refusal.WRONG_INPUTS),
        (replace(made, features=4), Wanted(kind), Refusal.WRONG_INPUTS),
        (replace(made, name="other"), Wanted(kind), Refusal.WRONG_CARD),
        (replace(made, files=too_large), Wanted(kind), Refusal.TOO_LARGE),
        (replace(made, made_us=4), Wanted(kind), Refusal.OLDER_THAN_CHAMPION),
    ):
        with pytest.raises(Refused) as found:
            examine(manifest, files, wanted, 5)
        assert found.value.reason is reason


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_that_do_not_come_out_are_refused_in_the_trial(kind: Kind):
    files = figures.files(kind)
    model = onnx.load_from_string(files[Part.ONNX])
    weights = next(one for one in model.graph.initializer if one.name.endswith("w"))
    weights.raw_data = bytes(len(weights.raw_data))
    content = model.SerializeToString()
    with pytest.raises(Refused) as found:
        measured(carded(files | {Part.ONNX: content}, sha256=File.of(content).sha256))
    assert found.value.reason is Refusal.VECTORS_FAIL
