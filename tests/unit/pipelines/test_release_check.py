"""What is wrong with a release's bytes is found before anything loads them, and a manifest is made of what fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files

import msgspec
import onnx
import pytest
from msgspec.structs import replace
from onnx import helper

from models import starter
from models.onnx_limits import MOST_NODES
from models.release import File, Kind, Manifest, Part, Refusal, Refused, decoded, version_of
from pipelines.releases.check import Wanted, examine, manifest_of
from tests.kit import tiny

MADE_US = tiny.ROWS_BEGIN_US
FEATURES = len(tiny.hazard().spec.names)


def shipped(stem: str) -> tuple[bytes, bytes]:
    onnx_bytes, card = (files(starter).joinpath(f"{stem}.{end}").read_bytes() for end in ("onnx", "json"))
    return onnx_bytes, card


def cased(stem: str) -> dict[Part, bytes]:
    """A shipped model's files, with its past cases where it has some."""
    past = files(starter).joinpath(f"{stem}.cases.json")
    onnx_bytes, card = shipped(stem)
    return {Part.ONNX: onnx_bytes, Part.CARD: card} | ({Part.CASES: past.read_bytes()} if past.is_file() else {})


def manifest(onnx_bytes: bytes, card: bytes, cases: bytes = b"") -> Manifest:
    held = {Part.ONNX: onnx_bytes, Part.CARD: card} | ({Part.CASES: cases} if cases else {})
    return manifest_of("tiny", held, MADE_US, "MIT")


FILES = cased("pump")
ONNX, CARD = FILES[Part.ONNX], FILES[Part.CARD]
MANIFEST = manifest_of("tiny", FILES, MADE_US, "MIT")
WANTED = Wanted(Kind.FAILURE, MANIFEST.features_sha256)


def refused(manifest: Manifest = MANIFEST, held: Mapping[Part, bytes] = FILES, wanted: Wanted = WANTED) -> Refused:
    with pytest.raises(Refused) as found:
        examine(manifest, held, wanted, MADE_US)
    return found.value


def of(onnx_bytes: bytes, **of_card: object) -> Callable[[], Manifest]:
    """A maker of the manifest of a graph, with the tiny hazard's card of it."""
    card = replace(tiny.hazard().card, **({"sha256": File.of(onnx_bytes).sha256} | of_card))
    return lambda: manifest(onnx_bytes, msgspec.json.encode(card))


def changed(change: Callable[[onnx.ModelProto], object], **of_card: object) -> Refused:
    model = onnx.load_from_string(tiny.graph(FEATURES))
    change(model)
    with pytest.raises(Refused) as found:
        of(model.SerializeToString(), **of_card)()
    return found.value


@pytest.mark.parametrize("stem", ["pump", "pump.health"])
def test_what_is_shipped_makes_a_manifest_that_it_fits(stem: str) -> None:
    held = cased(stem)
    made = manifest_of("tiny", held, MADE_US, "MIT")
    assert decoded(made.encoded()) == made
    assert (made.name, made.version) == (stem, version_of(stem, File.of(held[Part.ONNX]).sha256))
    assert (made.features, made.licence) == (57, "MIT")
    wanted = Wanted(made.kind, made.features_sha256)
    examine(made, held, wanted, MADE_US)
    examine(made, held, Wanted(made.kind))


def test_the_tiny_models_make_manifests(tmp_path) -> None:
    tiny.write(tmp_path, made=tiny.hazard(modes=("a", "b")))
    for stem, outputs in (("tiny", {"chances": 6, "modes": 2}), ("tiny.health", None)):
        made = manifest((tmp_path / f"{stem}.onnx").read_bytes(), (tmp_path / f"{stem}.json").read_bytes())
        assert made.name == stem and made.outputs == (outputs or made.outputs)
        assert made.kind is (Kind.FAILURE if outputs else Kind.HEALTH)


