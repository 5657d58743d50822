"""Releases of the tiny hazard that workers must refuse, one for each reason, and one that they take.

A registry serves what an offer says, right or not: `serve` lays that into a folder by the hashes that are stated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import onnx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace
from onnx import TensorProto, helper

from connectors.releases.keys import public_text, sign
from connectors.releases.registry import key
from models.acceptance import Vectors
from models.inference import INPUT, Predictor
from models.onnx_limits import MOST_BYTES
from models.release import File, Kind, Manifest, Part, Refusal, Signature, version_of
from onnx_export.stamp import stamped
from pipelines.releases.check import Wanted
from tests.kit import tiny

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TRUSTED = public_text(PRIVATE, "plant")
"""What FOREWARN_RELEASE_KEYS holds."""
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32))
CHAMPION_MADE_US = tiny.ROWS_BEGIN_US
MADE_US = CHAMPION_MADE_US + 60_000_000
HAZARD = tiny.hazard()
WANTED = Wanted(Kind.FAILURE, HAZARD.card.features_sha256)
FEATURES = len(HAZARD.spec.names)
DEEP = 40_000
"""Nodes of a tree, each below the last: onnxruntime 1.32 adds them by recursion, which 8 MiB of stack do not hold."""


class Offer(NamedTuple):
    """A manifest's bytes, who signed them, and what a registry serves for each of its files."""

    manifest: bytes
    signatures: tuple[Signature, ...]
    served: Mapping[File, bytes]


