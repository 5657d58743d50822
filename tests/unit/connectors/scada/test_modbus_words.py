"""What words of a PLC mean: by hand-made words, and there and back for every type and order."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.scada.feed import FeedError
from connectors.scada.feeds.modbus.registers import Config, Kind, check
from connectors.scada.feeds.modbus.words import decode
from tests.kit.plc import register

NUMBERS = {
    Kind.INT16: ("h", st.integers(-(2**15), 2**15 - 1)),
    Kind.UINT16: ("H", st.integers(0, 2**16 - 1)),
    Kind.INT32: ("i", st.integers(-(2**31), 2**31 - 1)),
    Kind.UINT32: ("I", st.integers(0, 2**32 - 1)),
    Kind.INT64: ("q", st.integers(-(2**63), 2**63 - 1)),
    Kind.UINT64: ("Q", st.integers(0, 2**64 - 1)),
    Kind.FLOAT32: ("f", st.floats(width=32, allow_nan=False, allow_infinity=False)),
    Kind.FLOAT64: ("d", st.floats(allow_nan=False, allow_infinity=False)),
}


@pytest.mark.parametrize(
    ("kind", "words", "expected"),
    [
        ("int16", [0xFFFF], -1.0),
        ("int16", [0x8000], -32768.0),
        ("uint16", [0xFFFF], 65535.0),
        ("int32", [0xFFFF, 0xFFFE], -2.0),
        ("uint32", [0x0001, 0x0000], 65536.0),
        ("int64", [0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF], -1.0),
        ("uint64", [0, 1, 0, 0], 4294967296.0),
        ("float32", [0x3F80, 0x0000], 1.0),  # IEEE 754 binary32: sign 0, exponent 127, no fraction
        ("float32", [0xC2ED, 0x4000], -118.625),  # -1.110110101b * 2**6
        ("float64", [0x4009, 0x21FB, 0x5444, 0x2D18], math.pi),  # the binary64 nearest to pi
    ],
)
def test_words_mean_what_the_standards_say(kind, words, expected):
    assert decode(register("a", 0, kind), words) == expected


def test_the_little_order_turns_words_and_not_their_bytes():
    assert decode(register("a", 0, "float32", words="little"), [0x4000, 0xC2ED]) == -118.625
    assert decode(register("a", 0, "uint32", words="little"), [0x0102, 0x0304]) == 0x03040102


ORDERS = {"ABCD": {}, "CDAB": {"words": "little"}, "BADC": {"swap_bytes": True}}
ORDERS["DCBA"] = ORDERS["CDAB"] | ORDERS["BADC"]


@pytest.mark.parametrize("order", ORDERS)
def test_the_bytes_of_a_number_may_come_in_each_of_the_four_orders(order):
    sent = bytes({"A": 0xC2, "B": 0xED, "C": 0x40, "D": 0x00}[letter] for letter in order)
    words = [int.from_bytes(sent[at : at + 2], "big") for at in (0, 2)]
    assert decode(register("a", 0, "float32", **ORDERS[order]), words) == -118.625
    assert decode(register("a", 0, "uint32", **ORDERS[order]), words) == 0xC2ED4000


def test_the_bytes_of_a_single_word_and_of_a_string_are_swapped_too():
    assert decode(register("a", 0, "int16", swap_bytes=True), [0xFEFF]) == -2
    assert decode(register("a", 0, "string", length=3, swap_bytes=True), [0x5552, 0x584E]) == "RUN"


def test_a_bit_of_a_word_has_no_bytes_to_swap():
    with pytest.raises(FeedError, match="leave `swap_bytes` out"):
        check(Config(host="plc", registers=(register("a", 0, "bool", bit=3, swap_bytes=True),)))


@given(st.data(), st.sampled_from(sorted(NUMBERS)), st.sampled_from(["big", "little"]), st.booleans())
def test_a_number_that_is_put_into_words_comes_back(data, kind, order, swap):
    form, numbers = NUMBERS[kind]
    number = data.draw(numbers)
    packed = struct.pack(">" + form, number)
    words = [int.from_bytes(packed[at : at + 2], "little" if swap else "big") for at in range(0, len(packed), 2)]
    its = register("a", 0, kind, words=order, swap_bytes=swap)
    assert its.width == len(words)
    assert decode(its, words if order == "big" else words[::-1]) == float(number)


def test_a_number_is_scaled_and_then_offset():
    assert decode(register("a", 0, scale=0.5, offset=-10.0), [100]) == 40.0


@pytest.mark.parametrize("words", [[0x7FC0, 0], [0x7F80, 0], [0xFF80, 0]])
def test_nan_and_the_infinities_are_no_value(words):
    assert decode(register("a", 0, "float32"), words) is None


@pytest.mark.parametrize("bit", range(16))
def test_a_bit_of_a_word_is_counted_from_the_lowest(bit):
    its = register("a", 0, "bool", bit=bit)
    assert decode(its, [1 << bit]) is True
    assert decode(its, [0xFFFF ^ 1 << bit]) is False


def test_a_coil_is_a_bool():
    assert decode(register("a", 0, "bool", "coil"), [True]) is True


@pytest.mark.parametrize(
    ("length", "words", "expected"),
    [
        (4, [0x5255, 0x4E20], "RUN"),
        (3, [0x5255, 0x4E58], "RUN"),
        (6, [0x5200, 0x4E20, 0x5858], "R"),
        (2, [0xC2B0], "°"),
        (2, [0xB020], None),
    ],
)
def test_a_string_ends_at_its_length_or_its_first_nul_and_is_utf_8(length, words, expected):
    assert decode(register("a", 0, "string", length=length), words) == expected