def test_the_champion_itself_is_not_older_than_it() -> None:
    examine(MANIFEST, FILES, WANTED, MADE_US)
    assert refused(replace(MANIFEST, made_us=MADE_US - 1)).reason is Refusal.OLDER_THAN_CHAMPION


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        ({part: content for part, content in FILES.items() if part is not Part.ONNX}, Refusal.NOT_FETCHED),
        (FILES | {Part.ONNX: ONNX[:-1]}, Refusal.TRUNCATED),
        (FILES | {Part.ONNX: ONNX + b"x"}, Refusal.TOO_LARGE),
        (FILES | {Part.CARD: CARD.replace(b"pump", b"pomp")}, Refusal.WRONG_HASH),
    ],
)
def test_files_are_those_of_the_manifest(held: dict[Part, bytes], reason: Refusal) -> None:
    found = refused(held=held)
    assert found.reason is reason
    assert f"its {'card' if Part.ONNX in held and held[Part.ONNX] == ONNX else 'onnx'} file" in found.detail


@pytest.mark.parametrize(
    ("changes", "wanted", "reason"),
    [
        ({}, Wanted(Kind.HEALTH), Refusal.WRONG_INPUTS),
        ({}, Wanted(Kind.FAILURE, "0" * 64), Refusal.WRONG_FEATURES),
        ({"kind": Kind.HEALTH}, Wanted(Kind.HEALTH), Refusal.WRONG_CARD),
        ({"name": "fan"}, WANTED, Refusal.WRONG_CARD),
        ({"version": "pump@0"}, WANTED, Refusal.WRONG_CARD),
        ({"features_sha256": "0" * 64}, WANTED, Refusal.WRONG_CARD),
        ({"features": 56}, WANTED, Refusal.WRONG_INPUTS),
        ({"outputs": {"chances": 7}}, WANTED, Refusal.WRONG_INPUTS),
        ({"outputs": {}}, WANTED, Refusal.WRONG_INPUTS),
        ({"opsets": {"": 15}}, WANTED, Refusal.BROKEN_LIMIT),
    ],
)
def test_a_manifest_says_what_file_and_card_say(changes: dict, wanted: Wanted, reason: Refusal) -> None:
    assert refused(replace(MANIFEST, **changes), wanted=wanted).reason is reason


def carded(card: bytes, cases: bytes = b"") -> Refused:
    with pytest.raises(Refused) as found:
        manifest(ONNX, card, cases)
    return found.value


@pytest.mark.parametrize("card", [b"", b"{}", b"[]", b"\xff", b'"x', CARD[:-10], b"[" * 100_000])
def test_a_card_that_cannot_be_read_is_none(card: bytes) -> None:
    found = carded(card)
    assert found.reason is Refusal.NO_CARD
    assert "not a model card" in found.detail


@pytest.mark.parametrize(
    "card",
    [
        tiny.hazard().card,
        replace(tiny.hazard().card, sha256=File.of(ONNX).sha256, cases_sha256="0" * 64),
        replace(tiny.hazard().card, sha256=File.of(ONNX).sha256, signals=()),
        replace(tiny.hazard().card, sha256=File.of(ONNX).sha256, signals=("x", "x")),
        replace(tiny.hazard().card, sha256=File.of(ONNX).sha256, features_sha256="0" * 64),
        replace(tiny.hazard().card, sha256=File.of(ONNX).sha256, horizons_h=(1, 2)),
    ],
    ids=["another file", "cases that are not here", "no signals", "signals twice", "another program", "horizons"],
)
def test_a_card_that_contradicts_its_file_or_itself_is_wrong(card) -> None:
    assert carded(msgspec.json.encode(card)).reason is Refusal.WRONG_CARD


def test_past_cases_are_those_of_the_card() -> None:
    assert carded(CARD, b"{}").reason is Refusal.WRONG_CARD
    graph = tiny.graph(FEATURES)
    card = replace(tiny.hazard().card, sha256=File.of(graph).sha256, cases_sha256=File.of(b"{}").sha256)
    assert Part.CASES in manifest(graph, msgspec.json.encode(card), b"{}").files