def serve(offer: Offer, folder: Path) -> None:
    """Into a folder that is a registry."""
    for file, content in offer.served.items():
        path = folder / key(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def good(mark: str = "good", made_us: int = MADE_US) -> Offer:
    """A release that is taken; another mark gives another version."""
    return offer_of(_tiny(mark), made_us)


def bad_releases() -> dict[Refusal, Callable[[], Offer]]:
    """Makers of releases by the reason for which each is refused."""
    return {
        Refusal.NO_MANIFEST: lambda: _signed(b"{}", {}),
        Refusal.UNSIGNED: lambda: good("unsigned")._replace(signatures=()),
        Refusal.UNKNOWN_KEY: lambda: _by("stranger", STRANGER),
        Refusal.BAD_SIGNATURE: lambda: _by("plant", STRANGER),
        Refusal.OLDER_THAN_CHAMPION: lambda: offer_of(_tiny("older"), made_us=CHAMPION_MADE_US - 1),
        Refusal.NOT_FETCHED: lambda: good("not fetched")._replace(served={}),
        Refusal.NO_CARD: _without_card,
        Refusal.TOO_LARGE: _too_large,
        Refusal.TRUNCATED: lambda: _serving("truncated", lambda content: content[:-1]),
        Refusal.WRONG_HASH: lambda: _serving("changed", lambda content: content[:-1] + bytes([content[-1] ^ 1])),
        Refusal.NOT_ONNX: lambda: offer_of(b"no model"),
        Refusal.EXTERNAL_DATA: lambda: _changed("external data", _outside),
        Refusal.CUSTOM_OPERATOR: lambda: _changed("custom operator", _custom),
        Refusal.OPSET_TOO_NEW: lambda: _changed("opset", _newest),
        Refusal.BROKEN_LIMIT: lambda: _changed("limit", _with_function),
        Refusal.WRONG_INPUTS: lambda: _changed("inputs", _renamed),
        Refusal.WRONG_FEATURES: _of_other_features,
        Refusal.WRONG_CARD: lambda: offer_of(_tiny("card"), sha256="0" * 64),
        Refusal.NOT_FINITE: lambda: _changed("not finite", _letting_missing_through),
        Refusal.VECTORS_FAIL: lambda: offer_of(_with_vectors(_tiny("vectors"), off=0.01)),
        Refusal.TOO_SLOW: lambda: _changed("slow", _slowed),
        Refusal.CRASHED: lambda: offer_of(deep_tree(DEEP)),
    }


def _tiny(mark: str) -> bytes:
    """The tiny graph, its bytes made others by a mark."""
    return _marked(onnx.load_from_string(tiny.graph(FEATURES)), mark)


def _marked(model: onnx.ModelProto, mark: str) -> bytes:
    helper.set_model_props(model, {"mark": mark})
    return model.SerializeToString(deterministic=True)


def _changed(mark: str, change: Callable[[onnx.ModelProto], None]) -> Offer:
    model = onnx.load_from_string(tiny.graph(FEATURES))
    change(model)
    return offer_of(_marked(model, mark))


def offer_of(content: bytes, made_us: int = MADE_US, hazard=HAZARD, **of_card: object) -> Offer:
    """Signed, with a card of this file; what more is told stands in the card."""
    card = replace(hazard.card, **({"sha256": File.of(content).sha256} | of_card))
    manifest, served = _manifest(content, msgspec.json.encode(card), made_us, len(hazard.spec.names))
    return _signed(manifest.encoded(), served)


def _manifest(content: bytes, card: bytes, made_us: int, features: int) -> tuple[Manifest, dict[File, bytes]]:
    files = {Part.ONNX: File.of(content), Part.CARD: File.of(card)}
    manifest = Manifest(
        plant="tiny",
        name="tiny",
        version=version_of("tiny", files[Part.ONNX].sha256),
        kind=Kind.FAILURE,
        made_us=made_us,
        files=files,
        features_sha256=msgspec.json.decode(card)["features_sha256"],
        features=features,
        outputs={"chances": 6},
        opsets=_opsets(content),
    )
    return manifest, {files[Part.ONNX]: content, files[Part.CARD]: card}


def _opsets(content: bytes) -> dict[str, int]:
    if content == b"no model":
        return {}
    return {one.domain: one.version for one in onnx.load_from_string(content).opset_import}


def _signed(manifest: bytes, served: Mapping[File, bytes]) -> Offer:
    return Offer(manifest, (sign(PRIVATE, "plant", manifest),), served)


def _by(name: str, private: Ed25519PrivateKey) -> Offer:
    offer = good(f"by {name}")
    return offer._replace(signatures=(sign(private, name, offer.manifest),))


def _serving(mark: str, damage: Callable[[bytes], bytes]) -> Offer:
    offer = good(mark)
    return offer._replace(served={file: damage(content) for file, content in offer.served.items()})


def _without_card() -> Offer:
    offer = good("no card")
    manifest = msgspec.json.decode(offer.manifest, type=Manifest)
    files = {part: file for part, file in manifest.files.items() if part is not Part.CARD}
    return _signed(replace(manifest, files=files).encoded(), offer.served)


def _too_large() -> Offer:
    """Stated to be larger than any file may be: nobody needs to send that much to have it refused."""
    offer = good("large")
    manifest = msgspec.json.decode(offer.manifest, type=Manifest)
    files = manifest.files | {Part.ONNX: replace(manifest.files[Part.ONNX], size_bytes=MOST_BYTES + 1)}
    return _signed(replace(manifest, files=files).encoded(), offer.served)


def _of_other_features() -> Offer:
    other = tiny.hazard(signals=("pressure_bar",))
    content = _marked(onnx.load_from_string(tiny.graph(len(other.spec.names))), "features")
    return offer_of(content, hazard=other)


def _outside(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[-1]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/hostname")


def _custom(model: onnx.ModelProto) -> None:
    model.graph.node[-1].domain = "com.example"
    model.opset_import.add(domain="com.example", version=1)


def _newest(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 22


def _with_function(model: onnx.ModelProto) -> None:
    model.functions.append(helper.make_function("com.example", "f", ["x"], ["y"], [], []))


def _renamed(model: onnx.ModelProto) -> None:
    """All that goes into the graph has another name."""
    model.graph.input[0].name = "rows"
    for node in model.graph.node:
        node.input[:] = ["rows" if name == INPUT else name for name in node.input]


def _letting_missing_through(model: onnx.ModelProto) -> None:
    """NaN is no longer taken for 0: a machine that lacks a signal has no chances."""
    model.graph.node[2].input[0] = INPUT
    del model.graph.node[:2]


def _with_vectors(content: bytes, off: float) -> bytes:
    rows = np.zeros((4, FEATURES), np.float32)
    return stamped(content, Vectors.of(rows, Predictor(content).predict(rows) + np.float32(off), 1e-6))


def _slowed(model: onnx.ModelProto, wide: int = 1000, deep: int = 20) -> None:
    """Adds 0 by twenty products of large matrices, which the file holds as their sizes alone."""
    for name, shape in (("in", [FEATURES, wide]), ("inside", [wide, wide]), ("out", [wide, 6])):
        model.graph.initializer.append(helper.make_tensor(f"{name} shape", TensorProto.INT64, [2], shape))
        model.graph.node.append(helper.make_node("ConstantOfShape", [f"{name} shape"], [name]))
    passed = [("known", "in"), *((f"hidden {at}", "inside") for at in range(deep)), (f"hidden {deep}", "out")]
    for at, (value, weights) in enumerate(passed):
        model.graph.node.append(helper.make_node("MatMul", [value, weights], [f"hidden {at}"]))
    model.graph.node.append(helper.make_node("Add", ["quick", f"hidden {deep + 1}"], ["chances"]))
    next(node for node in model.graph.node if "chances" in node.output).output[0] = "quick"


def deep_tree(deep: int) -> bytes:
    """One tree of nodes each below the last: within all limits, and too deep for onnxruntime's recursion."""
    leaves = range(deep, 2 * deep + 1)
    inner, none = range(deep), [0] * (deep + 1)
    tree = helper.make_node(
        "TreeEnsembleRegressor",
        [INPUT],
        ["scores"],
        domain="ai.onnx.ml",
        n_targets=6,
        nodes_treeids=[0] * (2 * deep + 1),
        nodes_nodeids=[*inner, *leaves],
        nodes_featureids=[0] * (2 * deep + 1),
        nodes_values=[0.5] * (2 * deep + 1),
        nodes_modes=["BRANCH_LEQ"] * deep + ["LEAF"] * (deep + 1),
        nodes_truenodeids=[*(deep + at for at in inner), *none],
        nodes_falsenodeids=[*(at + 1 for at in range(deep - 1)), 2 * deep, *none],
        target_treeids=none,
        target_nodeids=[*leaves],
        target_ids=none,
        target_weights=[0.0] * (deep + 1),
    )
    graph = helper.make_graph(
        [tree, helper.make_node("Sigmoid", ["scores"], ["chances"])],
        "deep",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, FEATURES])],
        [helper.make_tensor_value_info("chances", TensorProto.FLOAT, [None, 6])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString(deterministic=True)
