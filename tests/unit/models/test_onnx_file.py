"""What is in an ONNX file is read from its bytes, as the `onnx` package reads it, and held to the limits."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from models import onnx_limits, starter
from models.inference import ModelError
from models.onnx_file import Contents, End, read
from models.onnx_limits import MOST_BYTES, MOST_NODES, Limit, broken
from tests.unit.onnx_export import nets

SHIPPED = tuple(files(starter).joinpath(name).read_bytes() for name in ("pump.onnx", "pump.health.onnx"))


def end(told: onnx.ValueInfoProto) -> End:
    """As the onnx package reads it."""
    tensor = told.type.tensor_type
    sizes = tuple(one.dim_value if one.HasField("dim_value") else None for one in tensor.shape.dim)
    return End(told.name, tensor.elem_type, sizes)


@pytest.mark.parametrize("made", [*SHIPPED, nets.net()], ids=["hazard", "health", "net"])
def test_it_reads_what_the_onnx_package_reads(made: bytes) -> None:
    found, model = read(made), onnx.load_from_string(made)
    assert found.ir_version == model.ir_version
    assert found.opsets == {one.domain: one.version for one in model.opset_import}
    assert found.operators == Counter((node.domain, node.op_type) for node in model.graph.node)
    assert found.size_bytes == len(made)
    assert found.inputs == [end(one) for one in model.graph.input]
    assert found.outputs == [end(one) for one in model.graph.output]
    assert not broken(found)


def test_an_input_that_is_no_tensor_has_no_type_of_numbers() -> None:
    model = net()
    model.graph.input.add(name="words").type.sequence_type.elem_type.tensor_type.elem_type = 8
    model.graph.input.add(name="bare")
    assert read(model.SerializeToString()).inputs[1:] == [End("words", 0, ()), End("bare", 0, ())]


def limits(made: bytes | onnx.ModelProto) -> tuple[Limit, ...]:
    content = made if isinstance(made, bytes) else made.SerializeToString()
    return tuple(one.reason for one in broken(read(content)))


def net() -> onnx.ModelProto:
    return onnx.load_from_string(nets.net())


@pytest.mark.parametrize(("opset", "kept"), [(12, ()), (13, ()), (21, ()), (22, ())])
def test_opsets_are_those_that_the_oldest_runtime_reads(opset: int, kept: tuple[()]) -> None:
    found = limits(nets.net(opset_imports=[helper.make_opsetid("ai.onnx", opset)]))
    assert found == (kept if 13 <= opset <= 21 else (Limit.OPSET,))


def test_an_opset_that_is_not_told_is_refused() -> None:
    model = net()
    del model.opset_import[:]
    assert limits(model) == (Limit.OPSET,)


def test_an_opset_of_a_domain_that_no_node_is_of_does_no_harm() -> None:
    model = net()
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert limits(model) == ()


@pytest.mark.parametrize(
    ("domain", "name"), [("com.microsoft", "MatMulNBits"), ("", "RandomNormal"), ("", "If"), ("com.example", "Relu")]
)
def test_operators_are_standard_ones_that_compute_rows_from_rows(domain: str, name: str) -> None:
    model = net()
    model.graph.node[0].op_type, model.graph.node[0].domain = name, domain
    assert limits(model) == (Limit.OPERATOR,)


def test_an_ir_version_of_a_newer_runtime_is_refused() -> None:
    model = net()
    model.ir_version = 11
    assert limits(model) == (Limit.IR_VERSION,)


def test_a_graph_inside_of_a_node_is_refused() -> None:
    model = net()
    model.graph.node[0].attribute.append(helper.make_attribute("body", onnx.GraphProto(name="inner")))
    assert limits(model) == (Limit.SUBGRAPH,)


def told(number: int, payload: bytes) -> bytes:
    """A field of protobuf, under 128 bytes long."""
    return bytes([number << 3 | 2, len(payload)]) + payload


@pytest.mark.parametrize("body_first", [True, False])
def test_a_graph_before_or_behind_numbers_of_a_node_is_found(body_first: bool) -> None:
    body = onnx.AttributeProto(g=onnx.GraphProto(name="inner")).SerializeToString()
    numbers = onnx.AttributeProto(ints=[-1, 0, 300], floats=[0.5, -2.0]).SerializeToString()
    parts = (body, numbers) if body_first else (numbers, body)
    found = read(told(7, told(1, told(5, b"".join(parts)))))
    assert (found.nodes, found.subgraphs) == (1, 1)


def test_functions_and_training_are_refused() -> None:
    model = net()
    model.functions.append(helper.make_function("com.example", "f", ["x"], ["y"], [], []))
    model.training_info.add()
    assert limits(model) == (Limit.FUNCTION, Limit.TRAINING)


def outside(tensor: onnx.TensorProto) -> onnx.TensorProto:
    """Its numbers are to be read from a file."""
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return tensor


def test_numbers_in_other_files_are_refused_wherever_the_tensor_is() -> None:
    named, inside, sparse = net(), net(), net()
    outside(named.graph.initializer[0])
    inside.graph.node[0].attribute.append(
        helper.make_attribute("value", outside(numpy_helper.from_array(np.zeros(3), "t")))
    )
    sparse.graph.sparse_initializer.add().values.CopyFrom(outside(numpy_helper.from_array(np.zeros(3), "t")))
    assert [limits(model) for model in (named, inside, sparse)] == [(Limit.EXTERNAL_DATA,)] * 3


def test_size_and_number_of_nodes_have_a_limit() -> None:
    many = Contents(MOST_BYTES + 1, ir_version=8, opsets={"": 15}, operators=Counter({("", "Relu"): MOST_NODES + 1}))
    assert tuple(one.reason for one in broken(many)) == (Limit.SIZE, Limit.NODES)
    few = Contents(MOST_BYTES, ir_version=8, opsets={"": 15}, operators=Counter({("", "Relu"): MOST_NODES}))
    assert not broken(few)


def test_no_operator_is_allowed_whose_result_depends_on_the_batch_or_on_chance() -> None:
    names = {name for _, name in onnx_limits.OPERATORS}
    assert not {"DynamicQuantizeLinear", "RandomNormal", "Multinomial", "Dropout", "Loop", "Scan", "If"} & names
    schemas = {(one.domain, one.name) for one in onnx.defs.get_all_schemas()}
    assert schemas >= onnx_limits.OPERATORS


def refused_or_one_graph(content: bytes) -> bool:
    try:
        return read(content).graphs == 1
    except ModelError:
        return True


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    assert refused_or_one_graph(content)


@given(at=st.integers(0, len(SHIPPED[1]) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused(at: int, byte: int) -> None:
    assert refused_or_one_graph(SHIPPED[1][:at] + bytes([byte]) + SHIPPED[1][at + 1 :])


def test_a_file_that_ends_early_is_refused() -> None:
    with pytest.raises(ModelError, match="no ONNX file"):
        read(SHIPPED[0][:-20])
