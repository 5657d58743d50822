"""A model card that contradicts itself or its file is refused when it is loaded, not when a machine is scored."""

from __future__ import annotations

import hashlib

import msgspec
import onnx
import pytest
from msgspec.structs import replace
from onnx import TensorProto, helper

from models.failure.hazard import ENOUGH_FAILURES, SOME_FAILURES, Card, Hazard, confidence_of, says_chance
from models.features import Expected
from models.inference import ModelError, Predictor
from models.plant.layout import Layout
from pipelines.partition import Partition
from tests.kit import tiny

GOOD = tiny.hazard().card
AIR = Expected("temp_degc", 0.0, (("pressure_bar", 1.0),))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"signals": ()}, "must be some, each once"),
        ({"signals": ("pressure_bar", "pressure_bar")}, "must be some, each once"),
        ({"counters": ("temp_degc",)}, "must be some, each once"),
        ({"expected": (AIR, AIR)}, "told once a signal"),
        ({"expected": (Expected("oil", 0.0, ()),)}, "expected of 'oil'"),
        ({"expected": (Expected("temp_degc", 0.0, (("oil", 1.0),)),)}, "rests on ['oil']"),
        ({"expected": (Expected("temp_degc", 0.0, (("temp_degc", 1.0),)),)}, "rests on ['temp_degc']"),
        ({"warning_limit": -5.0}, "must lie between 0 and 1"),
        ({"warning_limit": 1.0}, "must lie between 0 and 1"),
        ({"failures": -1}, "failures must not be under 0"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(change, said):
    with pytest.raises(ModelError, match=said.replace("[", r"\[")):
        Hazard(b"", replace(GOOD, **change))


def graph(outputs: int, width: int | str) -> bytes:
    nodes = [helper.make_node("Slice", ["features", "first", "last", "axis"], ["chances"])]
    constants = [
        helper.make_tensor(name, TensorProto.INT64, [1], [value])
        for name, value in (("first", 0), ("last", outputs), ("axis", 1))
    ]
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info("chances", TensorProto.FLOAT, [None, outputs])],
        constants,
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def test_a_graph_of_another_number_of_chances_is_refused():
    data = graph(5, len(tiny.hazard().spec.names))
    onnx.checker.check_model(onnx.load_from_string(data))
    with pytest.raises(ModelError, match="the number of chances is 5"):
        Hazard(data, replace(GOOD, sha256=hashlib.sha256(data).hexdigest()))


def test_a_graph_without_a_fixed_width_is_refused():
    with pytest.raises(ModelError, match="a fixed number"):
        Predictor(graph(6, "n"))


def test_a_model_whose_counters_the_type_lacks_is_refused():
    hazard = tiny.hazard()
    hazard.spec = replace(hazard.spec, counters=("hours",))
    with pytest.raises(ModelError, match="hours"):
        Partition(tiny.plant(), tiny.models() | {"tiny": hazard})
    assert Layout("pump", tiny.plant().types["pump"]).column_names == ("pressure_bar", "temp_degc", "is_running")


@pytest.mark.parametrize(
    ("failures", "confidence", "says"),
    [(0, "low", False), (4, "low", False), (5, "medium", False), (19, "medium", False), (20, "high", True)],
)
def test_a_model_is_as_sure_as_the_real_failures_that_it_learned_from(failures, confidence, says):
    card = replace(GOOD, failures=failures)
    assert (confidence_of(card), says_chance(card)) == (confidence, says)


def test_a_card_of_before_counted_no_failures():
    said = msgspec.json.decode(msgspec.json.encode(GOOD))
    del said["failures"]
    assert msgspec.convert(said, Card).failures == 0


@pytest.mark.parametrize(("failures", "least"), [(ENOUGH_FAILURES, 0.86), (SOME_FAILURES, 0.55)])
def test_the_limits_of_confidence_are_those_of_clopper_and_pearson(failures, least):
    # Of n failures all warned of, the chance p of a warning has its one-sided 95 % limit where p ** n = 0.05.
    found = 0.05 ** (1 / failures)
    assert found == pytest.approx(least, abs=0.005)
