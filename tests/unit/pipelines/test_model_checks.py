"""`forewarn model verify` and `export`, on files that are good and that are not."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from msgspec.structs import replace
from rich.console import Console

from models import starter
from models.acceptance import Vectors
from models.failure.hazard import Card, card_json
from models.inference import ModelError, Predictor
from onnx_export.stamp import stamped
from pipelines.cli import models
from pipelines.cli.model_checks import random_rows

ONNX, CARD, CASES = (files(starter).joinpath(f"pump.{kind}").read_bytes() for kind in ("onnx", "json", "cases.json"))
FEATURES = Predictor(ONNX).features


def put(folder: Path, content: bytes = ONNX) -> Path:
    """The shipped model with other bytes, under a card that fits them."""
    card = replace(msgspec.json.decode(CARD, type=Card), sha256=hashlib.sha256(content).hexdigest())
    (folder / "pump.json").write_bytes(card_json(card))
    (folder / "pump.onnx").write_bytes(content)
    (folder / "pump.cases.json").write_bytes(CASES)
    return folder / "pump.onnx"


def shown(path: Path, as_json: bool = False) -> str:
    text = io.StringIO()
    models.verify(path, Console(file=text, width=200), as_json)
    return text.getvalue()


def changed(change, vectors: bool = False) -> bytes:
    """The shipped file with another graph; its acceptance vectors, which would tell first, go where not asked for."""
    model = onnx.load_from_string(ONNX)
    change(model)
    if not vectors:
        del model.metadata_props[:]
    return model.SerializeToString()


def nodes(model: onnx.ModelProto, kind: str) -> onnx.NodeProto:
    return next(node for node in model.graph.node if node.op_type == kind)


def test_verify_tells_what_was_looked_at(tmp_path: Path) -> None:
    found = json.loads(shown(put(tmp_path), as_json=True))
    assert found["version"] == f"pump@{found['sha256'][:12]}"
    assert found["acceptance vectors"] == "32 agree"
    assert "1, 2, 3, 7, 16, 64, 255, 256" in found["batches"]
    assert found["operators"] == ["Concat", "Mul", "Neg", "Sigmoid", "Split", "Sub", "TreeEnsembleRegressor"]
    assert found["latency here"]["size_bytes"] == len(ONNX)
    assert set(found["latency here"]["latency_us_a_row"]) == {"1", "16", "256"}
    assert all(us > 0 for us in found["latency here"]["latency_us_a_row"].values())


def test_verify_tells_people_the_same(tmp_path: Path) -> None:
    said = shown(put(tmp_path))
    for name, value in json.loads(shown(put(tmp_path), as_json=True)).items():
        assert name in said
        if isinstance(value, str):
            assert value in said


def test_verify_counts_acceptance_vectors(tmp_path: Path) -> None:
    rows = random_rows(FEATURES, 24)
    path = put(tmp_path, stamped(ONNX, Vectors.of(rows, Predictor(ONNX).predict(rows), 1e-6)))
    assert json.loads(shown(path, as_json=True))["acceptance vectors"] == "24 agree"
    without = put(tmp_path, changed(lambda model: None))
    assert json.loads(shown(without, as_json=True))["acceptance vectors"] == "no acceptance vectors"


def test_export_copies_the_file_and_adds_to_its_card_what_serving_costs(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    models.export(put(tmp_path / "from"), tmp_path / "to", Console(file=io.StringIO()))
    assert (tmp_path / "to" / "pump.onnx").read_bytes() == ONNX
    card = msgspec.json.decode((tmp_path / "to" / "pump.json").read_bytes(), type=Card)
    assert isinstance(card.served, msgspec.Struct)
    assert card.served.size_bytes == len(ONNX)
    assert card.served.machine
    assert set(card.served.latency_us_a_row) == {"1", "16", "256"}
    assert replace(card, served=msgspec.UNSET) == msgspec.json.decode(CARD, type=Card)


def strange(model: onnx.ModelProto) -> None:
    nodes(model, "Sub").domain = "com.example"


def falling(model: onnx.ModelProto) -> None:
    products = nodes(model, "Concat")
    products.input[:] = list(products.input)[::-1]


def newer(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 22


def batch_wise(model: onnx.ModelProto) -> None:
    """Chances are added up over the rows of the batch."""
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(0), "rows_axis"))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(1e-3, np.float32), "small"))
    kept = list(model.graph.node)
    kept[-1].input[1] = "over_rows"
    del model.graph.node[:]
    more = [
        onnx.helper.make_node("Mul", ["survives", "small"], ["less"]),
        onnx.helper.make_node("CumSum", ["less", "rows_axis"], ["over_rows"]),
    ]
    model.graph.node.extend([*kept[:-1], *more, kept[-1]])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (falling, "never fall with the horizon"),
        (strange, r"operator: com\.example\.Sub"),
        (newer, "opset: ai.onnx 22, not 13 to 21"),
        (batch_wise, "depend on the rows beside them"),
    ],
)
def test_a_file_that_breaks_a_promise_is_not_exported(tmp_path: Path, change, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        models.export(put(tmp_path, changed(change)), tmp_path / "to", Console(file=io.StringIO()))
    assert not (tmp_path / "to").exists()


def test_another_graph_under_the_shipped_vectors_is_refused_by_them(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="its acceptance vectors come out"):
        shown(put(tmp_path, changed(falling, vectors=True)))


def test_verifying_and_exporting_need_no_training_library() -> None:
    code = (
        "import sys, pipelines.cli.models;"
        "print([m for m in ('sktime', 'sklearn', 'pandas', 'lightgbm', 'onnx', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