def many_nodes(model: onnx.ModelProto) -> None:
    model.graph.node.extend(helper.make_node("Identity", ["known"], [f"same {at}"]) for at in range(MOST_NODES))


def older(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 12


def newer_ir(model: onnx.ModelProto) -> None:
    model.ir_version = 11


def two_limits(model: onnx.ModelProto) -> None:
    newer_ir(model)
    model.graph.node[0].domain = "com.example"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (many_nodes, Refusal.TOO_LARGE),
        (older, Refusal.BROKEN_LIMIT),
        (newer_ir, Refusal.BROKEN_LIMIT),
        (two_limits, Refusal.CUSTOM_OPERATOR),
    ],
)
def test_a_limit_that_is_broken_is_a_reason(change: Callable[[onnx.ModelProto], None], reason: Refusal) -> None:
    assert changed(change).reason is reason


def test_all_limits_that_are_broken_are_told() -> None:
    found = changed(two_limits)
    assert "IR version: 11" in found.detail and "com.example.IsNaN" in found.detail


def shape(end: onnx.ValueInfoProto) -> onnx.TensorShapeProto:
    return end.type.tensor_type.shape


@pytest.mark.parametrize(
    "change",
    [
        lambda model: setattr(model.graph.input[0], "name", "rows"),
        lambda model: setattr(model.graph.output[0], "name", "chance"),
        lambda model: setattr(shape(model.graph.input[0]).dim[1], "dim_value", FEATURES + 1),
        lambda model: setattr(shape(model.graph.input[0]).dim[0], "dim_value", 1),
        lambda model: shape(model.graph.input[0]).dim[1].Clear(),
        lambda model: shape(model.graph.output[0]).dim.add(),
        lambda model: setattr(model.graph.input[0].type.tensor_type, "elem_type", onnx.TensorProto.DOUBLE),
        lambda model: model.graph.input.add().CopyFrom(model.graph.input[0]),
        lambda model: model.graph.output.add(name="more"),
        lambda model: model.graph.ClearField("output"),
    ],
    ids=["input", "output", "wider", "one row", "any width", "3-d", "double", "input twice", "one more", "no output"],
)
def test_a_graph_goes_from_features_to_what_the_card_has(change: Callable[[onnx.ModelProto], object]) -> None:
    found = changed(change)
    assert found.reason is Refusal.WRONG_INPUTS
    assert "the graph goes from" in found.detail and "export the model anew" in found.detail


def test_a_card_has_as_many_features_as_its_graph() -> None:
    """Manifest and graph agree with each other, and not with the card."""
    few = tiny.hazard(signals=("pressure_bar",))
    graph = tiny.graph(FEATURES)
    card = msgspec.json.encode(replace(few.card, sha256=File.of(graph).sha256))
    held = {Part.ONNX: graph, Part.CARD: card}
    made = replace(
        of(graph)(),
        files={part: File.of(content) for part, content in held.items()},
        features_sha256=few.card.features_sha256,
    )
    found = refused(made, held, Wanted(Kind.FAILURE))
    assert found.reason is Refusal.WRONG_INPUTS
    assert f"'features' {FEATURES} to 'chances' 6, the card {len(few.spec.names)} features" in found.detail


def test_failure_modes_of_the_card_are_an_output() -> None:
    assert changed(lambda model: None, modes=("a", "b")).reason is Refusal.WRONG_INPUTS


@pytest.mark.parametrize("sha256", ["../x", "0" * 63, "A" * 64, "0" * 64 + "\n"])
def test_a_manifest_names_files_by_sha256_alone(sha256: str) -> None:
    made = replace(MANIFEST, files=MANIFEST.files | {Part.CASES: File(sha256, 1)})
    with pytest.raises(Refused, match="no-manifest"):
        decoded(made.encoded())
